package standin

import "sync"

// cacheSize bounds the caches that spare computing the same for every cluster.
const cacheSize = 4096

// cache remembers what was computed. It is emptied when it is full.
type cache[K comparable, V any] struct {
	mu   sync.Mutex
	most int
	m    map[K]V
}

func newCache[K comparable, V any](most int) *cache[K, V] {
	return &cache[K, V]{most: most, m: map[K]V{}}
}

func (c *cache[K, V]) get(key K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.m[key]
	return v, ok
}

func (c *cache[K, V]) put(key K, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.m) >= c.most {
		clear(c.m)
	}
	c.m[key] = value
}
