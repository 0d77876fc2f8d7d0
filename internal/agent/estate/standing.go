package estate

import (
	"time"

	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
)

// patience is how long something that was read may fail to be read before it
// counts as unwatched: an API server that restarts is no news.
const patience = 2 * time.Minute

// standing is how far something is read, over time.
type standing struct {
	state   tail.State
	failing time.Time // since when; zero while it does not
	listed  bool      // completely, once
}

// is takes a state and says whether it is another.
func (s *standing) is(state tail.State, now time.Time) (news bool) {
	if state.Condition != tail.Failing {
		s.failing = time.Time{}
	} else if s.failing.IsZero() {
		s.failing = now
	}
	news = s.state.Condition != state.Condition
	s.state = state
	return news
}

// outlook is what a standing means for verdicts.
type outlook struct {
	// reason for which it is not watched; empty when it is, or will be.
	reason string
	// waiting says that it is not known yet.
	waiting bool
	// next is when time alone changes the outlook; zero for never.
	next time.Time
}

// watched says that verdicts can be trusted.
func (o outlook) watched() bool { return o.reason == "" && !o.waiting }

func (s *standing) outlook(now time.Time) outlook {
	switch s.state.Condition {
	case tail.Forbidden, tail.NotServed:
		return outlook{reason: s.reason()}
	case tail.Failing:
		limit := s.failing.Add(patience)
		if !s.listed || !now.Before(limit) {
			return outlook{reason: s.reason()}
		}
		return outlook{next: limit}
	case tail.Waiting, tail.Reading:
	}
	return outlook{waiting: !s.listed}
}

func (s *standing) reason() string {
	word := map[tail.Condition]string{
		tail.Forbidden: "forbidden", tail.NotServed: "not served", tail.Failing: "failing",
	}[s.state.Condition]
	if s.state.Message == "" {
		return word
	}
	return word + ": " + s.state.Message
}
