package rollout_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/rollout"
)

// fleet is a model of a fleet that is told what to have. It keeps what the hub
// keeps, in the status of the clusters, and what the hub does not know.
type fleet struct {
	t       *testing.T
	random  *rand.Rand
	in      rollout.Input
	limit   int
	toldOff map[string]bool // told the target while it could not be reached
	unheard map[string]bool // not heard of since the hub was started
	changes int             // of the target
}

// trouble is how often what happens, in a thousand steps of a member, of the
// target (change), or of the hub (forget: it dies before all is written).
type trouble struct {
	fail, heal, lose, find, change, forget int
}

func newFleet(t *testing.T, seed uint64) *fleet {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, seed))
	f := &fleet{t: t, random: random, toldOff: map[string]bool{}, unheard: map[string]bool{}}
	size, limit := 1+random.IntN(14), 1+random.IntN(4)
	f.limit = limit
	f.in = rollout.Input{
		Target: "r1",
		Stable: "r0",
		Now:    start,
		Spec:   &rollout.Spec{MaxUnavailable: intstr.FromInt32(int32(limit)), Deadline: 10 * time.Minute},
	}
	if random.IntN(4) > 0 {
		f.in.Spec.Canary = labels.SelectorFromSet(labels.Set{"tier": "canary"})
	}
	for i := range size {
		m := rollout.Member{Name: fmt.Sprintf("c%02d", i), Revision: "r0", State: rollout.Ready, WasReady: true, Reachable: true, Since: start, ReachabilitySince: start}
		switch random.IntN(5) {
		case 0:
			m.Labels = map[string]string{"tier": "canary"}
		case 1:
			m.Revision, m.State, m.WasReady = "", "", false
		}
		f.in.Members = append(f.in.Members, m)
	}
	return f
}

func (f *fleet) chance(perMille int) bool { return f.random.IntN(1000) < perMille }

// live lets time pass: members get on with what they were told, or do not.
func (f *fleet) live(w trouble) {
	f.in.Now = f.in.Now.Add(time.Duration(f.random.IntN(120)) * time.Second)
	if f.chance(w.change) {
		f.changes++
		f.in.Target = fmt.Sprintf("r%d", f.random.IntN(2+f.changes))
		clear(f.toldOff)
	}
	for i := range f.in.Members {
		m := &f.in.Members[i]
		if f.chance(600) {
			delete(f.unheard, m.Name)
		}
		if m.Reachable && f.chance(w.lose) || !m.Reachable && f.chance(w.find) {
			m.Reachable, m.ReachabilitySince = !m.Reachable, f.in.Now
		}
		if !m.Reachable || m.Revision == "" {
			continue
		}
		switch {
		case m.State == rollout.Progressing && f.chance(w.fail):
			m.State = rollout.Failed
		case m.State == rollout.Ready && f.chance(w.fail/4):
			m.State = rollout.Progressing
		case m.State == rollout.Progressing && f.chance(700), m.State == rollout.Failed && f.chance(w.heal):
			m.State, m.WasReady = rollout.Ready, true
		}
	}
}

// view is what the hub knows of the fleet. Of what was healthy before it was
// started, it knows only what is in the status of the clusters.
func (f *fleet) view() rollout.Input {
	view := f.in
	view.Members = slices.Clone(f.in.Members)
	for i := range view.Members {
		if m := &view.Members[i]; f.unheard[m.Name] {
			m.Reachable, m.ReachabilitySince, m.State = false, time.Time{}, rollout.Progressing
		}
	}
	return view
}

// decide asks twice, with the members in another order, and checks what must
// always hold before anything is carried out.
func (f *fleet) decide() rollout.Decision {
	f.t.Helper()
	view := f.view()
	d := rollout.Decide(view)
	again := view
	again.Members = slices.Clone(view.Members)
	f.random.Shuffle(len(again.Members), func(i, j int) {
		again.Members[i], again.Members[j] = again.Members[j], again.Members[i]
	})
	if other := rollout.Decide(again); !reflect.DeepEqual(d, other) {
		f.t.Fatalf("the order of members changes the decision:\n%s", cmp.Diff(d, other))
	}
	f.check(d)
	return d
}

func (f *fleet) check(d rollout.Decision) {
	f.t.Helper()
	atWork, given := 0, 0
	canaryOpen, otherGiven := false, ""
	for _, m := range f.in.Members {
		canary := f.in.Spec.Canary != nil && f.in.Spec.Canary.Matches(labels.Set(m.Labels))
		revision, assigned := d.Assign[m.Name]
		if assigned && revision == m.Revision {
			f.t.Fatalf("%s is given what it has", m.Name)
		}
		target := assigned && revision == f.in.Target
		if target {
			given++
		}
		if target && !canary {
			otherGiven = m.Name
		}
		has := target || m.Revision == f.in.Target
		ready := m.Revision == f.in.Target && (m.State == rollout.Ready || m.WasReady && f.in.Target == f.in.Stable)
		if m.Reachable && has && !ready && !f.toldOff[m.Name] {
			atWork++
		}
		if canary && m.Reachable && !ready {
			canaryOpen = true
		}
	}
	if given > 0 && atWork > f.limit {
		f.t.Fatalf("%d members are at work, %d may be: %+v", atWork, f.limit, d)
	}
	if otherGiven != "" && canaryOpen {
		f.t.Fatalf("%s is given the target before all canaries are ready: %+v", otherGiven, d)
	}
	if d.Phase == v1alpha1.RolloutStopped && given > 0 {
		f.t.Fatalf("stopped, but goes on: %+v", d)
	}
	if (d.Phase == v1alpha1.RolloutStopped) != (len(d.Failed) > 0) {
		f.t.Fatalf("phase %s with failures %v", d.Phase, d.Failed)
	}
	if d.Next != nil && !d.Next.After(f.in.Now) {
		f.t.Fatalf("next is not to come: %s at %s", d.Next, f.in.Now)
	}
	if (d.Phase == v1alpha1.RolloutComplete) && (len(d.Waiting) > 0 || d.Stable != f.in.Target) {
		f.t.Fatalf("complete, but not through: %+v", d)
	}
}

// carryOut writes a decision down, as the hub does. A hub that is killed writes
// only some of it.
func (f *fleet) carryOut(d rollout.Decision, killed bool) {
	for i := range f.in.Members {
		m := &f.in.Members[i]
		revision, ok := d.Assign[m.Name]
		if !ok || killed && f.random.IntN(2) == 0 {
			continue
		}
		m.Revision, m.Since, m.State, m.WasReady = revision, f.in.Now, rollout.Progressing, false
		f.toldOff[m.Name] = !m.Reachable && revision == f.in.Target
	}
	if !killed {
		f.in.Stable = d.Stable
		return
	}
	for i := range f.in.Members {
		f.unheard[f.in.Members[i].Name] = true
	}
}

func TestInvariantsHoldWhateverHappens(t *testing.T) {
	t.Parallel()
	phases := map[v1alpha1.RolloutPhase]int{}
	for seed := range uint64(120) {
		f := newFleet(t, seed)
		w := trouble{fail: 60, heal: 80, lose: 40, find: 200, change: 20, forget: 200}
		for range 80 {
			f.live(w)
			d := f.decide()
			phases[d.Phase]++
			f.carryOut(d, f.chance(w.forget))
		}
	}
	for _, phase := range []v1alpha1.RolloutPhase{v1alpha1.RolloutProgressing, v1alpha1.RolloutComplete, v1alpha1.RolloutStopped} {
		if phases[phase] < 200 {
			t.Errorf("phase %s was seen %d times only: the simulation proves little", phase, phases[phase])
		}
	}
}

func TestRolloutConvergesWhenNothingFails(t *testing.T) {
	t.Parallel()
	for seed := range uint64(120) {
		f := newFleet(t, seed)
		// Members are lost and found, and hubs killed, but no change fails.
		w := trouble{lose: 30, find: 300, change: 50, forget: 300}
		for range 30 {
			f.live(w)
			f.carryOut(f.decide(), f.chance(w.forget))
		}
		for i := range f.in.Members {
			m := &f.in.Members[i]
			if !m.Reachable && i != 0 {
				m.Reachable, m.ReachabilitySince = true, f.in.Now
			}
		}
		var d rollout.Decision
		for range 100 {
			f.live(trouble{})
			d = f.decide()
			f.carryOut(d, false)
		}
		lost := !f.in.Members[0].Reachable && f.in.Members[0].Revision == f.in.Target
		if d.Phase != v1alpha1.RolloutComplete && !lost {
			t.Fatalf("seed %d: not complete after 100 steps: %+v\n%+v", seed, d, f.in)
		}
		for _, m := range f.in.Members {
			if d.Phase == v1alpha1.RolloutComplete && m.Reachable && m.Revision != f.in.Target {
				t.Fatalf("seed %d: %s has %s", seed, m.Name, m.Revision)
			}
		}
	}
}

func TestRestartedHubDecidesTheSame(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		f := newFleet(t, seed)
		for i := range f.in.Members {
			// A new member joins the queue once it was given the stable revision.
			f.in.Members[i].Revision = "r0"
		}
		for range 40 {
			f.live(trouble{fail: 30, heal: 100, lose: 30, find: 200, change: 20})
			// A hub that was killed after half of its writes goes on with the same
			// plan: nobody gets the target who would not have got it.
			d := f.decide()
			whole := d.Assign
			f.carryOut(d, true)
			clear(f.unheard)
			rest := f.decide()
			for name, revision := range rest.Assign {
				if whole[name] != revision {
					t.Fatalf("seed %d: after a restart %s gets %s, before it %q", seed, name, revision, whole[name])
				}
			}
			f.carryOut(rest, false)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	in := rollout.Input{Target: newRevision, Stable: oldRevision, Now: now, Spec: spec("5%")}
	for i := range 500 {
		in.Members = append(in.Members, member(fmt.Sprintf("c%03d", 499-i), oldRevision, rollout.Ready))
	}
	b.ReportAllocs()
	for b.Loop() {
		rollout.Decide(in)
	}
}
