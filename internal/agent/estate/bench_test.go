package estate

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	testclock "k8s.io/utils/clock/testing"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/drift"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

var begin = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const (
	testPart = desired.Issuers
	someone  = "kubectl-edit"
)

// stand is an estate without a cluster, at a clock that stands still: the test
// plays the API server.
type stand struct {
	*Estate
	t     *testing.T
	clock *testclock.FakePassiveClock

	started chan followed
	tails   map[string]followed

	mu           sync.Mutex
	changes      int
	rediscovered int
}

type followed struct {
	tail.Options
	ctx context.Context // tells whether the estate still follows
}

func newStand(t *testing.T) *stand {
	t.Helper()
	s := &stand{t: t, clock: testclock.NewFakePassiveClock(begin), started: make(chan followed, 64), tails: map[string]followed{}}
	s.Estate = New(Options{
		Namespace: "system", Clock: s.clock,
		Follow: func(ctx context.Context, o tail.Options) {
			s.started <- followed{o, ctx}
			<-ctx.Done()
		},
		Changed:    func() { s.mu.Lock(); s.changes++; s.mu.Unlock() },
		Rediscover: func() { s.mu.Lock(); s.rediscovered++; s.mu.Unlock() },
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	return s
}

// tail waits until a resource is followed.
func (s *stand) tail(name string) followed {
	s.t.Helper()
	for {
		if f, ok := s.tails[name]; ok && f.ctx.Err() == nil {
			return f
		}
		select {
		case f := <-s.started:
			s.tails[key(f)] = f
		case <-time.After(10 * time.Second):
			s.t.Fatalf("%s is not followed", name)
		}
	}
}

// key of what is followed; the ledger is "ledger".
func key(f followed) string {
	if f.FieldSelector != "" {
		return "ledger"
	}
	if f.Namespace != "" {
		return f.Resource.Resource + " " + f.Namespace
	}
	return f.Resource.Resource
}

// reads lists a resource anew.
func (s *stand) reads(name string, objects ...map[string]any) {
	s.t.Helper()
	f := s.tail(name)
	f.Sink.Begin()
	for _, o := range objects {
		f.Sink.Object(encode(s.t, o))
	}
	f.Sink.End()
	f.Report(tail.State{Condition: tail.Reading})
}

func (s *stand) event(name string, o map[string]any) {
	s.t.Helper()
	s.tail(name).Sink.Object(encode(s.t, o))
}

func (s *stand) gone(name string, o map[string]any) {
	s.t.Helper()
	s.tail(name).Sink.Deleted(encode(s.t, o))
}

func encode(t *testing.T, o map[string]any) []byte {
	t.Helper()
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// writes a ledger as the hub would.
func (s *stand) writes(version string, entries map[desired.Ref]ledger.Entry) {
	s.t.Helper()
	l := ledger.New("platform", "uid")
	l.Entries = entries
	raw, err := l.Encode()
	if err != nil {
		s.t.Fatal(err)
	}
	cm := map[string]any{"metadata": map[string]any{"resourceVersion": version}, "data": map[string]any{ledger.Key: raw}}
	f := s.tail("ledger")
	if f.Sink.(*ledgerSink).found {
		f.Sink.Object(encode(s.t, cm))
		return
	}
	s.reads("ledger", cm)
}

// after lets time go by and reports.
func (s *stand) after(wait time.Duration) *v1alpha1.EstateReport {
	s.clock.SetTime(s.clock.Now().Add(wait))
	r, next := s.Report(s.clock.Now())
	if !next.IsZero() && !next.After(s.clock.Now()) {
		s.t.Errorf("at %s, the report may change at %s", s.clock.Now(), next)
	}
	return r
}

func (s *stand) news() (changes, rediscovered int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changes, rediscovered = s.changes, s.rediscovered
	s.changes, s.rediscovered = 0, 0
	return changes, rediscovered
}

// served are the kinds of a usual cluster.
func served() map[schema.GroupKind]schema.GroupVersionResource {
	return map[schema.GroupKind]schema.GroupVersionResource{
		{Kind: "ConfigMap"}:                                 {Version: "v1", Resource: "configmaps"},
		{Kind: "Secret"}:                                    {Version: "v1", Resource: "secrets"},
		{Group: "apps", Kind: "Deployment"}:                 {Group: "apps", Version: "v1", Resource: "deployments"},
		{Group: "apiextensions.k8s.io", Kind: definition}:   {Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"},
		{Group: "cert-manager.io", Kind: "ClusterIssuer"}:   {Group: "cert-manager.io", Version: "v1", Resource: "clusterissuers"},
		{Group: "trust.cert-manager.io", Kind: "Bundle"}:    {Group: "trust.cert-manager.io", Version: "v1alpha1", Resource: "bundles"},
		{Group: "rbac.authorization.k8s.io", Kind: "Role"}:  {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"},
		{Group: "networking.k8s.io", Kind: "NetworkPolicy"}: {Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"},
	}
}

func cmRef(name string) desired.Ref {
	return desired.Ref{Kind: "ConfigMap", Namespace: "shop", Name: name}
}

// ours are the fields that the platform owns of a ConfigMap.
const ours = `{"f:data":{"f:a":{},"f:b":{}}}`

// object as the API server sends it; fields are what the platform owns.
func entity(ref desired.Ref, uid, fields string, others ...map[string]any) map[string]any {
	managed := []any{owner(names.FieldManager(string(testPart)), "Apply", fields, begin.Add(-time.Hour))}
	for _, o := range others {
		managed = append(managed, o)
	}
	return map[string]any{"metadata": map[string]any{
		"namespace": ref.Namespace, "name": ref.Name, "uid": uid, "managedFields": managed,
		"labels": map[string]any{names.LabelPart: string(testPart)},
	}}
}

func owner(manager, operation, fields string, at time.Time) map[string]any {
	return map[string]any{
		"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1",
		"time": at.Format(time.RFC3339), "fieldsV1": json.RawMessage(fields),
	}
}

// entry of the ledger for an object with these fields.
func entry(t *testing.T, uid, fields string) ledger.Entry {
	t.Helper()
	hash, err := drift.FieldsHash([]metav1.ManagedFieldsEntry{{
		Manager: names.FieldManager(string(testPart)), Operation: metav1.ManagedFieldsOperationApply, FieldsV1: metav1.NewFieldsV1(fields),
	}}, names.FieldManager(string(testPart)))
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Entry{Part: testPart, Version: "v1", UID: uidOf(uid), Digest: "d", Fields: hash}
}

// settledStand has one ConfigMap in order, and has said so.
func settledStand(t *testing.T) *stand {
	t.Helper()
	s := newStand(t)
	s.Serve(served(), nil)
	s.writes("1", map[desired.Ref]ledger.Entry{cmRef("a"): entry(t, "u", ours)})
	s.reads("configmaps", entity(cmRef("a"), "u", ours))
	s.after(settling)
	s.news()
	return s
}

func describe(r *v1alpha1.EstateReport) []string {
	if r == nil {
		return nil
	}
	list := []string{}
	for _, d := range r.Drift {
		list = append(list, fmt.Sprintf("%s %s %v by %v since %s", d.Name, d.State, d.Fields, d.By, d.Since.UTC().Format(time.TimeOnly)))
	}
	return list
}
