package rollout

import (
	"cmp"
	"slices"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// round is one decision in the making.
type round struct {
	in       *Input
	members  []Member // by name
	standing map[string]standing
	canary   map[string]bool
	reached  int // members that can be reached
	assign   map[string]string
}

// Decide says which members get which revision now, and how far the rollout is.
// It depends on nothing but its input, and not on the order of the members there.
func Decide(in Input) Decision {
	r := newRound(&in)
	if len(r.members) == 0 {
		return Decision{Phase: v1alpha1.RolloutComplete, Stable: in.Target, Message: "no cluster is selected"}
	}
	phase := v1alpha1.RolloutProgressing
	stopped := r.membersThat(failed)
	if in.Spec == nil {
		r.assignAll()
	} else {
		r.assignStable()
		if len(stopped) == 0 && r.reached > 0 {
			r.assignCanaries()
			r.assignOthers()
		}
	}
	switch {
	case r.complete():
		phase, stopped = v1alpha1.RolloutComplete, nil
	case in.Spec != nil && len(stopped) > 0:
		phase = v1alpha1.RolloutStopped
	}
	d := Decision{
		Assign:  r.assign,
		Phase:   phase,
		Wave:    r.wave(),
		Updated: r.updated(),
		Total:   int32(len(r.members)),
		Failed:  stopped,
		Waiting: r.membersThat(waiting),
		Stable:  in.Stable,
	}
	if phase == v1alpha1.RolloutComplete {
		d.Stable = in.Target
	}
	d.Next = r.next()
	d.Message = r.message(&d)
	return d
}

func newRound(in *Input) *round {
	r := &round{
		in:       in,
		members:  slices.Clone(in.Members),
		standing: make(map[string]standing, len(in.Members)),
		canary:   map[string]bool{},
		assign:   map[string]string{},
	}
	slices.SortFunc(r.members, func(a, b Member) int { return cmp.Compare(a.Name, b.Name) })
	for i := range r.members {
		m := &r.members[i]
		r.standing[m.Name] = in.standingOf(m)
		if in.isCanary(m) {
			r.canary[m.Name] = true
		}
		if m.Reachable {
			r.reached++
		}
	}
	if r.reached == 0 { // the hub is cut off rather than all of them
		for i := range r.members {
			if m := &r.members[i]; m.Revision != in.Target {
				r.standing[m.Name] = waiting
			}
		}
	}
	return r
}

// assignAll assigns the target to all members that do not have it.
func (r *round) assignAll() {
	for i := range r.members {
		if r.standing[r.members[i].Name] == waiting {
			r.assignTarget(&r.members[i])
		}
	}
}

// assignStable gives members that have nothing at all the stable revision, so
// that a new cluster is not left bare until its turn comes.
func (r *round) assignStable() {
	if r.in.Stable == "" || r.in.Stable == r.in.Target {
		return
	}
	for i := range r.members {
		if r.members[i].Revision == "" {
			r.assign[r.members[i].Name] = r.in.Stable
		}
	}
}

func (r *round) assignCanaries() {
	r.assignWhile(func(m *Member) bool { return r.canary[m.Name] })
}

// assignOthers assigns the target to members that are no canaries, when those
// are done.
func (r *round) assignOthers() {
	if r.canariesDone() {
		r.assignWhile(func(m *Member) bool { return !r.canary[m.Name] })
	}
}

// assignWhile assigns the target to the chosen members, in their order, while
// more of them may be at work.
func (r *round) assignWhile(chosen func(*Member) bool) {
	free := r.in.maxUnavailable() - r.unavailable()
	for i := range r.members {
		if free <= 0 {
			return
		}
		m := &r.members[i]
		if !chosen(m) || m.unknown() || r.standing[m.Name] != waiting || r.assign[m.Name] != "" {
			continue
		}
		r.assignTarget(m)
		free--
	}
}

func (r *round) assignTarget(m *Member) {
	r.assign[m.Name] = r.in.Target
	if m.away() {
		r.standing[m.Name] = absent
	} else {
		r.standing[m.Name] = working
	}
}

// unavailable is the number of members that are at work on the target, or failed
// with it.
func (r *round) unavailable() int {
	return len(r.membersThat(working, failed))
}

// canariesDone is true when every canary has the target and is Ready, but for
// those that could not be reached when they were told.
func (r *round) canariesDone() bool {
	for name := range r.canary {
		if s := r.standing[name]; s != settled && s != absent {
			return false
		}
	}
	return true
}

// complete is true when every member was told to have the target, and was Ready
// with it or could not be reached then. With all at once, one that can't be
// reached is never waited for.
func (r *round) complete() bool {
	for i := range r.members {
		m := &r.members[i]
		switch r.standing[m.Name] {
		case waiting:
			return false
		case working, failed:
			known := m.Revision == r.in.Target && m.WasReady
			ignored := r.in.Spec == nil && m.away()
			if !known && !ignored {
				return false
			}
		case absent, settled:
		}
	}
	return true
}
