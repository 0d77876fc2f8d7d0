package controller

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

func TestWhatAsksForARun(t *testing.T) {
	t.Parallel()
	p := platformNamed("p", "u")
	fine := &observed.Outcome{}
	cases := map[string]struct {
		last  *observed.Outcome
		done  *Assignment
		dirty bool
		runAt time.Time
		want  bool
	}{
		"nothing at rest":                    {last: fine, done: claim(p, "r")},
		"nothing is known":                   {done: claim(p, "r"), want: true},
		"the cluster was away":               {last: &observed.Outcome{Unreachable: true}, done: claim(p, "r"), want: true},
		"the hub has done nothing there yet": {last: fine, want: true},
		"another revision":                   {last: fine, done: claim(p, "other"), want: true},
		"something changed":                  {last: fine, done: claim(p, "r"), dirty: true, want: true},
		"the time has come":                  {last: fine, done: claim(p, "r"), runAt: noon, want: true},
		"the time has not come":              {last: fine, done: claim(p, "r"), runAt: noon.Add(1)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, interceptor.Funcs{})
			v := b.visitOf(memberNamed("m"))
			v.cluster, v.done, v.runAt, v.dirty = &Cluster{}, c.done, c.runAt, c.dirty
			if got := v.due(claim(p, "r"), c.last); got != c.want {
				t.Errorf("due: %v, want %v", got, c.want)
			}
			if b.fleet.takeDirty(v.member) {
				t.Error("the run that is done is asked for again")
			}
		})
	}
}

func TestWhenAMemberIsVisitedAgain(t *testing.T) {
	t.Parallel()
	past, soon, later := noon.Add(-time.Second), noon.Add(5*time.Second), noon.Add(20*time.Second)
	cases := map[string]struct {
		outcome       observed.Outcome
		member        string
		runAt, beatAt time.Time
		failures      int
		least, most   time.Duration
	}{
		"for its heartbeat":                              {beatAt: later, least: 20 * time.Second, most: 20 * time.Second},
		"for a run before that":                          {beatAt: later, runAt: soon, least: 5 * time.Second, most: 5 * time.Second},
		"at once when the time of a run is over":         {beatAt: later, runAt: past, least: 1, most: time.Millisecond},
		"some time when nothing else asks for it":        {least: beat, most: beat},
		"not at once for a heartbeat that was not asked": {beatAt: past, least: beat, most: beat},
		"as refused, although a heartbeat is due":        {beatAt: past, runAt: later, least: 20 * time.Second, most: 20 * time.Second},
		"soon after the first failure": {
			outcome: observed.Outcome{Unreachable: true}, failures: 1, least: firstRetry / 2, most: 3 * firstRetry / 2,
		},
		"seldom after many failures": {
			outcome: observed.Outcome{Unreachable: true}, failures: 1000, least: lastRetry / 2, most: 3 * lastRetry / 2,
		},
		"soon where everything hangs on it": {
			outcome: observed.Outcome{Unreachable: true}, member: v1alpha1.LocalClusterName, failures: 1000,
			least: firstRetry / 2, most: 3 * firstRetry / 2,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.member == "" {
				c.member = "m"
			}
			v := newBench(t, interceptor.Funcs{}).visitOf(memberNamed(c.member))
			v.runAt, v.beatAt, v.failures = c.runAt, c.beatAt, c.failures
			if got := v.again(&c.outcome); got < c.least || got > c.most {
				t.Errorf("again after %s, want %s to %s", got, c.least, c.most)
			}
		})
	}
}

func TestWhatAVisitAtRestKeeps(t *testing.T) {
	t.Parallel()
	b := newBench(t, interceptor.Funcs{})
	p := platformNamed("p", "u")
	v := b.visitOf(memberNamed("m"))
	v.assignment = claim(p, "r")
	v.assignment.Waiting = "its turn"
	v.cluster, v.done, v.dirty = &Cluster{}, claim(p, "r"), false
	last := &observed.Outcome{
		Revision: "r", Objects: 7, Silent: "for hours", Agent: &v1alpha1.TLSAgentStatus{}, Facts: observed.Cluster{UID: "before"},
	}
	b.fleet.store(v.member, last, v.assignment, "u")
	got := v.act(t.Context(), &observed.Outcome{Facts: observed.Cluster{UID: "now"}})
	want := &observed.Outcome{Revision: "r", Objects: 7, Waiting: "its turn", Facts: observed.Cluster{UID: "now"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
	if last.Silent == "" || last.Agent == nil {
		t.Error("the last outcome, which is shared, was changed")
	}
}

func TestASuspendedMemberHasNoTimeToRun(t *testing.T) {
	t.Parallel()
	b := newBench(t, interceptor.Funcs{})
	v := b.visitOf(memberNamed("m"))
	v.assignment = claim(platformNamed("p", "u"), "r")
	v.assignment.Suspended = true
	v.runAt = noon.Add(-time.Second) // of the run before
	got := v.act(t.Context(), &observed.Outcome{})
	if got.Err == nil || got.Err.Reason != v1alpha1.ReasonSuspended {
		t.Errorf("outcome %+v", got)
	}
	if wait := v.again(got); wait < time.Second {
		t.Errorf("it is visited again after %s", wait)
	}
}

func TestAMemberOfNobodyIsNotRunAndNotMissed(t *testing.T) {
	t.Parallel()
	b := newBench(t, interceptor.Funcs{})
	v := b.visitOf(memberNamed("m"))
	v.done, v.runAt = claim(platformNamed("p", "u"), "r"), noon
	v.heard, v.beatAt = noon.Add(-time.Hour), noon.Add(time.Second)
	outcome := v.act(t.Context(), &observed.Outcome{})
	v.listen(t.Context(), outcome)
	if diff := cmp.Diff(&observed.Outcome{}, outcome); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
	if v.done != nil || !v.runAt.IsZero() {
		t.Error("a run is due")
	}

	v.assignment = claim(platformNamed("p", "u"), "r")
	if v.listen(t.Context(), outcome); outcome.Silent == "" {
		t.Error("the agent of a cluster that has a platform is not missed")
	}
}

func TestAStatusThatIsNotWrittenIsTriedAgainWithoutHaste(t *testing.T) {
	t.Parallel()
	object := memberNamed("m")
	b := newBench(t, interceptor.Funcs{
		SubResourcePatch: func(context.Context, client.Client, string, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
			return errors.New("refused")
		},
	}, object)
	b.members.Lane = laneSuspect
	_, err := b.members.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(object)})
	if err == nil {
		t.Fatal("no error, which would have it tried again")
	}
	for i, q := range b.lanes {
		if len(q.added) > 0 {
			t.Errorf("lane %d was woken besides: %v", i, q.added)
		}
	}
	if b.news != 1 {
		t.Errorf("platforms were told %d times of what was found, want once", b.news)
	}
}

func TestAClusterThatIsAwayStaysItsPlatforms(t *testing.T) {
	t.Parallel()
	object := memberNamed("m")
	object.Status.Platform = "p"
	b := newBench(t, interceptor.Funcs{}, object)
	b.members.Lane = laneSuspect
	got, err := b.members.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(object)})
	if err != nil || got.RequeueAfter <= 0 {
		t.Fatalf("result %v, error %v: it is never tried again", got, err)
	}
	if err := b.client.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		t.Fatal(err)
	}
	if object.Status.Platform != "p" {
		t.Errorf("platform %q", object.Status.Platform)
	}
	connected := object.Status.Conditions[0]
	if connected.Type != v1alpha1.ConditionConnected || connected.Status != metav1.ConditionFalse || connected.Reason != v1alpha1.ReasonCredentialMissing {
		t.Errorf("condition %+v", connected)
	}
	if !b.fleet.suspected(b.fleet.get("m")) || b.news != 1 {
		t.Errorf("suspect %v, news %d", b.fleet.suspected(b.fleet.get("m")), b.news)
	}
}
