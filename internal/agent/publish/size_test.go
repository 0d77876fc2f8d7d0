package publish

import (
	"context"
	"encoding/json"
	"runtime"
	"strconv"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// sink is an API server that keeps nothing.
type sink struct {
	client.Client
	writes, bytes int
	each          func()
}

func (s *sink) Create(_ context.Context, o client.Object, _ ...client.CreateOption) error {
	data, err := json.Marshal(o)
	s.bytes += len(data)
	return s.took(o, err)
}

func (s *sink) Update(_ context.Context, o client.Object, _ ...client.UpdateOption) error {
	return s.took(o, nil)
}

func (s *sink) took(o client.Object, err error) error {
	s.writes++
	o.SetResourceVersion(strconv.Itoa(s.writes))
	if s.each != nil {
		s.each()
	}
	return err
}

// TestPagesHoldLittleMemory is not parallel: it looks at the heap.
func TestPagesHoldLittleMemory(t *testing.T) {
	e := &estate{}
	e.fill(0, 20000)
	live := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // the first one leaves what is in pools
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	api := &sink{}
	base, most := live(), int64(0)
	api.each = func() {
		if api.writes%16 == 1 {
			most = max(most, live()-base)
		}
	}
	p := New(Options{Client: api, Namespace: testNamespace, Agent: v1alpha1.AgentName})
	publish(t, p, e)
	after := live() - base
	t.Logf("20000 records: %d pages of %d bytes a record; live heap at most %d KiB while they are built, %d KiB afterwards",
		api.writes, api.bytes/20000, most>>10, after>>10)
	if most > 4<<20 {
		t.Errorf("%d bytes are live while pages are built", most)
	}
	if after > 128<<10 {
		t.Errorf("%d bytes stay", after)
	}
	runtime.KeepAlive(e)
	runtime.KeepAlive(p)
}

func BenchmarkAllPages(b *testing.B) {
	e := &estate{}
	e.fill(0, 20000)
	b.ReportAllocs()
	for b.Loop() {
		p := New(Options{Client: &sink{}, Namespace: testNamespace, Agent: v1alpha1.AgentName})
		publish(b, p, e)
	}
}

func BenchmarkUnchangedPages(b *testing.B) {
	e := &estate{}
	e.fill(0, 20000)
	p := New(Options{Client: &sink{}, Namespace: testNamespace, Agent: v1alpha1.AgentName})
	publish(b, p, e)
	b.ReportAllocs()
	for b.Loop() {
		if writes := publish(b, p, e, allShards()...); writes != 0 {
			b.Fatalf("%d writes", writes)
		}
	}
}

func BenchmarkOneChange(b *testing.B) {
	e := &estate{}
	e.fill(0, 20000)
	p := New(Options{Client: &sink{}, Namespace: testNamespace, Agent: v1alpha1.AgentName})
	publish(b, p, e)
	i := 0
	for b.Loop() {
		i++
		e.set(secret(i%20000), ingressView(i%20000, i))
		publish(b, p, e, secret(i%20000).Shard())
	}
}

func BenchmarkReport(b *testing.B) {
	e := &estate{}
	e.fill(0, 20000)
	b.ReportAllocs()
	for b.Loop() {
		Report(e, ReportInput{Now: reportTime})
	}
}
