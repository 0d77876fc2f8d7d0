package served

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/prober"
)

// bench is a board with a clock that stands still.
type bench struct {
	*board
	t   *testing.T
	at  time.Time
	inv *inventory.Inventory
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, at: start}
	clock := func() time.Time { return b.at }
	b.inv = inventory.New(clock, func() time.Duration { return 0 })
	b.board = newBoard(b.inv, time.Hour, clock, func() {})
	return b
}

func shopTarget(source, record, host string) Target {
	return Target{
		Source: Source{"Ingress", Name{"shop", source}}, Record: record, Entry: prober.EntryIngress, Layer: v1alpha1.LayerIngress,
		Endpoint: prober.Endpoint{Host: host, Port: 443}, Stored: []Name{{"shop", "web"}}, Named: true,
	}
}

func (b *bench) put(targets ...Target) {
	for source, list := range bySource(targets) {
		b.set(source, fixed(list))
	}
}

func bySource(targets []Target) map[Source][]Target {
	m := map[Source][]Target{}
	for i := range targets {
		m[targets[i].Source] = append(m[targets[i].Source], targets[i])
	}
	return m
}

// answer ends all probes that are due, and returns the hosts.
func (b *bench) answer(f Finding) []string {
	var list []string
	for _, e := range b.start() {
		list = append(list, e.Host)
		one := f
		one.Endpoint = e
		b.done(&one, 0)
	}
	return list
}

// state of the records in the inventory, as name, address, reason and agreement.
func (b *bench) state() []string {
	var list []string
	for shard := range inventory.Shards {
		b.inv.Facts(shard, func(v *inventory.View) {
			s := v.Record.Served
			list = append(list, v.Object.Name+" "+v.Record.Key+" "+s.Reason+" "+s.Agreement)
		})
	}
	slices.Sort(list)
	return list
}

func (b *bench) want(what string, want ...string) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.state()); diff != "" {
		b.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestRecordsComeWithTheirResults(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(shopTarget("web", "r", "192.0.2.1"), shopTarget("web", "r", "192.0.2.2"))
	b.want("before they are probed")
	if b.settled() {
		t.Error("settled before anything was probed")
	}
	if got := b.answer(Finding{Result: prober.Result{Reason: prober.Denied}}); len(got) != 2 {
		t.Errorf("probed %v", got)
	}
	if !b.settled() {
		t.Error("not settled after everything was probed")
	}
	b.want("both addresses", "r 192.0.2.1:443 Denied NotCompared", "r 192.0.2.2:443 Denied NotCompared")
	b.put(shopTarget("web", "r", "192.0.2.2"))
	b.want("one address is gone", "r 192.0.2.2:443 Denied NotCompared")
	b.at = b.at.Add(Pause)
	if got := b.answer(Finding{Result: prober.Result{Reason: prober.Denied}}); !slices.Equal(got, []string{"192.0.2.2"}) {
		t.Errorf("an object that changed is probed again: %v", got)
	}
	b.retain("Service", nil)
	b.want("another kind was listed", "r 192.0.2.2:443 Denied NotCompared")
	b.retain("Ingress", map[string]bool{})
	b.want("all are gone")
	b.at = b.at.Add(2 * time.Hour)
	if got := b.answer(Finding{}); len(got) > 0 {
		t.Errorf("what is gone is probed: %v", got)
	}
}

func TestAnEndpointIsProbedOnceHoweverManyNameIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(shopTarget("a", "ra", "192.0.2.1"), shopTarget("b", "rb", "192.0.2.1"))
	if got := b.answer(Finding{Result: prober.Result{Reason: prober.NotTLS}}); len(got) != 1 {
		t.Errorf("probed %v", got)
	}
	b.want("both have the result", "ra 192.0.2.1:443 NotTLS NotCompared", "rb 192.0.2.1:443 NotTLS NotCompared")
	b.set(Source{"Ingress", Name{"shop", "a"}}, nil)
	b.want("one is gone", "rb 192.0.2.1:443 NotTLS NotCompared")
	reasons, agreements := b.counts()
	if diff := cmp.Diff(map[prober.Reason]int{prober.NotTLS: 1}, reasons); diff != "" || agreements[prober.NotCompared] != 1 {
		t.Errorf("counts %v, %v", reasons, agreements)
	}
}

func TestWhatDidNotChangeIsNotProbedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	shown := Finding{Result: prober.Result{Reason: prober.Served, Chain: chain(t, []byte(chainPEM))}}
	b.put(shopTarget("web", "r", "192.0.2.1"))
	b.answer(shown)
	b.inv.Judge()
	b.at = b.at.Add(time.Minute)
	b.put(shopTarget("web", "r", "192.0.2.1"))
	if got := b.answer(shown); len(got) > 0 {
		t.Errorf("probed %v", got)
	}
	b.at = b.at.Add(time.Hour)
	if got := b.answer(shown); len(got) != 1 {
		t.Errorf("after the interval probed %v", got)
	}
	if shards := b.inv.Judge(); len(shards) > 0 {
		t.Errorf("the same result is published again, in shards %v", shards)
	}
}

func TestWhatIsStoredIsFollowed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	web, leaf, other := Name{"shop", "web"}, chain(t, newPEM("a.example.com", start)), chain(t, newPEM("b.example.com", start))
	read := func(name string, raw []byte) {
		_, p, _, err := readPage(raw)
		if err != nil {
			t.Fatal(err)
		}
		b.setPage(name, p)
	}
	anyone := shopTarget("any", "any", "192.0.2.9")
	anyone.Stored, anyone.Named = nil, false
	b.put(shopTarget("web", "r", "192.0.2.1"), anyone)
	shown := Finding{Result: prober.Result{Reason: prober.Served, Chain: leaf}}
	b.answer(shown)
	b.retainPages(map[string]bool{})
	b.want("no agent has said anything", "any 192.0.2.9:443 Served NotCompared", "r 192.0.2.1:443 Served NotCompared")

	read("inventory", slice(t, "inventory", v1alpha1.AgentName))
	b.want("the agent knows nothing", "any 192.0.2.9:443 Served StoredMissing", "r 192.0.2.1:443 Served StoredMissing")

	read("inventory", slice(t, "inventory", v1alpha1.AgentName, published(web, leaf, 4)))
	b.want("the Secret is found", "any 192.0.2.9:443 Served Same", "r 192.0.2.1:443 Served Same")
	b.at = b.at.Add(Pause)
	if got := b.answer(shown); !slices.Equal(got, []string{"192.0.2.1"}) {
		t.Errorf("what names the Secret is probed again: %v", got)
	}

	read("inventory", slice(t, "inventory", v1alpha1.AgentName, published(web, other, 4)))
	b.want("the Secret changed", "any 192.0.2.9:443 Served StoredMissing", "r 192.0.2.1:443 Served Differs")
	read("inventory-0", slice(t, "inventory-0", v1alpha1.AgentName, published(Name{"shop", "copy"}, leaf, 4)))
	b.want("another Secret holds it", "any 192.0.2.9:443 Served Same", "r 192.0.2.1:443 Served Differs")
	b.retainPages(map[string]bool{"inventory": true})
	b.want("its page is gone", "any 192.0.2.9:443 Served StoredMissing", "r 192.0.2.1:443 Served Differs")
	b.setPage("inventory", nil)
	b.want("the agent is gone", "any 192.0.2.9:443 Served NotCompared", "r 192.0.2.1:443 Served NotCompared")
}

func TestObjectsAreJoined(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	broken := func(err error) { t.Errorf("an object is broken: %v", err) }
	sets, gateways, managed := b.listenerSets(broken), b.gateways(broken), b.managedCertificates(broken)
	const set = `{"metadata": {"namespace": "shop", "name": "ls"}, "spec": {"parentRef": {"name": "gw"},
		"listeners": [{"name": "web", "port": 443, "protocol": "TLS"}]}}`
	const gw = `{"metadata": {"namespace": "shop", "name": "gw"}, "status": {"addresses": [{"value": "192.0.2.1"}]}}`
	sets.Begin()
	sets.Object([]byte(set))
	sets.End()
	b.want("before its Gateway is known", "listenerset.ls.web  NotProbed NotCompared")
	gateways.Object([]byte(gw))
	if got := b.answer(Finding{Result: prober.Result{Reason: prober.NotTLS}}); !slices.Equal(got, []string{"192.0.2.1"}) {
		t.Errorf("probed %v", got)
	}
	b.want("with its Gateway", "listenerset.ls.web 192.0.2.1:443 NotTLS NotCompared")
	gateways.Deleted([]byte(gw))
	b.want("without its Gateway", "listenerset.ls.web  NotProbed NotCompared")

	managed.Object([]byte(`{"metadata": {"namespace": "shop", "name": "mc"}, "status": {"certificateStatus": "Active", "expireTime": "2027-02-01T00:00:00.000-07:00"}}`))
	if m := b.joins.managed[Name{"shop", "mc"}]; m.state != "Active" || m.notAfter == 0 {
		t.Errorf("the ManagedCertificate says %+v", m)
	}
	managed.Begin()
	managed.End()
	if len(b.joins.managed) > 0 {
		t.Errorf("what is gone is kept: %v", b.joins.managed)
	}
}

func TestWhatCanNotBeDecodedStays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	failures := 0
	for _, s := range []*sink{
		b.ingresses(rules, func(error) { failures++ }), b.services(func(error) { failures++ }), b.gateways(func(error) { failures++ }),
		b.listenerSets(func(error) { failures++ }), b.routes(rules, func(error) { failures++ }),
		b.managedCertificates(func(error) { failures++ }), b.pages(func(error) { failures++ }),
	} {
		s.Object([]byte("\xff{"))
		s.Deleted([]byte("\xff{"))
	}
	if failures != 14 {
		t.Errorf("%d of 14 failures were told", failures)
	}
}
