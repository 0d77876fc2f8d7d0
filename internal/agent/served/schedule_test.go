package served

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/internal/prober"
)

var start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func numbered(i int) prober.Endpoint {
	return prober.Endpoint{Host: "192.0.2." + strconv.Itoa(i), Port: 443}
}

// probes runs a schedule in which a probe takes no time, and returns when the
// first endpoint was probed, in seconds.
func probes(s *Schedule, until time.Duration, ok bool, at map[time.Duration]func(now time.Time)) []int {
	var list []int
	for t := time.Duration(0); t <= until; t += time.Second {
		now := start.Add(t)
		if f := at[t]; f != nil {
			f(now)
		}
		for _, e := range s.Start(now) {
			list = append(list, int(t/time.Second))
			s.Done(e, now, ok, 0)
		}
	}
	return list
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	e := numbered(1)
	type events = map[time.Duration]func(*Schedule, time.Time)
	touch := func(s *Schedule, now time.Time) { s.Touch(e, now) }
	forget := func(s *Schedule, _ time.Time) { s.Forget(e) }
	cases := map[string]struct {
		interval, until time.Duration
		ok              bool
		events          events
		want            []int
	}{
		"each is probed once per interval": {time.Minute, 3 * time.Minute, true, events{0: touch}, []int{0, 60, 120, 180}},
		"a changed one is probed at once": {time.Hour, time.Hour, true, events{0: touch, 100 * time.Second: touch},
			[]int{0, 100}},
		"changes in a row wait for the pause": {time.Hour, time.Minute, true,
			events{0: touch, time.Second: touch, 2 * time.Second: touch, 12 * time.Second: touch}, []int{0, 10, 20}},
		"a failing one is probed less and less, up to the interval": {5 * time.Minute, 20 * time.Minute, false, events{0: touch},
			[]int{0, 30, 90, 210, 450, 750, 1050}},
		"a change ends the backoff":      {time.Hour, 10 * time.Minute, false, events{0: touch, 5 * time.Minute: touch}, []int{0, 30, 90, 210, 300, 330, 390, 510}},
		"one that is gone is left alone": {time.Minute, 3 * time.Minute, true, events{0: touch, 30 * time.Second: forget}, []int{0}},
		"one that comes and goes waits for the pause": {time.Hour, time.Minute, true,
			events{0: touch, time.Second: forget, 2 * time.Second: touch}, []int{0, 10}},
		"one that comes back later is probed at once": {time.Hour, 2 * time.Minute, true,
			events{0: touch, time.Second: forget, 100 * time.Second: touch}, []int{0, 100}},
		"no failure is retried within the pause": {time.Second, 30 * time.Second, false, events{0: touch}, []int{0, 10, 20, 30}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewSchedule(c.interval)
			at := map[time.Duration]func(time.Time){}
			for when, f := range c.events {
				at[when] = func(now time.Time) { f(s, now) }
			}
			if diff := cmp.Diff(c.want, probes(s, c.until, c.ok, at)); diff != "" {
				t.Errorf("probes at second (-want +got):\n%s", diff)
			}
		})
	}
}

func TestScheduleBoundsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	s := NewSchedule(time.Hour)
	for i := range 40 {
		s.Touch(numbered(i), start.Add(time.Duration(i)*time.Second))
	}
	now := start.Add(time.Hour)
	first := s.Start(now)
	if len(first) != Parallel || first[0] != numbered(0) || first[15] != numbered(15) {
		t.Fatalf("%d at once, from %v to %v", len(first), first[0], first[len(first)-1])
	}
	if more := s.Start(now); len(more) > 0 {
		t.Errorf("%d more while %d are under way", len(more), Parallel)
	}
	if wait := s.Wait(now, time.Minute); wait != time.Minute {
		t.Errorf("waits %s although only the end of a probe helps", wait)
	}
	s.Done(first[0], now, true, 0)
	s.Done(first[0], now, true, 0) // twice is once
	if next := s.Start(now); len(next) != 1 || next[0] != numbered(16) {
		t.Errorf("next are %v", next)
	}
}

func TestScheduleOfOneUnderWay(t *testing.T) {
	t.Parallel()
	e := numbered(1)
	cases := map[string]struct {
		meanwhile func(*Schedule)
		again     bool
	}{
		"nothing happens":                  {func(*Schedule) {}, false},
		"it changes":                       {func(s *Schedule) { s.Touch(e, start) }, true},
		"it goes":                          {func(s *Schedule) { s.Forget(e) }, false},
		"it goes and comes back":           {func(s *Schedule) { s.Forget(e); s.Touch(e, start) }, true},
		"it changes and goes for good":     {func(s *Schedule) { s.Touch(e, start); s.Forget(e) }, false},
		"it changes, and again, only once": {func(s *Schedule) { s.Touch(e, start); s.Touch(e, start) }, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewSchedule(time.Hour)
			s.Touch(e, start)
			s.Start(start)
			c.meanwhile(s)
			if again := s.Start(start.Add(time.Minute)); len(again) > 0 {
				t.Fatal("two probes of one endpoint at a time")
			}
			s.Done(e, start.Add(time.Second), true, 0)
			if again := len(s.Start(start.Add(Pause))) > 0; again != c.again {
				t.Errorf("probed again: %t", again)
			}
		})
	}
}

func TestScheduleSpreadsProbes(t *testing.T) {
	t.Parallel()
	s := NewSchedule(100 * time.Minute)
	for i, chance := range []float64{0, 0.5, 1} {
		s.Touch(numbered(i), start)
		s.Start(start)
		s.Done(numbered(i), start, true, chance)
	}
	for i, want := range []time.Duration{100 * time.Minute, 90 * time.Minute, 80 * time.Minute} {
		if got := s.entries[numbered(i)].due.Sub(start); got != want {
			t.Errorf("endpoint %d is due after %s, want %s", i, got, want)
		}
	}
	if wait := s.Wait(start, 24*time.Hour); wait != 80*time.Minute {
		t.Errorf("waits %s", wait)
	}
}
