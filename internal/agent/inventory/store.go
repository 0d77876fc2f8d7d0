package inventory

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
)

// Origin is the listing that an object came from. A listing that is complete
// removes what came from an earlier one of the same origin.
type Origin uint16

// entry is an object in its shard, with what was last judged about it.
type entry struct {
	object *Object
	origin Origin
	pass   uint32
	use    reference.Use
	layer  v1alpha1.Layer
}

// Inventory is what is known about one cluster. It is safe for concurrent use.
type Inventory struct {
	now   func() time.Time
	grace func() time.Duration

	mu       sync.RWMutex
	shards   [Shards][]entry // each in the order of compare
	graph    *reference.Graph
	managed  map[name]*Managed // by the name of the Secret
	secretOf map[name]string   // by the name of the Certificate
	coverage reference.Coverage
	// since has the places that nothing uses, with the time of that discovery.
	since map[Place]int64
	pass  uint32
	// ripened is the time up to which what is unreferenced since then was seen to
	// be an orphan.
	ripened int64

	dirty   [Shards]bool // to be judged again
	changed [Shards]bool // to be published again
	signal  chan struct{}
}

// name of a namespaced object.
type name struct{ namespace, name string }

// New returns an empty inventory. grace is how long an object must be
// unreferenced before it counts as an orphan.
func New(now func() time.Time, grace func() time.Duration) *Inventory {
	return &Inventory{
		now: now, grace: grace,
		graph:   reference.NewGraph(),
		managed: map[name]*Managed{}, secretOf: map[name]string{},
		since:  map[Place]int64{},
		signal: make(chan struct{}, 1),
	}
}

func compare(a, b Place) int {
	if c := cmp.Compare(a.Kind, b.Kind); c != 0 {
		return c
	}
	if c := strings.Compare(a.Namespace, b.Namespace); c != 0 {
		return c
	}
	return strings.Compare(a.Name, b.Name)
}

func find(shard []entry, p Place) (int, bool) {
	i := sort.Search(len(shard), func(i int) bool { return compare(shard[i].object.Place, p) >= 0 })
	return i, i < len(shard) && shard[i].object.Place == p
}

// Pass starts a listing.
func (i *Inventory) Pass() uint32 {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.pass++
	return i.pass
}

// Set puts an object in, in the place of what was known of it.
func (i *Inventory) Set(o *Object, origin Origin, pass uint32) {
	i.mu.Lock()
	defer i.mu.Unlock()
	shard := o.Shard()
	at, found := find(i.shards[shard], o.Place)
	if !found {
		i.shards[shard] = insert(i.shards[shard], at, entry{object: o, origin: origin, pass: pass, use: reference.Used})
	} else {
		e := &i.shards[shard][at]
		e.origin, e.pass = origin, pass
		if same(e.object, o) {
			return
		}
		e.object = o
	}
	i.copies(o)
	i.mark(shard)
}

// insert grows a shard by a quarter: there are hundreds, and doubling all of
// them would waste half.
func insert(shard []entry, at int, e entry) []entry {
	if len(shard) == cap(shard) {
		grown := make([]entry, len(shard), len(shard)+max(4, len(shard)/4))
		copy(grown, shard)
		shard = grown
	}
	return slices.Insert(shard, at, e)
}

// copies keeps the edge from a copy to its source.
func (i *Inventory) copies(o *Object) {
	if o.Kind != KindSecret {
		return
	}
	t := reference.Target{Kind: reference.Secret, Namespace: o.Namespace, Name: o.Name}
	if reduced, ok := reference.ReduceCopy(t, o.Subject); ok {
		i.touch(i.graph.Set(reduced))
	}
}

// Keep says that an object of the listing is one that holds no certificates, or
// no longer: what was known of it goes.
func (i *Inventory) Keep(p Place, origin Origin) { i.Delete(p, "", origin) }

// Delete forgets an object. With a uid, only if it is that very object: another
// of the same name may have come through another watch.
func (i *Inventory) Delete(p Place, uid string, origin Origin) {
	i.mu.Lock()
	defer i.mu.Unlock()
	shard := p.Shard()
	at, found := find(i.shards[shard], p)
	if !found {
		return
	}
	e := &i.shards[shard][at]
	if e.origin != origin || uid != "" && e.object.UID != uid {
		return
	}
	i.remove(shard, at)
}

func (i *Inventory) remove(shard, at int) {
	o := i.shards[shard][at].object
	i.shards[shard] = slices.Delete(i.shards[shard], at, at+1)
	delete(i.since, o.Place)
	if o.Subject != nil && o.Subject.ReplicatedFrom != "" {
		i.touch(i.graph.Delete(reference.Source{Kind: "Secret", Namespace: o.Namespace, Name: o.Name}))
	}
	i.mark(shard)
}

// Sweep ends a listing: what came from that origin earlier and is not in it goes.
func (i *Inventory) Sweep(origin Origin, pass uint32) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for shard := range i.shards {
		for at := len(i.shards[shard]) - 1; at >= 0; at-- {
			if e := &i.shards[shard][at]; e.origin == origin && e.pass != pass {
				i.remove(shard, at)
			}
		}
	}
}

// Retain removes what came from origins that are read no longer.
func (i *Inventory) Retain(read func(Origin) bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for shard := range i.shards {
		for at := len(i.shards[shard]) - 1; at >= 0; at-- {
			if !read(i.shards[shard][at].origin) {
				i.remove(shard, at)
			}
		}
	}
}

// Ripen marks the objects whose grace period ended since the last call.
func (i *Inventory) Ripen() {
	i.mu.Lock()
	defer i.mu.Unlock()
	until := i.now().Add(-i.grace()).Unix()
	for p, since := range i.since {
		if since <= until && since > i.ripened {
			i.mark(p.Shard())
		}
	}
	i.ripened = until
}

// Prune forgets since when places are unreferenced that no longer exist: those
// that went while no agent was looking.
func (i *Inventory) Prune() {
	i.mu.Lock()
	defer i.mu.Unlock()
	for p := range i.since {
		if _, exists := find(i.shards[p.Shard()], p); !exists {
			delete(i.since, p)
		}
	}
}

// Refer records what an object refers to.
func (i *Inventory) Refer(r reference.Reduced) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.touch(i.graph.Set(r))
}

// Unrefer forgets an object that referred.
func (i *Inventory) Unrefer(s reference.Source) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.touch(i.graph.Delete(s))
}

// Sources are the objects of a kind that refer to something.
func (i *Inventory) Sources(kind string) []reference.Source {
	i.mu.Lock() // the graph is for one reader at a time
	defer i.mu.Unlock()
	return slices.Collect(i.graph.Sources(kind))
}

// SetCoverage says what could not be read. Verdicts depend on it.
func (i *Inventory) SetCoverage(c reference.Coverage) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if slices.Equal(c.Unread, i.coverage.Unread) && slices.Equal(c.Unknown, i.coverage.Unknown) {
		return
	}
	i.coverage = c
	for shard := range i.shards {
		if len(i.shards[shard]) > 0 {
			i.mark(shard)
		}
	}
}

// Restore takes over since when places are unreferenced, as published earlier.
func (i *Inventory) Restore(since map[Place]int64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for p, t := range since {
		i.since[p] = t
	}
}

// touch marks the objects whose referrers changed.
func (i *Inventory) touch(targets []reference.Target) {
	for _, t := range targets {
		switch {
		case t.Kind == reference.Certificate:
			i.touchCertificate(t)
		case t.Name == reference.AnyName:
			i.touchNamespace(t.Namespace)
		case t.Namespace == reference.AnyNamespace:
			i.touchEverywhere(t.Name)
		default:
			i.mark(placeOf(t).Shard())
		}
	}
}

func placeOf(t reference.Target) Place {
	kind := KindSecret
	if t.Kind == reference.ConfigMap {
		kind = KindConfigMap
	}
	return Place{kind, t.Namespace, t.Name}
}

// touchCertificate marks the Secret of a Certificate.
func (i *Inventory) touchCertificate(t reference.Target) {
	if secret, ok := i.secretOf[name{t.Namespace, t.Name}]; ok {
		i.mark(Place{KindSecret, t.Namespace, secret}.Shard())
	}
}

// touchNamespace marks the objects of a namespace.
func (i *Inventory) touchNamespace(namespace string) {
	for shard := range i.shards {
		for at := range i.shards[shard] {
			if i.shards[shard][at].object.Namespace == namespace {
				i.mark(shard)
				break
			}
		}
	}
}

// touchEverywhere marks the objects of that name in all namespaces.
func (i *Inventory) touchEverywhere(name string) {
	for shard := range i.shards {
		for at := range i.shards[shard] {
			if i.shards[shard][at].object.Name == name {
				i.mark(shard)
				break
			}
		}
	}
}

func (i *Inventory) mark(shard int) {
	i.dirty[shard] = true
	select {
	case i.signal <- struct{}{}:
	default:
	}
}

// Dirty receives when something changed since the last Judge.
func (i *Inventory) Dirty() <-chan struct{} { return i.signal }

// same says that two objects say the same. Values are shared when they are
// equal, so pointers tell.
func same(a, b *Object) bool {
	if a.UID != b.UID || a.Type != b.Type || a.Manager != b.Manager || a.ManagerName != b.ManagerName ||
		a.Owner != b.Owner || a.Purpose != b.Purpose || a.Layer != b.Layer || !slices.Equal(a.Records, b.Records) {
		return false
	}
	return equal(a.Issuer, b.Issuer) && equal(a.Subject, b.Subject)
}

func equal[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}
