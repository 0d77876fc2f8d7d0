package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

const (
	// maxNames is how many clusters a message names.
	maxNames = 3
	// maxReason bounds what a message repeats of a cluster's own, in bytes.
	maxReason = 256
)

// membersThat returns the names of members with one of the standings, sorted.
func (r *round) membersThat(standings ...standing) []string {
	return r.membersWhere(func(m *Member) bool { return slices.Contains(standings, r.standing[m.Name]) })
}

func (r *round) membersWhere(chosen func(*Member) bool) []string {
	var names []string
	for i := range r.members {
		if chosen(&r.members[i]) {
			names = append(names, r.members[i].Name)
		}
	}
	return names
}

// lost returns members that can't be reached any more since they were told.
func (r *round) lost() []string {
	return r.membersWhere(func(m *Member) bool { return m.away() && r.standing[m.Name] == working })
}

// updated is the number of members that have the target and are Ready.
func (r *round) updated() int32 {
	var n int32
	for i := range r.members {
		if r.members[i].Revision == r.in.Target && r.members[i].State == Ready {
			n++
		}
	}
	return n
}

// wave counts in steps of maxUnavailable how many members were told to have the
// target. The canaries are one wave, however many they are.
func (r *round) wave() int32 {
	if r.in.Spec == nil {
		return 1
	}
	wave := 0
	if len(r.canary) > 0 {
		wave = 1
		if !r.canariesDone() {
			return 1
		}
	}
	told := 0
	for i := range r.members {
		name := r.members[i].Name
		if !r.canary[name] && r.standing[name] != waiting {
			told++
		}
	}
	size := r.in.maxUnavailable()
	wave += (told + size - 1) / size
	return int32(max(wave, 1))
}

// next returns the first deadline that is still to come of members at work.
func (r *round) next() *time.Time {
	var first *time.Time
	for i := range r.members {
		m := &r.members[i]
		if r.standing[m.Name] != working || m.Revision != r.in.Target {
			continue
		}
		deadline, ok := r.in.deadline(m)
		if ok && (first == nil || deadline.Before(*first)) {
			first = &deadline
		}
	}
	return first
}

// message says how far the rollout is, what it waits for, and what to do.
func (r *round) message(d *Decision) string {
	parts := []string{fmt.Sprintf("%d of %d clusters have the change", d.Updated, d.Total)}
	switch {
	case d.Phase == v1alpha1.RolloutStopped:
		parts = append(parts, r.failure(d.Failed))
		if len(d.Waiting) > 0 {
			parts = append(parts, fmt.Sprintf("%d keep what they have", len(d.Waiting)))
		}
		parts = append(parts, "heal the cluster, or change the spec: a new change starts again with the first clusters")
	case d.Phase == v1alpha1.RolloutProgressing && len(d.Failed) > 0:
		parts = append(parts, r.failure(d.Failed))
	}
	if d.Phase == v1alpha1.RolloutProgressing {
		parts = append(parts, r.progress(d)...)
	}
	away := r.membersThat(absent)
	if r.in.Spec == nil {
		away = append(away, r.lost()...)
		slices.Sort(away)
	}
	if len(away) > 0 {
		parts = append(parts, "can't be reached, so the change gets there later: "+list(away))
	}
	return strings.Join(parts, "; ")
}

// progress says what a rollout that goes on waits for.
func (r *round) progress(d *Decision) []string {
	var parts []string
	atWork := r.membersWhere(func(m *Member) bool { return !m.away() && r.standing[m.Name] == working })
	if len(atWork) > 0 {
		parts = append(parts, "at work in "+list(atWork))
	}
	if lost := r.lost(); r.in.Spec != nil && len(lost) > 0 {
		parts = append(parts, "not reached any more since given the change: "+list(lost))
	}
	unknown := r.membersWhere(func(m *Member) bool { return m.unknown() && r.standing[m.Name] == waiting })
	if len(unknown) > 0 {
		parts = append(parts, "not heard of yet: "+list(unknown))
	} else if r.reached == 0 {
		parts = append(parts, "no cluster can be reached, so none is given the change")
	}
	if len(d.Waiting) > 0 {
		parts = append(parts, fmt.Sprintf("%d wait for their turn", len(d.Waiting)))
	}
	if r.in.Spec != nil && r.in.Spec.Canary != nil && len(r.canary) == 0 {
		parts = append(parts, "no cluster matches delivery.rollout.canary")
	}
	return parts
}

// failure names the members that failed, and the first one's reason.
func (r *round) failure(names []string) string {
	i := slices.IndexFunc(r.members, func(m Member) bool { return m.Name == names[0] })
	return fmt.Sprintf("failed in %s: %s", list(names), r.reason(&r.members[i]))
}

// reason says why a member failed.
func (r *round) reason(m *Member) string {
	reason := plain(m.Message)
	if m.State != Failed {
		late := fmt.Sprintf("not healthy within %s", r.in.Spec.Deadline)
		if !m.Reachable {
			late += ", and can't be reached any more"
		}
		if reason == "" {
			return late
		}
		return late + ": " + reason
	}
	if reason == "" {
		return "no reason is known"
	}
	return reason
}

// list names some clusters and counts the rest.
func list(names []string) string {
	if len(names) <= maxNames {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNames], ", "), len(names)-maxNames)
}

// plain bounds a text and takes everything out that would break a line.
func plain(s string) string {
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "") + "…"
	}
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, s))
}
