package publish

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPacer(t *testing.T) {
	t.Parallel()
	type write struct {
		at    time.Duration
		pages int
	}
	cases := map[string]struct {
		writes []write
		dirty  time.Duration
		want   time.Duration
	}{
		"the first change is published soon":              {dirty: 0, want: Gather},
		"so is one after a small write":                   {writes: []write{{0, 3}}, dirty: time.Second, want: time.Second + Gather},
		"nine pages leave a token":                        {writes: []write{{0, 9}}, dirty: 0, want: Gather},
		"ten pages use the tokens up":                     {writes: []write{{0, 10}}, dirty: 0, want: 250 * time.Millisecond},
		"more than there are tokens are followed by rest": {writes: []write{{0, 20}}, dirty: 0, want: 2750 * time.Millisecond},
		"the rest is bounded":                             {writes: []write{{0, 5000}}, dirty: time.Second, want: MaxRest},
		"the bound holds from the last write on":          {writes: []write{{0, 5000}, {time.Second, 5000}}, dirty: time.Second, want: time.Second + MaxRest},
		"tokens come back":                                {writes: []write{{0, 20}}, dirty: 5 * time.Second, want: 5*time.Second + Gather},
		"no more than a full bucket is saved":             {writes: []write{{time.Hour, 11}}, dirty: time.Hour, want: time.Hour + 500*time.Millisecond},
		"no write takes no token":                         {writes: []write{{0, 0}}, dirty: 0, want: Gather},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p Pacer
			for _, w := range c.writes {
				p.Wrote(reportTime.Add(w.at), w.pages)
			}
			if diff := cmp.Diff(c.want, p.Next(reportTime.Add(c.dirty)).Sub(reportTime)); diff != "" {
				t.Errorf("next (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPacerKeepsTheAverage(t *testing.T) {
	t.Parallel()
	var p Pacer
	now, pages := reportTime, 0
	for now.Sub(reportTime) < time.Minute {
		now = p.Next(now)
		p.Wrote(now, 3)
		pages += 3
	}
	if limit := Burst + 60*PagesPerSecond + 6; pages > limit || pages < limit-20 {
		t.Errorf("%d pages in a minute, and the limit is %d", pages, limit)
	}
}

func TestNextStatus(t *testing.T) {
	t.Parallel()
	if got := NextStatus(time.Time{}); got.After(reportTime) {
		t.Errorf("the first status waits until %s", got)
	}
	if got := NextStatus(reportTime).Sub(reportTime); got != StatusInterval {
		t.Errorf("the next status comes after %s", got)
	}
}
