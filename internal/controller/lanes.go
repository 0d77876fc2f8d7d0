package controller

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// waker has members visited. A member that answers is visited in one lane, a
// suspect in another, so that clusters that do not answer, however many, never
// keep a worker from those that do.
type waker struct {
	mu     sync.Mutex
	queues [2]queue
	early  []string // woken before the lanes were there
}

// Lanes of members.
const (
	laneHealthy = iota
	laneSuspect
)

// settle gathers events of a cluster into one visit.
const settle = 100 * time.Millisecond

// lane is the source of a controller.
func (w *waker) lane(n int) func(context.Context, queue) error {
	return func(_ context.Context, q queue) error {
		w.mu.Lock()
		w.queues[n] = q
		early := w.early
		if n == laneHealthy {
			w.early = nil
		} else {
			early = nil
		}
		w.mu.Unlock()
		for _, name := range early {
			w.wake(name)
		}
		return nil
	}
}

// wake has a member visited soon. The healthy lane hands suspects over.
func (w *waker) wake(name string) { w.add(laneHealthy, name, settle) }

// add a visit to a lane; false when the lane is not there yet.
func (w *waker) add(lane int, name string, after time.Duration) bool {
	w.mu.Lock()
	q := w.queues[lane]
	if q == nil && lane == laneHealthy {
		w.early = append(w.early, name)
	}
	w.mu.Unlock()
	if q == nil {
		return false
	}
	q.AddAfter(reconcile.Request{NamespacedName: types.NamespacedName{Name: name}}, after)
	return true
}

// durations holds the last one.
type durations struct{ last atomic.Int64 }

func (d *durations) get() time.Duration  { return time.Duration(d.last.Load()) }
func (d *durations) set(t time.Duration) { d.last.Store(int64(t)) }
