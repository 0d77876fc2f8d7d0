package standin

import (
	"io"
	"maps"
	"net/http"
	"sync"
)

// Counters say what a cluster was asked for.
type Counters struct {
	// Requests by verb: get, list, watch, create, apply, patch, update, delete,
	// token, discovery, and other.
	Requests map[string]int64 `json:"requests"`
	// Writes are requests that create, apply, patch, update or delete anything
	// but Leases, dry runs and tokens apart.
	Writes int64 `json:"writes"`
	// Received and Sent are bytes of bodies.
	Received int64 `json:"received"`
	Sent     int64 `json:"sent"`
	// Watches are open now.
	Watches int64 `json:"watches"`
}

// Calls is the number of all requests.
func (c Counters) Calls() int64 {
	var sum int64
	for _, n := range c.Requests {
		sum += n
	}
	return sum
}

// counters count under a lock of their own.
type counters struct {
	mu  sync.Mutex
	now Counters
}

// Counters of the cluster since its start.
func (c *Cluster) Counters() Counters {
	c.counters.mu.Lock()
	defer c.counters.mu.Unlock()
	now := c.counters.now
	now.Requests = maps.Clone(now.Requests)
	return now
}

func (c *counters) request(verb string, write bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now.Requests == nil {
		c.now.Requests = map[string]int64{}
	}
	c.now.Requests[verb]++
	if write {
		c.now.Writes++
	}
}

func (c *counters) add(received, sent, watches int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now.Received += received
	c.now.Sent += sent
	c.now.Watches += watches
}

// counted counts the bytes of an answer.
type counted struct {
	http.ResponseWriter
	counters *counters
}

// Write passes on and counts.
func (w counted) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.counters.add(0, int64(n), 0)
	return n, err
}

// Flush passes on.
func (w counted) Flush() {
	if f, ok := w.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// maxBody bounds what a request may have, as an API server does.
const maxBody = 3 << 20

func (c *Cluster) body(r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	c.counters.add(int64(len(raw)), 0, 0)
	return raw, err
}
