package served

import (
	"cmp"
	"slices"
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
	running  int
}

// appointment is when an endpoint is probed next.
type appointment struct {
	due      time.Time
	last     time.Time // start of the last probe
	failures int
	running  bool
	// again says that it changed while it was probed.
	again bool
	// gone says that nothing names it any more. It is kept until the pause is
	// over, so that an object that comes and goes does not end the pause.
	gone bool
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
		s.entries[e] = &appointment{due: now}
		return
	}
	a.gone, a.failures = false, 0
	if a.running {
		a.again = true
		return
	}
	a.due = later(now, a.resumes())
}

// resumes is when the pause after the last probe is over.
func (a *appointment) resumes() time.Time {
	if a.last.IsZero() {
		return a.last
	}
	return a.last.Add(Pause)
}

// Forget an endpoint that nothing names any more.
func (s *Schedule) Forget(e prober.Endpoint) {
	if a := s.entries[e]; a != nil {
		a.gone, a.again = true, false
	}
}

// Start returns the endpoints to be probed now, the longest due first, and counts
// them as under way until Done.
func (s *Schedule) Start(now time.Time) []prober.Endpoint {
	type candidate struct {
		endpoint prober.Endpoint
		due      time.Time
	}
	var due []candidate
	for e, a := range s.entries {
		switch {
		case a.running:
		case a.gone:
			if !a.resumes().After(now) {
				delete(s.entries, e)
			}
		case !a.due.After(now):
			due = append(due, candidate{e, a.due})
		}
	}
	slices.SortFunc(due, func(a, b candidate) int {
		return cmp.Or(a.due.Compare(b.due), compareEndpoints(a.endpoint, b.endpoint))
	})
	list := make([]prober.Endpoint, 0, min(len(due), Parallel))
	for _, c := range due[:min(len(due), max(Parallel-s.running, 0))] {
		a := s.entries[c.endpoint]
		a.running, a.last = true, now
		s.running++
		list = append(list, c.endpoint)
	}
	return list
}

func compareEndpoints(a, b prober.Endpoint) int {
	return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Port, b.Port), cmp.Compare(a.ServerName, b.ServerName),
		cmp.Compare(a.Protocol, b.Protocol))
}

// Done ends the probe of an endpoint. chance is between 0 and 1, and spreads the
// next probes over time.
func (s *Schedule) Done(e prober.Endpoint, now time.Time, ok bool, chance float64) {
	a := s.entries[e]
	if a == nil || !a.running {
		return
	}
	a.running = false
	s.running--
	if ok {
		a.failures = 0
	} else {
		a.failures++
	}
	if a.again {
		a.again, a.failures = false, 0
		a.due = later(now, a.resumes())
		return
	}
	wait := s.interval
	if !ok {
		wait = backoff(a.failures, s.interval)
	}
	wait -= time.Duration(float64(wait) * jitter * chance)
	a.due = later(now.Add(wait), a.resumes())
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

// Wait is how long nothing is due, at most longest.
func (s *Schedule) Wait(now time.Time, longest time.Duration) time.Duration {
	if s.running >= Parallel {
		return longest // the end of a probe comes first
	}
	wait := longest
	for _, a := range s.entries {
		if !a.running && !a.gone {
			wait = min(wait, max(a.due.Sub(now), 0))
		}
	}
	return wait
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
