package standin

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// FaultKind is a way to be out of order.
type FaultKind string

// The faults of a cluster.
const (
	// Healthy answers everything.
	Healthy FaultKind = ""
	// Hanging accepts connections and requests and never answers. Open watches
	// fall silent.
	Hanging FaultKind = "hang"
	// Refusing has nobody listen at the address, and open connections end.
	Refusing FaultKind = "refuse"
	// Unauthorized answers 401 to everything.
	Unauthorized FaultKind = "unauthorized"
	// Failing answers 500 to everything.
	Failing FaultKind = "fail"
	// Slow answers everything after Fault.Delay.
	Slow FaultKind = "slow"
	// GroupMissing answers 503 to everything about Fault.Group, as a broken
	// aggregated API does, also to discovery.
	GroupMissing FaultKind = "group"
	// OldKubernetes says that it is Fault.Version and serves what that did.
	OldKubernetes FaultKind = "old"
)

// Fault says how a cluster is out of order.
type Fault struct {
	// Kind of the fault.
	Kind FaultKind `json:"kind"`
	// Delay of every answer, for Slow.
	Delay time.Duration `json:"delay,omitempty"`
	// Group of an API, for GroupMissing.
	Group string `json:"group,omitempty"`
	// Version of Kubernetes such as v1.27.3, for OldKubernetes.
	Version string `json:"version,omitempty"`
}

// SetFault puts a cluster out of order, or in order again.
func (c *Cluster) SetFault(ctx context.Context, f Fault) error {
	c.mu.Lock()
	before := c.fault
	c.fault = f
	close(c.faultChanged)
	c.faultChanged = make(chan struct{})
	c.mu.Unlock()
	switch {
	case f.Kind == Refusing && before.Kind != Refusing:
		return c.close()
	case f.Kind != Refusing && before.Kind == Refusing:
		return c.listen(ctx)
	}
	return nil
}

// currentFault returns the fault and a channel that is closed when it changes.
func (c *Cluster) currentFault() (Fault, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fault, c.faultChanged
}

// suffer does what the fault does to a request; true when it was answered, or
// never will be.
func (c *Cluster) suffer(w http.ResponseWriter, r *http.Request) bool {
	f, changed := c.currentFault()
	switch f.Kind {
	case Hanging:
		// What hangs stays so, also when the cluster heals: the client has to give
		// up by itself.
		<-r.Context().Done()
		return true
	case Unauthorized:
		respondError(w, errUnauthorized())
		return true
	case Failing:
		respondError(w, errInternal())
		return true
	case Slow:
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-changed:
		case <-r.Context().Done():
			return true
		}
	case Healthy, Refusing, GroupMissing, OldKubernetes: // seen elsewhere
	}
	return false
}

// awake waits as long as the cluster hangs; false when ctx ended first.
func (c *Cluster) awake(ctx context.Context) bool {
	for {
		f, changed := c.currentFault()
		if f.Kind != Hanging {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// minorOf reads v1.27.3.
func minorOf(version string) int {
	var major, minor int
	if _, err := fmt.Sscanf(version, "v%d.%d", &major, &minor); err != nil {
		return 0
	}
	return minor
}
