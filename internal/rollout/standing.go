package rollout

import (
	"time"

	"k8s.io/apimachinery/pkg/labels"
)

// standing is how a member stands to the revision that is rolled out.
type standing int

const (
	// waiting has another revision, or none.
	waiting standing = iota
	// working was told to have it and is not Ready.
	working
	// failed has it and can't be Ready, or was not in time.
	failed
	// absent can't be reached, and could not when it was its turn.
	absent
	// settled has it and does not concern the rollout any more.
	settled
)

// standingOf tells how a member stands to the target.
func (in *Input) standingOf(m *Member) standing {
	switch {
	case m.Revision != in.Target && in.Spec != nil && m.away():
		return absent // its turn comes when it is back
	case m.Revision != in.Target:
		return waiting
	case m.State == Ready:
		return settled
	case m.WasReady && (m.away() || in.Target == in.Stable):
		// What happens to a member that had the change, healthy, before it was
		// lost, or before the rollout was complete, is for its health to say.
		return settled
	case m.lostBefore():
		return absent
	case m.State == Failed || in.late(m):
		return failed
	default:
		return working
	}
}

// away is true for a member that is known not to be reachable.
func (m *Member) away() bool {
	return !m.Reachable && !m.ReachabilitySince.IsZero()
}

// unknown is true for a member of which is not known whether it can be reached.
func (m *Member) unknown() bool {
	return !m.Reachable && m.ReachabilitySince.IsZero()
}

// lostBefore is true for a member that can't be reached since before it was told
// to have its revision.
func (m *Member) lostBefore() bool {
	return m.away() && !m.ReachabilitySince.After(m.Since)
}

// deadline returns when a member has to be Ready at the latest; false when there
// is no such time. A member that was away gets the full time from its return on.
func (in *Input) deadline(m *Member) (time.Time, bool) {
	if in.Spec == nil || m.WasReady || m.unknown() {
		return time.Time{}, false
	}
	start := m.Since
	if m.Reachable && m.ReachabilitySince.After(start) {
		start = m.ReachabilitySince
	}
	return start.Add(in.Spec.Deadline), true
}

func (in *Input) late(m *Member) bool {
	deadline, ok := in.deadline(m)
	return ok && !in.Now.Before(deadline)
}

// isCanary is true for members that come first.
func (in *Input) isCanary(m *Member) bool {
	return in.Spec != nil && in.Spec.Canary != nil && in.Spec.Canary.Matches(labels.Set(m.Labels))
}

// maxUnavailable returns how many members may be at work at the same time.
func (in *Input) maxUnavailable() int {
	// SpecFrom refuses what can't be read.
	number, err := scaled(in.Spec.MaxUnavailable, len(in.Members))
	if err != nil {
		return 1
	}
	return max(number, 1)
}
