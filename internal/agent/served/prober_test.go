package served

import (
	"net"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/publish"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
	"github.com/tlsplatform/tls-platform-operator/internal/prober"
)

// newProber is a Prober whose API server does not answer.
func newProber(t *testing.T) *Prober {
	t.Helper()
	p, err := New(Options{
		Config: &rest.Config{Host: "http://127.0.0.1:1"}, Namespace: "system",
		Publisher: publish.New(publish.Options{Agent: "prober", Page: "served"}),
		Resolver:  &net.Resolver{},
		Chance:    func() float64 { return 0 }, Clock: clocktesting.NewFakeClock(start), Log: logr.Discard(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// asking is a TLSAgent that asks for something to be probed, or for nothing.
func asking(probing *v1alpha1.Probing) *v1alpha1.TLSAgent {
	return &v1alpha1.TLSAgent{
		ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.AgentName, UID: "1"},
		Spec:       v1alpha1.TLSAgentSpec{Cluster: "blue", Inventory: v1alpha1.Inventory{Probing: probing}},
	}
}

func TestSessionsFollowWhatIsAsked(t *testing.T) {
	t.Parallel()
	p := newProber(t)
	ctx := t.Context()
	probing := &v1alpha1.Probing{
		AllowedNetworks: []string{"192.0.2.0/24"}, Endpoints: []v1alpha1.ProbedEndpoint{{Name: "a", Host: "192.0.2.1", Port: 443}},
	}
	p.take(ctx, asking(probing))
	first := p.session.Load()
	if first == nil || p.Cluster() != "blue" {
		t.Fatalf("session %v, cluster %q", first, p.Cluster())
	}
	if list := first.board.start(); len(list) != 1 || list[0].Host != "192.0.2.1" {
		t.Errorf("what was declared is not probed: %v", list)
	}
	first.board.done(&Finding{Result: prober.Result{Endpoint: prober.Endpoint{Host: "192.0.2.1", Port: 443}, Reason: prober.Denied}}, 0)

	other := asking(probing.DeepCopy())
	other.Spec.Inventory.OrphanGracePeriod = &metav1.Duration{Duration: time.Hour}
	p.take(ctx, other)
	if p.session.Load() != first {
		t.Error("a change of something else began a new session")
	}
	wider := probing.DeepCopy()
	wider.AllowedNetworks = append(wider.AllowedNetworks, "10.0.0.0/8")
	p.take(ctx, asking(wider))
	second := p.session.Load()
	if second == first || first.ctx.Err() == nil {
		t.Error("other networks did not begin a new session")
	}
	if records := held(p); records != 1 {
		t.Errorf("%d records are left while the new session reads, want 1", records)
	}
	p.take(ctx, asking(nil))
	if p.session.Load() != nil || second.ctx.Err() == nil {
		t.Error("the session goes on although nothing is to be probed")
	}
	if records := held(p); records != 0 || !p.pages.synced {
		t.Errorf("%d records are left (%t)", records, p.pages.synced)
	}
	p.take(ctx, asking(&v1alpha1.Probing{AllowedNetworks: []string{"nowhere"}}))
	if p.session.Load() != nil {
		t.Error("networks that can't be read began a session")
	}
}

// held counts the records of the inventory.
func held(p *Prober) int {
	n := 0
	for shard := range inventory.Shards {
		p.inv.Facts(shard, func(*inventory.View) { n++ })
	}
	return n
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	p := newProber(t)
	p.take(t.Context(), asking(&v1alpha1.Probing{
		AllowedNetworks: []string{"192.0.2.0/24"},
		Endpoints:       []v1alpha1.ProbedEndpoint{{Name: "a", Host: "192.0.2.1", Port: 443}, {Name: "b", Host: "192.0.2.2", Port: 443}},
	}))
	defer p.session.Load().end()
	shown := chain(t, []byte(chainPEM))
	for i, e := range p.session.Load().board.start() {
		f := &Finding{Result: prober.Result{Endpoint: e, Reason: prober.ConnectRefused}}
		if i == 0 {
			f.Reason, f.Chain = prober.Served, shown
		}
		p.metrics.took(time.Second)
		p.session.Load().board.done(f, 0)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(p.Collector())
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	samples := map[string]int{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			samples[f.GetName()]++
			if h := m.GetHistogram(); h != nil {
				got[f.GetName()] = float64(h.GetSampleCount())
				continue
			}
			labels := ""
			for _, l := range m.GetLabel() {
				labels += " " + l.GetValue()
			}
			if m.GetGauge().GetValue() != 0 {
				got[f.GetName()+labels] = m.GetGauge().GetValue()
			}
		}
	}
	want := map[string]float64{
		"tlsplatform_probe_results blue Served": 1, "tlsplatform_probe_results blue ConnectRefused": 1,
		"tlsplatform_served_agreement NotCompared blue": 2, "tlsplatform_probe_duration_seconds": 2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if samples["tlsplatform_probe_results"] != len(prober.AllReasons())+1 || samples["tlsplatform_served_agreement"] != len(prober.AllAgreements()) {
		t.Errorf("samples %v: some reason has none", samples)
	}
	counted := 0
	for shard := range inventory.Shards {
		p.Views().Facts(shard, func(*inventory.View) { counted++ })
	}
	if counted != 1 {
		t.Errorf("%d certificates are counted, want the one that was shown", counted)
	}
}

func TestCover(t *testing.T) {
	t.Parallel()
	changes := 0
	c := newCover(func() { changes++ })
	c.report("services", tail.State{Condition: tail.Waiting})
	c.report("ingresses", tail.State{Condition: tail.Reading})
	if c.complete() {
		t.Error("complete while something is waited for")
	}
	c.report("services", tail.State{Condition: tail.NotServed})
	c.report("services", tail.State{Condition: tail.NotServed})
	if !c.complete() || changes != 3 {
		t.Errorf("complete %t, after %d changes", c.complete(), changes)
	}
	want := []v1alpha1.Coverage{{Resource: "ingresses", State: "Reading"}, {Resource: "services", State: "NotServed"}}
	if diff := cmp.Diff(want, c.list()); diff != "" {
		t.Errorf("coverage (-want +got):\n%s", diff)
	}
}
