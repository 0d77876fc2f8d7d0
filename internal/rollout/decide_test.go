package rollout_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/rollout"
)

const (
	oldRevision = "r1"
	newRevision = "r2"
)

// start is when members were told what they have; now is five minutes later.
var (
	start = time.Date(2025, 1, 1, 12, 0, 0, 0, time.UTC)
	now   = start.Add(5 * time.Minute)
)

// member is one that can be reached and is as well as it was with a revision.
func member(name, revision string, state rollout.State, changes ...func(*rollout.Member)) rollout.Member {
	m := rollout.Member{
		Name: name, Revision: revision, State: state, Since: start,
		Reachable: true, WasReady: state == rollout.Ready,
	}
	for _, change := range changes {
		change(&m)
	}
	return m
}

func canary(m *rollout.Member)     { m.Labels = map[string]string{"tier": "canary"} }
func onceReady(m *rollout.Member)  { m.WasReady = true }
func lostBefore(m *rollout.Member) { m.Reachable, m.ReachabilitySince = false, start.Add(-time.Hour) }
func lostAfter(m *rollout.Member)  { m.Reachable, m.ReachabilitySince = false, start.Add(time.Minute) }
func back(m *rollout.Member)       { m.Reachable, m.ReachabilitySince = true, now.Add(-time.Minute) }

func unknown(m *rollout.Member) {
	m.Reachable, m.ReachabilitySince = false, time.Time{}
}

func since(t time.Time) func(*rollout.Member)  { return func(m *rollout.Member) { m.Since = t } }
func saying(text string) func(*rollout.Member) { return func(m *rollout.Member) { m.Message = text } }
func told(revision string) func(string) rollout.Member {
	return func(name string) rollout.Member { return member(name, revision, rollout.Ready) }
}

func spec(maxUnavailable string) *rollout.Spec {
	return &rollout.Spec{
		Canary:         labels.SelectorFromSet(labels.Set{"tier": "canary"}),
		MaxUnavailable: intstr.Parse(maxUnavailable),
		Deadline:       10 * time.Minute,
	}
}

// outcome is what the table below says of a decision; of the message, parts.
type outcome struct {
	Assign  map[string]string
	Phase   v1alpha1.RolloutPhase
	Wave    int32
	Updated int32
	Failed  []string
	Waiting []string
	Stable  string
	Next    time.Duration // after now; 0 for never
}

type decideCase struct {
	stable  string // oldRevision when empty, "-" for none
	target  string // newRevision when empty
	spec    *rollout.Spec
	members []rollout.Member
	want    outcome
	says    []string
}

func runDecide(t *testing.T, cases map[string]decideCase) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := rollout.Input{Target: newRevision, Stable: oldRevision, Spec: c.spec, Members: c.members, Now: now}
			if c.target != "" {
				in.Target = c.target
			}
			if c.stable != "" {
				in.Stable = strings.TrimPrefix(c.stable, "-")
			}
			before := slices.Clone(in.Members)
			d := rollout.Decide(in)
			got := outcome{
				Assign: d.Assign, Phase: d.Phase, Wave: d.Wave, Updated: d.Updated,
				Failed: d.Failed, Waiting: d.Waiting, Stable: d.Stable,
			}
			if d.Next != nil {
				got.Next = d.Next.Sub(now)
			}
			if got.Assign == nil {
				got.Assign = map[string]string{}
			}
			if c.want.Assign == nil {
				c.want.Assign = map[string]string{}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("decision (-want +got):\n%s\nmessage: %s", diff, d.Message)
			}
			if int(d.Total) != len(c.members) {
				t.Errorf("total is %d for %d members", d.Total, len(c.members))
			}
			for _, text := range c.says {
				if !strings.Contains(d.Message, text) {
					t.Errorf("message does not say %q: %s", text, d.Message)
				}
			}
			if diff := cmp.Diff(before, in.Members); diff != "" {
				t.Errorf("the input was changed:\n%s", diff)
			}
		})
	}
}

func TestDecideOrder(t *testing.T) {
	t.Parallel()
	old, updated := told(oldRevision), told(newRevision)
	runDecide(t, map[string]decideCase{
		"no member is complete at once": {
			spec: spec("1"),
			want: outcome{Phase: v1alpha1.RolloutComplete, Stable: newRevision},
			says: []string{"no cluster is selected"},
		},
		"canaries come first, within the limit and by name": {
			spec: spec("2"),
			members: []rollout.Member{
				old("a"), old("b"),
				member("z", oldRevision, rollout.Ready, canary),
				member("y", oldRevision, rollout.Ready, canary),
				member("x", oldRevision, rollout.Ready, canary),
			},
			want: outcome{
				Assign: map[string]string{"x": newRevision, "y": newRevision},
				Phase:  v1alpha1.RolloutProgressing, Wave: 1, Stable: oldRevision,
				Waiting: []string{"a", "b", "z"},
			},
			says: []string{"0 of 5", "at work in x, y", "3 wait for their turn"},
		},
		"nobody goes before the last canary is ready": {
			spec: spec("2"),
			members: []rollout.Member{
				old("a"),
				member("x", newRevision, rollout.Ready, canary),
				member("y", newRevision, rollout.Progressing, canary),
			},
			want: outcome{
				Phase: v1alpha1.RolloutProgressing, Wave: 1, Updated: 1, Stable: oldRevision,
				Waiting: []string{"a"}, Next: 5 * time.Minute,
			},
		},
		"the first wave follows the canaries": {
			spec:    spec("2"),
			members: []rollout.Member{old("c"), old("b"), old("a"), member("x", newRevision, rollout.Ready, canary)},
			want: outcome{
				Assign: map[string]string{"a": newRevision, "b": newRevision},
				Phase:  v1alpha1.RolloutProgressing, Wave: 2, Updated: 1, Stable: oldRevision, Waiting: []string{"c"},
			},
		},
		"the next one goes as soon as one of a wave is ready": {
			spec:    spec("2"),
			members: []rollout.Member{updated("a"), member("b", newRevision, rollout.Progressing), old("c"), old("d")},
			want: outcome{
				Assign: map[string]string{"c": newRevision},
				Phase:  v1alpha1.RolloutProgressing, Wave: 2, Updated: 1, Stable: oldRevision,
				Waiting: []string{"d"}, Next: 5 * time.Minute,
			},
			says: []string{"no cluster matches delivery.rollout.canary"},
		},
		"a share is of all members and rounded up": {
			spec:    spec("34%"),
			members: []rollout.Member{old("a"), old("b"), old("c"), old("d")},
			want: outcome{
				Assign: map[string]string{"a": newRevision, "b": newRevision},
				Phase:  v1alpha1.RolloutProgressing, Wave: 1, Stable: oldRevision, Waiting: []string{"c", "d"},
			},
		},
		"all ready is complete, and the target becomes stable": {
			spec:    spec("1"),
			members: []rollout.Member{updated("a"), updated("b")},
			want:    outcome{Phase: v1alpha1.RolloutComplete, Wave: 2, Updated: 2, Stable: newRevision},
			says:    []string{"2 of 2"},
		},
		"a new member gets the stable revision before its turn": {
			spec:    spec("1"),
			members: []rollout.Member{member("a", newRevision, rollout.Progressing), old("b"), member("c", "", "")},
			want: outcome{
				Assign: map[string]string{"c": oldRevision},
				Phase:  v1alpha1.RolloutProgressing, Wave: 1, Stable: oldRevision,
				Waiting: []string{"b", "c"}, Next: 5 * time.Minute,
			},
		},
		"the first revision of all goes in waves": {
			stable:  "-",
			spec:    spec("1"),
			members: []rollout.Member{member("a", "", ""), member("b", "", "")},
			want: outcome{
				Assign: map[string]string{"a": newRevision},
				Phase:  v1alpha1.RolloutProgressing, Wave: 1, Waiting: []string{"b"},
			},
		},
		"going back counts those that kept the old revision": {
			target:  oldRevision,
			spec:    spec("1"),
			members: []rollout.Member{old("b"), member("c", newRevision, rollout.Failed), member("x", newRevision, rollout.Failed, canary)},
			want: outcome{
				Assign: map[string]string{"x": oldRevision},
				Phase:  v1alpha1.RolloutProgressing, Wave: 1, Updated: 1, Stable: oldRevision, Waiting: []string{"c"},
			},
		},
		"a change in the middle starts again with the canaries": {
			target:  "r3",
			spec:    spec("1"),
			members: []rollout.Member{updated("a"), old("b"), member("x", newRevision, rollout.Ready, canary)},
			want: outcome{
				Assign: map[string]string{"x": "r3"},
				Phase:  v1alpha1.RolloutProgressing, Wave: 1, Stable: oldRevision, Waiting: []string{"a", "b"},
			},
		},
	})
}

func TestDecideStops(t *testing.T) {
	t.Parallel()
	old, updated := told(oldRevision), told(newRevision)
	runDecide(t, map[string]decideCase{
		"a failed member stops all but the care for new members": {
			spec: spec("2"),
			members: []rollout.Member{
				member("a", newRevision, rollout.Failed, saying("webhook\nrefused")), old("b"), member("c", "", ""),
			},
			want: outcome{
				Assign: map[string]string{"c": oldRevision},
				Phase:  v1alpha1.RolloutStopped, Wave: 1, Failed: []string{"a"}, Waiting: []string{"b", "c"}, Stable: oldRevision,
			},
			says: []string{"failed in a: webhook refused", "change the spec", "2 keep what they have"},
		},
		"a member that is late stops it from the deadline on": {
			spec:    spec("1"),
			members: []rollout.Member{member("a", newRevision, rollout.Progressing, since(now.Add(-10*time.Minute))), old("b")},
			want: outcome{
				Phase: v1alpha1.RolloutStopped, Wave: 1, Failed: []string{"a"}, Waiting: []string{"b"}, Stable: oldRevision,
			},
			says: []string{"failed in a: not healthy within 10m0s"},
		},
		"a moment before the deadline nothing is stopped": {
			spec:    spec("1"),
			members: []rollout.Member{member("a", newRevision, rollout.Progressing, since(now.Add(time.Second-10*time.Minute))), old("b")},
			want: outcome{
				Phase: v1alpha1.RolloutProgressing, Wave: 1, Waiting: []string{"b"}, Stable: oldRevision, Next: time.Second,
			},
		},
		"a member that was ready once is never late": {
			spec:    spec("1"),
			members: []rollout.Member{member("a", newRevision, rollout.Progressing, onceReady, since(now.Add(-time.Hour))), old("b")},
			want: outcome{
				Phase: v1alpha1.RolloutProgressing, Wave: 1, Waiting: []string{"b"}, Stable: oldRevision,
			},
		},
		"a member that was ready and fails stops a rollout that is not through": {
			spec:    spec("2"),
			members: []rollout.Member{member("a", newRevision, rollout.Failed, onceReady), old("b")},
			want: outcome{
				Phase: v1alpha1.RolloutStopped, Wave: 1, Failed: []string{"a"}, Waiting: []string{"b"}, Stable: oldRevision,
			},
			says: []string{"no reason is known"},
		},
		"after a rollout is through, failures are not its own": {
			stable:  newRevision,
			spec:    spec("1"),
			members: []rollout.Member{member("a", newRevision, rollout.Failed, onceReady), updated("b"), member("c", "", "")},
			want: outcome{
				Assign: map[string]string{"c": newRevision},
				Phase:  v1alpha1.RolloutProgressing, Wave: 3, Updated: 1, Stable: newRevision,
			},
		},
		"the last one that was ready once completes it": {
			spec:    spec("1"),
			members: []rollout.Member{member("a", newRevision, rollout.Progressing, onceReady), updated("b")},
			want:    outcome{Phase: v1alpha1.RolloutComplete, Wave: 2, Updated: 1, Stable: newRevision},
		},
		"a failure with another revision stops nothing": {
			spec:    spec("1"),
			members: []rollout.Member{member("a", oldRevision, rollout.Failed), old("b")},
			want: outcome{
				Assign: map[string]string{"a": newRevision},
				Phase:  v1alpha1.RolloutProgressing, Wave: 1, Waiting: []string{"b"}, Stable: oldRevision,
			},
		},
		"many failures are named and counted": {
			spec: spec("9"),
			members: []rollout.Member{
				member("a", newRevision, rollout.Failed, saying(strings.Repeat("x", 9999))), member("b", newRevision, rollout.Failed),
				member("c", newRevision, rollout.Failed), member("d", newRevision, rollout.Failed),
			},
			want: outcome{Phase: v1alpha1.RolloutStopped, Wave: 1, Failed: []string{"a", "b", "c", "d"}, Stable: oldRevision},
			says: []string{"failed in a, b, c and 1 more: xxx", "x…;"},
		},
	})
}
