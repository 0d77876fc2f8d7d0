package estate

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
)

func uidOf(s string) types.UID { return types.UID(s) }

// taken is what somebody left of our fields, and took.
const (
	left  = `{"f:data":{"f:b":{}}}`
	taken = `{"f:data":{"f:a":{}}}`
)

func changed(at time.Time) map[string]any {
	return entity(cmRef("a"), "u", left, owner(someone, "Update", taken, at))
}

func (s *stand) want(when string, r *v1alpha1.EstateReport, drift ...string) {
	s.t.Helper()
	if r == nil {
		s.t.Fatalf("%s: no report", when)
	}
	if diff := cmp.Diff(append([]string{}, drift...), describe(r)); diff != "" {
		s.t.Errorf("%s: drift (-want +got):\n%s", when, diff)
	}
	if int(r.Drifted) != len(drift) {
		s.t.Errorf("%s: %d objects drifted", when, r.Drifted)
	}
}

func TestAChangeIsToldOnceItHeld(t *testing.T) {
	t.Parallel()
	s := settledStand(t)
	s.want("in order", s.after(0))
	s.event("configmaps", changed(begin.Add(-time.Minute)))
	if n, _ := s.news(); n == 0 {
		t.Error("nobody was told")
	}
	s.want("at first", s.after(0))
	s.want("shortly before", s.after(settling-time.Millisecond))
	s.want("then", s.after(time.Millisecond), "a Changed [.data.a] by [kubectl-edit] since 11:59:00")
	s.event("configmaps", entity(cmRef("a"), "u", ours))
	s.want("repaired", s.after(0))
}

func TestTheLedgerMayBeBehindOrAhead(t *testing.T) {
	t.Parallel()
	const more = `{"f:data":{"f:a":{},"f:b":{},"f:c":{}}}`
	next := map[desired.Ref]ledger.Entry{cmRef("a"): entry(t, "u", more)}
	tests := map[string]struct {
		play func(*stand)
		want []string
	}{
		"the object first": {play: func(s *stand) {
			s.event("configmaps", entity(cmRef("a"), "u", more))
			s.after(settling - time.Millisecond)
			s.writes("2", next)
		}},
		"the ledger first": {play: func(s *stand) {
			s.writes("2", next)
			s.after(settling - time.Millisecond)
			s.event("configmaps", entity(cmRef("a"), "u", more))
		}},
		"and what it taught is what is compared with": {
			play: func(s *stand) {
				s.event("configmaps", entity(cmRef("a"), "u", more))
				s.writes("2", next)
				s.event("configmaps", entity(cmRef("a"), "u", ours, owner(someone, "Update", `{"f:data":{"f:c":{}}}`, begin)))
			},
			want: []string{"a Changed [.data.c] by [kubectl-edit] since 12:00:00"},
		},
		"a ledger that no object follows": {
			play: func(s *stand) { s.writes("2", next) },
			want: []string{"a Changed [] by [] since 12:00:00"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := settledStand(t)
			s.clock.SetTime(begin)
			tt.play(s)
			r := s.after(settling)
			s.want("in the end", r, tt.want...)
			if r.Ledger != "2" {
				t.Errorf("the report is about ledger %s", r.Ledger)
			}
		})
	}
}

func TestDeletedAndReplaced(t *testing.T) {
	t.Parallel()
	s := settledStand(t)
	s.gone("configmaps", entity(cmRef("a"), "u", ours))
	s.want("at first", s.after(0))
	s.want("deleted", s.after(settling), "a Deleted [] by [] since 12:00:00")
	s.event("configmaps", entity(cmRef("a"), "v", `{}`, owner("kubectl-create", "Update", `{"f:data":{"f:a":{}}}`, begin.Add(time.Second))))
	s.want("made again by somebody", s.after(settling), "a Replaced [] by [kubectl-create] since 12:00:01")
	s.gone("configmaps", entity(cmRef("a"), "old", ours))
	s.want("an event about an object of old", s.after(settling), "a Replaced [] by [kubectl-create] since 12:00:01")
	s.event("configmaps", entity(cmRef("a"), "w", ours))
	s.writes("2", map[desired.Ref]ledger.Entry{cmRef("a"): entry(t, "w", ours)})
	s.want("made again by the hub", s.after(0))
}

func TestWhatReplacesAnObjectIsNotComparedWithIt(t *testing.T) {
	t.Parallel()
	s := settledStand(t)
	s.event("configmaps", entity(cmRef("a"), "v", left, owner(someone, "Update", taken, begin)))
	s.want("without an event of its end", s.after(settling), "a Replaced [] by [kubectl-edit] since 12:00:00")
}

// TestWhatWasRepairedIsForgotten: that it was deleted before a restart says nothing
// of the next time.
func TestWhatWasRepairedIsForgotten(t *testing.T) {
	t.Parallel()
	s := settledStand(t)
	s.gone("configmaps", entity(cmRef("a"), "u", ours))
	before := s.after(settling)

	s = newStand(t)
	s.Recall(before)
	s.Serve(served(), nil)
	s.writes("1", map[desired.Ref]ledger.Entry{cmRef("a"): entry(t, "u", ours)})
	s.reads("configmaps")
	s.clock.SetTime(begin.Add(time.Hour))
	s.want("still gone", s.after(0), "a Deleted [] by [] since 12:00:00")
	s.event("configmaps", entity(cmRef("a"), "u", ours))
	s.want("there again", s.after(0))
	s.gone("configmaps", entity(cmRef("a"), "u", ours))
	s.want("gone again", s.after(settling), "a Deleted [] by [] since 13:00:00")
}

func TestWhatAListingDoesNotHaveIsGone(t *testing.T) {
	t.Parallel()
	s := settledStand(t)
	s.reads("configmaps")
	s.want("listed again", s.after(settling), "a Deleted [] by [] since 12:00:00")
}

func TestNoDrift(t *testing.T) {
	t.Parallel()
	retained := entry(t, "u", "{}")
	retained.Retained = "it has Secrets"
	unconfirmed := entry(t, "", "{}")
	deleting := changed(begin)
	deleting["metadata"].(map[string]any)["deletionTimestamp"] = begin.Format(time.RFC3339)
	tests := map[string]struct {
		entry  ledger.Entry
		object map[string]any
	}{
		"of what is kept although it is not wanted": {retained, changed(begin)},
		"of what was not confirmed":                 {unconfirmed, changed(begin)},
		"of what is being deleted":                  {entry(t, "u", ours), deleting},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			s.Serve(served(), nil)
			s.writes("1", map[desired.Ref]ledger.Entry{cmRef("a"): tt.entry})
			s.reads("configmaps", tt.object)
			s.want("read", s.after(settling))
			s.want("later", s.after(time.Hour))
		})
	}
}

func TestTheReportIsAboutALedgerOnceAllKindsWereRead(t *testing.T) {
	t.Parallel()
	s := settledStand(t)
	role := desired.Ref{Group: "rbac.authorization.k8s.io", Kind: "Role", Namespace: "shop", Name: "r"}
	s.writes("2", map[desired.Ref]ledger.Entry{cmRef("a"): entry(t, "u", ours), role: entry(t, "r", ours)})
	if r := s.after(time.Minute); r.Ledger != "1" || r.Objects != 2 {
		t.Errorf("before the roles were read: %+v", r)
	}
	s.reads("roles", entity(role, "r", ours))
	if r := s.after(0); r.Ledger != "2" || r.Drifted != 0 {
		t.Errorf("after that: %+v", r)
	}
	s.writes("3", map[desired.Ref]ledger.Entry{cmRef("a"): entry(t, "u", ours)})
	if r := s.after(settling - time.Millisecond); r.Ledger != "2" || r.Objects != 1 {
		t.Errorf("too early: %+v", r)
	}
	if r := s.after(time.Millisecond); r.Ledger != "3" {
		t.Errorf("in the end: %+v", r)
	}
	if f := s.tails["roles"]; f.ctx.Err() == nil {
		t.Error("a kind that the ledger no longer lists is followed")
	}
}

func TestARestartForgetsNothing(t *testing.T) {
	t.Parallel()
	s := settledStand(t)
	s.event("configmaps", changed(begin.Add(-time.Minute)))
	before := s.after(settling).DeepCopy()
	before.Kinds, before.Workloads = "k", "w"

	s = newStand(t)
	s.clock.SetTime(begin.Add(time.Hour))
	s.Recall(before)
	s.Serve(served(), nil)
	steps := []struct {
		when string
		play func()
	}{
		{"before anything was read", func() {}},
		{"before the objects were read", func() { s.writes("1", map[desired.Ref]ledger.Entry{cmRef("a"): entry(t, "u", ours)}) }},
		{"before the verdicts hold", func() { s.reads("configmaps", changed(begin.Add(-time.Minute))) }},
		{"when all is known", func() { s.after(settling) }},
	}
	for _, step := range steps {
		step.play()
		if diff := cmp.Diff(before, s.after(0)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.when, diff)
		}
	}
	s.event("configmaps", entity(cmRef("a"), "u", ours))
	s.event("configmaps", entity(cmRef("a"), "u", `{"f:data":{"f:a":{}}}`, owner("other", "Update", `{"f:data":{"f:b":{}}}`, begin)))
	s.want("another change", s.after(settling), "a Changed [.data.b] by [other] since 12:00:00")
}

func TestListsAreBounded(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.Serve(served(), nil)
	entries := map[desired.Ref]ledger.Entry{}
	var objects []map[string]any
	for i := range 100 {
		ref := cmRef(fmt.Sprintf("a%02d", i))
		entries[ref] = entry(t, "u", ours)
		// The last one is the oldest.
		objects = append(objects, entity(ref, "u", left, owner(someone, "Update", taken, begin.Add(-time.Duration(i)*time.Minute))))
	}
	s.writes("1", entries)
	s.reads("configmaps", objects...)
	r := s.after(settling)
	if r.Objects != 100 || r.Drifted != 100 || len(r.Drift) != maxItems || r.Drift[0].Name != "a99" {
		t.Errorf("%d of %d objects drifted, %d are listed, the first is %s", r.Drifted, r.Objects, len(r.Drift), r.Drift[0].Name)
	}
}

// TestAtRestThereIsNoNews: what changes all the time is not reported, and does not
// wake anybody.
func TestAtRestThereIsNoNews(t *testing.T) {
	t.Parallel()
	s := settledStand(t)
	before := s.after(0)
	s.event("configmaps", entity(cmRef("a"), "u", ours, owner("kubelet", "Update", `{"f:status":{}}`, begin)))
	s.event("configmaps", entity(cmRef("stray"), "x", left))
	s.writes("1", map[desired.Ref]ledger.Entry{cmRef("a"): entry(t, "u", ours)})
	s.tail("configmaps").Report(tail.State{Condition: tail.Reading})
	if n, _ := s.news(); n != 0 {
		t.Errorf("%d changes were told", n)
	}
	if diff := cmp.Diff(before, s.after(time.Hour)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}
