package controller

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

func TestWhoIsWokenBeforeTheLanesAreThereIsVisited(t *testing.T) {
	t.Parallel()
	w, q := &waker{}, &recordingQueue{}
	w.wake("a")
	w.wake("b")
	if w.add(laneSuspect, "c", 0) {
		t.Error("a lane that is not there took a member")
	}
	if err := w.lane(laneSuspect)(t.Context(), &recordingQueue{}); err != nil {
		t.Fatal(err)
	}
	if err := w.lane(laneHealthy)(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	w.wake("d")
	if diff := cmp.Diff([]string{"a", "b", "d"}, q.added); diff != "" {
		t.Errorf("visited (-want +got):\n%s", diff)
	}
}

func TestAMemberIsVisitedInItsLane(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		lane    int
		suspect bool
		busy    bool
		want    ctrl.Result
		other   []string // what the other lane is given
	}{
		"a suspect leaves the healthy lane":            {lane: laneHealthy, suspect: true, other: []string{"m"}},
		"who answers leaves the lane of suspects":      {lane: laneSuspect, other: []string{"m"}},
		"who is being visited already is tried later":  {lane: laneHealthy, busy: true, want: ctrl.Result{RequeueAfter: busyWait}},
		"a suspect that is being visited is no better": {lane: laneSuspect, suspect: true, busy: true, want: ctrl.Result{RequeueAfter: busyWait}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object := memberNamed("m")
			b := newBench(t, interceptor.Funcs{}, object)
			m := b.fleet.get("m")
			b.fleet.setSuspect(m, c.suspect)
			if c.busy {
				m.visiting.Lock()
			}
			b.members.Lane = c.lane
			got, err := b.members.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(object)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.other, b.lanes[1-c.lane].added); diff != "" {
				t.Errorf("the other lane (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAMemberThatIsGoneIsForgotten(t *testing.T) {
	t.Parallel()
	b := newBench(t, interceptor.Funcs{})
	b.fleet.Assign("m", claim(platformNamed("p", "u"), "r"))
	request := ctrl.Request{}
	request.Name = "m"
	if got, err := b.members.Reconcile(t.Context(), request); err != nil || got.RequeueAfter != time.Duration(0) {
		t.Fatalf("result %v, error %v", got, err)
	}
	if b.fleet.Known("m", "u").Mine != nil || b.news != 1 {
		t.Error("it is still known")
	}
}
