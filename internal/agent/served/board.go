package served

import (
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/prober"
)

// subject is what the board keeps of an object.
type subject struct {
	// derive makes its targets, with what other objects say; nil for none.
	derive func(*joins) []Target
	// What other objects have to know of it, nil for nothing.
	gateway *gatewayFacts
	managed *managedCertificate
}

// joins are facts of other objects.
type joins struct {
	gateways map[Name]gatewayFacts
	managed  map[Name]managedCertificate
}

// board joins objects, results and what is stored, and keeps the records in the
// inventory. It is safe for concurrent use.
type board struct {
	inv  *inventory.Inventory
	pass uint32
	now  func() time.Time
	// wake is called when something may have to be probed.
	wake func()

	mu        sync.Mutex
	schedule  *Schedule
	subjects  map[Source]*subject
	targets   map[Source][]*Target
	places    map[inventory.Place][]*Target
	endpoints map[prober.Endpoint][]*Target
	findings  map[prober.Endpoint]*Finding
	records   map[inventory.Place]*inventory.Object
	joins     joins
	known     knowledge
	// listed says that the agent's pages were listed.
	listed bool
}

// origin of all records in the inventory.
const origin inventory.Origin = 0

func newBoard(inv *inventory.Inventory, interval time.Duration, now func() time.Time, wake func()) *board {
	return &board{
		inv: inv, pass: inv.Pass(), now: now, wake: wake, schedule: NewSchedule(interval),
		subjects: map[Source]*subject{}, targets: map[Source][]*Target{},
		places: map[inventory.Place][]*Target{}, endpoints: map[prober.Endpoint][]*Target{},
		findings: map[prober.Endpoint]*Finding{}, records: map[inventory.Place]*inventory.Object{},
		joins: joins{gateways: map[Name]gatewayFacts{}, managed: map[Name]managedCertificate{}},
		known: knowledge{shelf: shelf{}},
	}
}

// set takes an object; nil forgets it.
func (b *board) set(source Source, s *subject) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put(source, s)
	b.wake()
}

// retain forgets the objects of a kind that are not among those that exist, each
// as Source writes it.
func (b *board) retain(kind string, exists map[string]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for source := range b.subjects {
		if source.Kind == kind && !exists[source.String()] {
			b.put(source, nil)
		}
	}
	b.wake()
}

func (b *board) put(source Source, s *subject) {
	before := b.subjects[source]
	if before == nil {
		before = &subject{}
	}
	if s == nil {
		delete(b.subjects, source)
		s = &subject{}
	} else {
		b.subjects[source] = s
	}
	if join(b.joins.gateways, source.Name, before.gateway, s.gateway) {
		b.refreshKind("ListenerSet")
	}
	if join(b.joins.managed, source.Name, before.managed, s.managed) {
		b.refreshKind("Ingress")
	}
	b.refresh(source)
}

// join keeps a fact about an object, nil for none, and says whether it changed.
func join[T any](facts map[Name]T, name Name, before, after *T) (changed bool) {
	if reflect.DeepEqual(before, after) {
		return false
	}
	if after == nil {
		delete(facts, name)
	} else {
		facts[name] = *after
	}
	return true
}

// refreshKind derives the targets of the objects of a kind anew.
func (b *board) refreshKind(kind string) {
	for source := range b.subjects {
		if source.Kind == kind {
			b.refresh(source)
		}
	}
}

// refresh derives the targets of an object anew. What did not change is not
// probed again.
func (b *board) refresh(source Source) {
	var fresh []Target
	if s := b.subjects[source]; s != nil && s.derive != nil {
		fresh = s.derive(&b.joins)
	}
	old := b.targets[source]
	if slices.EqualFunc(old, fresh, func(a *Target, b Target) bool { return reflect.DeepEqual(*a, b) }) {
		return
	}
	touched := map[inventory.Place]bool{}
	for _, t := range old {
		touched[t.Place()] = true
		drop(b.places, t.Place(), t)
		if t.Endpoint.Host != "" {
			drop(b.endpoints, t.Endpoint, t)
		}
	}
	delete(b.targets, source)
	for i := range fresh {
		t := &fresh[i]
		touched[t.Place()] = true
		b.targets[source] = append(b.targets[source], t)
		b.places[t.Place()] = append(b.places[t.Place()], t)
		if t.Endpoint.Host != "" {
			b.endpoints[t.Endpoint] = append(b.endpoints[t.Endpoint], t)
			b.schedule.Touch(t.Endpoint, b.now())
		}
	}
	for _, t := range old {
		if t.Endpoint.Host != "" && len(b.endpoints[t.Endpoint]) == 0 {
			b.schedule.Forget(t.Endpoint)
			delete(b.findings, t.Endpoint)
		}
	}
	for place := range touched {
		b.rebuild(place)
	}
}

// drop removes a target from those of a key.
func drop[K comparable](from map[K][]*Target, key K, t *Target) {
	rest := slices.DeleteFunc(from[key], func(other *Target) bool { return other == t })
	if len(rest) == 0 {
		delete(from, key)
		return
	}
	from[key] = rest
}

// rebuild makes the record of a place anew. A target that was not probed yet has
// none.
func (b *board) rebuild(place inventory.Place) {
	var entries []entry
	for _, t := range b.places[place] {
		finding := b.findings[t.Endpoint]
		if finding == nil && t.Endpoint.Host != "" {
			continue
		}
		e := entry{target: t}
		e.record, e.verdict = recordOf(t, finding, &b.known)
		entries = append(entries, e)
	}
	object := objectOf(entries)
	if object == nil {
		// What an earlier session found stays until this one has found all.
		if _, mine := b.records[place]; mine {
			delete(b.records, place)
			b.inv.Delete(place, "", origin)
		}
		return
	}
	share(object, b.records[place])
	b.records[place] = object
	b.inv.Set(object, origin, b.pass)
}

// share has equal states in common with an earlier object, since the inventory
// compares pointers.
func share(object, before *inventory.Object) {
	if before == nil {
		return
	}
	for i := range object.Records {
		for k := range before.Records {
			if old := before.Records[k].Served; reflect.DeepEqual(object.Records[i].Served, old) {
				object.Records[i].Served = old
			}
		}
	}
	if object.Issuer != nil && before.Issuer != nil && *object.Issuer == *before.Issuer {
		object.Issuer = before.Issuer
	}
}

// setPage takes a page of the agent; nil forgets it. What should be served by
// another certificate now is probed again.
func (b *board) setPage(name string, p *page) {
	b.mu.Lock()
	defer b.mu.Unlock()
	changed := changes(b.known.shelf[name], p)
	if p == nil {
		delete(b.known.shelf, name)
	} else {
		b.known.shelf[name] = p
	}
	if b.complete() {
		b.reconsider(changed)
	}
	b.wake()
}

// retainPages forgets the pages that are not among those that exist.
func (b *board) retainPages(exists map[string]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name := range b.known.shelf {
		if !exists[name] {
			delete(b.known.shelf, name)
		}
	}
	b.listed = true
	b.complete()
	for place := range b.places {
		b.rebuild(place)
	}
	b.wake()
}

// complete says whether all stored certificates are known. An agent that has
// found nothing has a page that says so. When that has just become so,
// everything is compared anew.
func (b *board) complete() bool {
	now := b.listed && len(b.known.shelf) > 0
	if now != b.known.complete {
		b.known.complete = now
		for place := range b.places {
			b.rebuild(place)
		}
	}
	return now
}

// reconsider compares what may be served with Secrets that changed.
func (b *board) reconsider(changed map[Name]bool) {
	if len(changed) == 0 {
		return
	}
	for _, targets := range b.targets {
		for _, t := range targets {
			named := slices.ContainsFunc(t.Stored, func(n Name) bool { return changed[n] })
			if t.Named && !named {
				continue
			}
			b.rebuild(t.Place())
			if named && t.Endpoint.Host != "" {
				b.schedule.Touch(t.Endpoint, b.now())
			}
		}
	}
}

// start returns what is to be probed now.
func (b *board) start() []prober.Endpoint {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.schedule.Start(b.now())
}

// wait is how long nothing has to be probed.
func (b *board) wait(longest time.Duration) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.schedule.Wait(b.now(), longest)
}

// done takes the result of a probe. chance is between 0 and 1.
func (b *board) done(f *Finding, chance float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	endpoint := f.Endpoint
	b.schedule.Done(endpoint, b.now(), f.Reason == prober.Served, chance)
	targets := b.endpoints[endpoint]
	if len(targets) == 0 {
		return
	}
	b.findings[endpoint] = f
	for _, t := range targets {
		b.rebuild(t.Place())
	}
}

// settled says that everything that is known was probed once.
func (b *board) settled() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for endpoint := range b.endpoints {
		if b.findings[endpoint] == nil {
			return false
		}
	}
	return true
}

// counts of the records by reason and by agreement.
func (b *board) counts() (reasons map[prober.Reason]int, agreements map[prober.Agreement]int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	reasons, agreements = map[prober.Reason]int{}, map[prober.Agreement]int{}
	for object := range maps.Values(b.records) {
		for i := range object.Records {
			s := object.Records[i].Served
			reasons[prober.Reason(s.Reason)]++
			agreements[prober.Agreement(s.Agreement)]++
		}
	}
	return reasons, agreements
}
