package served

import (
	"cmp"
	"container/heap"
	"time"

	"github.com/tlsplatform/tls-platform-operator/internal/prober"
)

// Pace of probing.
const (
	// Parallel bounds the handshakes that are under way.
	Parallel = 16
	// Pause is the least time between the starts of two handshakes with one
	// endpoint, whatever happens to the objects that name it.
	Pause = 10 * time.Second
	// firstRetry is the wait after the first failure. It doubles up to the
	// interval.
	firstRetry = 30 * time.Second
	// jitter is the part of a wait that is left to chance.
	jitter = 0.2
)

// Schedule says which endpoint is probed when: each once per interval, a changed
// one at once, one that fails with longer and longer waits up to the interval.
// It reads no clock and is not safe for concurrent use.
type Schedule struct {
	interval time.Duration
	entries  map[prober.Endpoint]*appointment
	// queue has the entries that are not under way.
	queue   queue
	running int
}

// appointment is when an endpoint is probed next.
type appointment struct {
	endpoint prober.Endpoint
	due      time.Time
	last     time.Time // start of the last probe
	failures int
	// at is the place in the queue, -1 while it is under way.
	at int
	// again says that it changed while it was under way.
	again bool
	// gone says that nothing names it any more. It is kept until the pause is
	// over, so that an object that comes and goes does not end the pause.
	gone bool
}

// underWay says that it is being probed.
func (a *appointment) underWay() bool { return a.at < 0 }

// resumes is when the pause after the last probe is over.
func (a *appointment) resumes() time.Time {
	if a.last.IsZero() {
		return a.last
	}
	return a.last.Add(Pause)
}

// NewSchedule returns an empty Schedule.
func NewSchedule(interval time.Duration) *Schedule {
	return &Schedule{interval: interval, entries: map[prober.Endpoint]*appointment{}}
}

// Touch has an endpoint probed as soon as the pause permits: it is new, or what
// it should serve changed.
func (s *Schedule) Touch(e prober.Endpoint, now time.Time) {
	a := s.entries[e]
	if a == nil {
		a = &appointment{endpoint: e, due: now}
		s.entries[e] = a
		heap.Push(&s.queue, a)
		return
	}
	a.gone, a.failures = false, 0
	if a.underWay() {
		a.again = true
		return
	}
	a.due = later(now, a.resumes())
	heap.Fix(&s.queue, a.at)
}

// Forget an endpoint that nothing names any more.
func (s *Schedule) Forget(e prober.Endpoint) {
	a := s.entries[e]
	if a == nil {
		return
	}
	a.gone, a.again = true, false
	if !a.underWay() {
		a.due = a.resumes()
		heap.Fix(&s.queue, a.at)
	}
}

// Start returns the endpoints to be probed now, the longest due first, and counts
// them as under way until Done.
func (s *Schedule) Start(now time.Time) []prober.Endpoint {
	var list []prober.Endpoint
	for len(s.queue) > 0 && s.running < Parallel && !s.queue[0].due.After(now) {
		a := heap.Pop(&s.queue).(*appointment)
		if a.gone {
			delete(s.entries, a.endpoint)
			continue
		}
		a.last = now
		s.running++
		list = append(list, a.endpoint)
	}
	return list
}

// Done ends the probe of an endpoint. chance is between 0 and 1, and spreads the
// next probes over time.
func (s *Schedule) Done(e prober.Endpoint, now time.Time, ok bool, chance float64) {
	a := s.entries[e]
	if a == nil || !a.underWay() {
		return
	}
	s.running--
	a.failures++
	wait := backoff(a.failures, s.interval)
	if ok {
		a.failures, wait = 0, s.interval
	}
	wait -= time.Duration(float64(wait) * jitter * chance)
	switch {
	case a.gone:
		a.due = a.resumes()
	case a.again:
		a.again, a.failures = false, 0
		a.due = later(now, a.resumes())
	default:
		a.due = later(now.Add(wait), a.resumes())
	}
	heap.Push(&s.queue, a)
}

// Wait is how long nothing is due, at most longest.
func (s *Schedule) Wait(now time.Time, longest time.Duration) time.Duration {
	if len(s.queue) == 0 || s.running >= Parallel {
		return longest // the end of a probe comes first
	}
	return min(max(s.queue[0].due.Sub(now), 0), longest)
}

// queue is a heap of appointments, the longest due at its top.
type queue []*appointment

// Len implements heap.Interface.
func (q queue) Len() int { return len(q) }

// Less implements heap.Interface.
func (q queue) Less(i, j int) bool {
	return cmp.Or(q[i].due.Compare(q[j].due), compareEndpoints(q[i].endpoint, q[j].endpoint)) < 0
}

// Swap implements heap.Interface.
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].at, q[j].at = i, j
}

// Push implements heap.Interface.
func (q *queue) Push(x any) {
	a := x.(*appointment)
	a.at = len(*q)
	*q = append(*q, a)
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(*q) - 1
	a := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	a.at = -1
	return a
}

func compareEndpoints(a, b prober.Endpoint) int {
	return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Port, b.Port), cmp.Compare(a.ServerName, b.ServerName),
		cmp.Compare(a.Protocol, b.Protocol))
}

// backoff is the wait after so many failures in a row.
func backoff(failures int, interval time.Duration) time.Duration {
	wait := firstRetry
	for range failures - 1 {
		if wait >= interval {
			break
		}
		wait *= 2
	}
	return min(wait, interval)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
