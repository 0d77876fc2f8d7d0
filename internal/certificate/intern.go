package certificate

import (
	"sync"
	"weak"
)

// interned finds the one copy of a value by its key, as long as somebody holds
// that copy. It holds none itself.
type interned[T any] struct {
	mu      sync.Mutex
	entries map[Fingerprint]weak.Pointer[T]
	// sweep is the number of entries at which those are removed that nobody
	// holds any more.
	sweep int
}

// minSweep keeps small tables from being swept all the time.
const minSweep = 1024

// get returns the copy that somebody holds, nil for none.
func (t *interned[T]) get(key Fingerprint) *T {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.entries[key].Value()
}

// add makes value the copy for key, unless there is one already, and returns the
// copy that counts.
func (t *interned[T]) add(key Fingerprint, value *T) *T {
	t.mu.Lock()
	defer t.mu.Unlock()
	if held := t.entries[key].Value(); held != nil {
		return held
	}
	if len(t.entries) >= max(t.sweep, minSweep) || t.entries == nil {
		t.rebuild()
	}
	t.entries[key] = weak.Make(value)
	return value
}

// rebuild moves what is held to a new map, since one never shrinks. Doubling the
// limit spreads the cost, and is cheaper in memory than a cleanup function for
// each entry.
func (t *interned[T]) rebuild() {
	live := make(map[Fingerprint]weak.Pointer[T])
	for key, pointer := range t.entries {
		if pointer.Value() != nil {
			live[key] = pointer
		}
	}
	t.entries = live
	t.sweep = 2 * len(live)
}

// recent is a cache of at most size values in two generations: what was not asked
// for while the young one filled is dropped with the old one.
type recent[K comparable, V any] struct {
	mu         sync.Mutex
	size       int
	young, old map[K]V
}

func newRecent[K comparable, V any](size int) *recent[K, V] {
	return &recent[K, V]{size: size, young: make(map[K]V)}
}

func (c *recent[K, V]) get(key K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	value, ok := c.young[key]
	if ok {
		return value, true
	}
	if value, ok = c.old[key]; ok {
		c.put(key, value)
	}
	return value, ok
}

func (c *recent[K, V]) add(key K, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(key, value)
}

// put needs the lock.
func (c *recent[K, V]) put(key K, value V) {
	if len(c.young) >= c.size/2 {
		c.old, c.young = c.young, make(map[K]V)
	}
	c.young[key] = value
}
