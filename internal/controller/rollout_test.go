package controller

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/rollout"
)

func TestTheStateOfACluster(t *testing.T) {
	t.Parallel()
	parts := func(list ...observed.Part) *observed.Outcome { return &observed.Outcome{Parts: list} }
	ready := observed.Part{State: observed.PartReady}
	cases := map[string]struct {
		outcome *observed.Outcome
		state   rollout.State
		message string
	}{
		"all parts are ready":            {parts(ready, observed.Part{State: observed.PartEmpty}), rollout.Ready, ""},
		"nothing was applied":            {parts(), rollout.Progressing, ""},
		"one part is on its way":         {parts(ready, observed.Part{State: observed.PartProgressing, Reason: "R", Message: "m"}), rollout.Progressing, "R: m"},
		"the first of two speaks":        {parts(observed.Part{State: observed.PartHeld, Reason: "A", Message: "a"}, observed.Part{State: observed.PartFailed, Reason: "B", Message: "b"}), rollout.Progressing, "A: a"},
		"only a person can help a part":  {parts(observed.Part{State: observed.PartProgressing}, observed.Part{State: observed.PartHeld, Terminal: true, Reason: "R", Message: "m"}), rollout.Failed, "R: m"},
		"the cluster failed as a whole":  {&observed.Outcome{Err: &observed.Failure{Message: "m"}}, rollout.Progressing, "m"},
		"only a person can help at all":  {&observed.Outcome{Err: &observed.Failure{Message: "m", Terminal: true}}, rollout.Failed, "m"},
		"what was applied does not help": {&observed.Outcome{Parts: []observed.Part{ready}, Err: &observed.Failure{Message: "m"}}, rollout.Progressing, "m"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state, message := stateOf(c.outcome)
			if state != c.state || message != c.message {
				t.Errorf("%s %q, want %s %q", state, message, c.state, c.message)
			}
		})
	}
}

func TestHowAClusterStandsToARollout(t *testing.T) {
	t.Parallel()
	created, before, lately := noon.Add(-time.Hour), noon.Add(-30*time.Minute), noon.Add(-time.Minute)
	connected := func(state metav1.ConditionStatus) []metav1.Condition {
		return []metav1.Condition{{Type: v1alpha1.ConditionConnected, Status: state, LastTransitionTime: metav1.NewTime(before)}}
	}
	fine := &observed.Outcome{Parts: []observed.Part{{State: observed.PartReady}}}
	away := &observed.Outcome{Unreachable: true, Err: &observed.Failure{Message: "away"}}
	had := &v1alpha1.RevisionStatus{Name: "kept", Since: metav1.NewTime(before), Ready: true}
	cases := map[string]struct {
		status  v1alpha1.MemberClusterStatus
		told    *Assignment
		outcome *observed.Outcome
		other   bool
		want    rollout.Member
	}{
		"not visited since the hub started": {
			status: v1alpha1.MemberClusterStatus{Revision: had, Conditions: connected(metav1.ConditionTrue)},
			want:   rollout.Member{Revision: "kept", Since: before, WasReady: true, State: rollout.Progressing},
		},
		"healthy": {
			status: v1alpha1.MemberClusterStatus{Revision: had, Conditions: connected(metav1.ConditionTrue)}, told: &Assignment{Revision: "kept"}, outcome: fine,
			want: rollout.Member{Revision: "kept", Since: before, WasReady: true, State: rollout.Ready, Reachable: true, ReachabilitySince: before},
		},
		"the cache is behind what it was told": {
			status: v1alpha1.MemberClusterStatus{Revision: had, Conditions: connected(metav1.ConditionTrue)}, told: &Assignment{Revision: "new", Since: lately},
			want: rollout.Member{Revision: "new", Since: lately, State: rollout.Progressing},
		},
		"its revision is of another platform": {
			status: v1alpha1.MemberClusterStatus{Revision: &v1alpha1.RevisionStatus{Name: "foreign"}},
			want:   rollout.Member{State: rollout.Progressing},
		},
		"away": {
			status: v1alpha1.MemberClusterStatus{Conditions: connected(metav1.ConditionFalse)}, outcome: away,
			want: rollout.Member{State: rollout.Progressing, ReachabilitySince: before},
		},
		"lost just now": {
			status: v1alpha1.MemberClusterStatus{Conditions: connected(metav1.ConditionTrue)}, outcome: away,
			want: rollout.Member{State: rollout.Progressing},
		},
		"back just now, so not late": {
			status: v1alpha1.MemberClusterStatus{Revision: had, Conditions: connected(metav1.ConditionFalse)}, told: &Assignment{Revision: "kept"}, outcome: fine,
			want: rollout.Member{Revision: "kept", Since: before, WasReady: true, State: rollout.Ready, Reachable: true, ReachabilitySince: noon},
		},
		"refused for what it is": {
			status:  v1alpha1.MemberClusterStatus{Conditions: connected(metav1.ConditionTrue)},
			outcome: &observed.Outcome{Err: &observed.Failure{Terminal: true, Message: "m"}},
			want:    rollout.Member{State: rollout.Progressing, ReachabilitySince: created},
		},
		"another platform's": {
			status: v1alpha1.MemberClusterStatus{Conditions: connected(metav1.ConditionTrue)}, outcome: fine, other: true,
			want: rollout.Member{State: rollout.Progressing, ReachabilitySince: created},
		},
		"suspended before it was given anything": {
			told: &Assignment{Suspended: true}, outcome: &observed.Outcome{Err: &observed.Failure{Message: "m"}},
			want: rollout.Member{State: rollout.Progressing, Message: "m", Reachable: true, ReachabilitySince: noon},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, interceptor.Funcs{})
			b.platforms.revisions.known["kept"] = &revision{platform: "u"}
			b.platforms.revisions.known["foreign"] = &revision{platform: "o"}
			p, object := platformNamed("p", "u"), memberNamed("m")
			object.Status = c.status
			m, owner := b.fleet.get("m"), p
			if c.other {
				owner = platformNamed("other", "o")
				b.fleet.Assign("m", claim(owner, "foreign"))
			}
			if c.told != nil {
				c.told.Platform = p
				b.fleet.Assign("m", c.told)
			}
			if c.outcome != nil {
				b.fleet.store(m, c.outcome, c.told, owner.UID)
			}
			c.want.Name = "m"
			if diff := cmp.Diff(c.want, b.platforms.standing(p, object)); diff != "" {
				t.Errorf("standing (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatAPlatformSeesOfItsClusters(t *testing.T) {
	t.Parallel()
	b := newBench(t, interceptor.Funcs{})
	p, other := platformNamed("p", "u"), platformNamed("other", "o")
	names := []string{"bare", "current", "foreign", "lost", "new", "told"}
	members := make([]v1alpha1.MemberCluster, 0, len(names))
	for _, name := range names {
		members = append(members, *memberNamed(name))
	}
	away := &observed.Failure{Reason: "Timeout"}
	visited := map[string]*observed.Outcome{
		"bare": {}, "current": {Objects: 1}, "foreign": {Objects: 2}, "told": {Objects: 3}, "lost": {Unreachable: true, Err: away},
	}
	for _, name := range []string{"current", "foreign", "told", "lost"} {
		b.fleet.Assign(name, claim(p, "r"))
	}
	b.fleet.Assign("foreign", claim(other, "r"))
	for name, o := range visited {
		owner, m := p, b.fleet.get(name)
		if name == "foreign" {
			owner = other
		}
		o.Cluster = name
		b.fleet.store(m, o, b.fleet.assignmentOf(m, owner.UID), owner.UID)
	}
	b.fleet.Assign("told", claim(p, "r2"))
	b.fleet.Assign("lost", claim(p, "r2"))
	got, pending := b.platforms.outcomes(p, members)
	want := []observed.Outcome{
		{Cluster: "bare", Waiting: "it has nothing of this platform until its turn comes"},
		{Cluster: "current", Objects: 1},
		{Cluster: "foreign", Err: ownedByOther("foreign", "other")},
		{Cluster: "lost", Unreachable: true, Err: away},
		{Cluster: "new", Unreachable: true, Err: &observed.Failure{Reason: v1alpha1.ReasonConnecting, Message: "it has not been reached yet"}},
		{Cluster: "told", Objects: 3},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if pending != 2 {
		t.Errorf("%d are pending, want the one that is new and the one that was told", pending)
	}
}
