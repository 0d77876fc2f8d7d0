package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/profile"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/publish"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// stage is a publication without a cluster, at a clock that stands still.
type stage struct {
	*publication
	t      *testing.T
	clock  *testclock.FakeClock
	client client.Client
	writes []string
	refuse error // of every write
}

func newStage(t *testing.T) *stage {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, clock: testclock.NewFakeClock(start)}
	note := func(verb string, o client.Object) error {
		if s.refuse != nil {
			return s.refuse
		}
		s.writes = append(s.writes, verb+" "+o.GetName())
		return nil
	}
	object := asked("1", 1, "test")
	s.client = interceptor.NewClient(fake.NewClientBuilder().WithScheme(scheme).WithObjects(object).
		WithStatusSubresource(object).Build(), interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			return then(note("create", o), func() error { return c.Create(ctx, o, opts...) })
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			return then(note("update", o), func() error { return c.Update(ctx, o, opts...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			return then(note("report", o), func() error { return c.SubResource(sub).Patch(ctx, o, patch, opts...) })
		},
	})
	s.start(object)
	return s
}

// then is err, or else what next returns.
func then(err error, next func() error) error {
	if err != nil {
		return err
	}
	return next()
}

// start starts an agent for a TLSAgent, as after a restart.
func (s *stage) start(object *v1alpha1.TLSAgent) {
	a := &Agent{
		Options: Options{
			Publisher: publish.New(publish.Options{Client: s.client, Namespace: "system", Agent: v1alpha1.AgentName}),
			Version:   "test", Clock: s.clock, Log: logr.Discard(),
		},
		clock: s.clock, parser: certificate.NewParser(), spaces: map[string]inventory.Origin{},
		signal: make(chan struct{}, 1), asked: make(chan *v1alpha1.TLSAgent, 1), closePrivate: func() {},
	}
	a.inv, a.profile = inventory.New(s.clock.Now, a.grace), profile.NewStore(a.wake)
	a.estate = a.newEstate()
	since, err := a.Publisher.Restore(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	a.inv.Restore(since)
	table, _ := reference.NewTable(nil)
	a.current.Store(&assignment{object, &session{Agent: a, table: table, cover: newCoverage(s.clock.Now)}, s.clock.Now()})
	s.publication = &publication{Agent: a}
	s.reads(tail.Waiting)
}

func (s *stage) reads(c tail.Condition) {
	s.current.Load().session.cover.report(scanner{resource: "secrets"}, tail.State{Condition: c})
}

// found puts a Secret into the inventory that holds nothing readable.
func (s *stage) found(name string) {
	bundle, trust := s.parser.Chain([]byte("no certificate"), nil)
	s.inv.Set(&inventory.Object{
		Place:   inventory.Place{Kind: inventory.KindSecret, Namespace: "shop", Name: name},
		Records: []inventory.Record{{Key: "tls.crt", Value: bundle, Trust: trust}}, Manager: inventory.ManagedByHand,
	}, originSecrets, 1)
}

// after takes a step when some time went by, and returns what it wrote.
func (s *stage) after(wait time.Duration) []string {
	s.clock.Step(wait)
	s.writes = nil
	if next := s.step(s.t.Context()); next <= 0 || next > idle {
		s.t.Errorf("the next step is in %s", next)
	}
	return s.writes
}

func (s *stage) want(when string, got []string, want ...string) {
	s.t.Helper()
	if !slices.Equal(got, want) {
		s.t.Fatalf("%s: wrote %q, want %q", when, got, want)
	}
}

const (
	firstPage = "inventory"
	settled   = publish.Gather + time.Millisecond
)

func TestOnlyALeaderWrites(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.found("a")
	s.reads(tail.Reading)
	s.want("while another leads", s.after(time.Minute))
	if !s.synced {
		t.Error("one that waits does not keep up")
	}
	s.leading.Store(true)
	s.want("when it is the first one's turn", s.after(0), "report default")
	s.want("after a moment for more", s.after(settled), "create "+firstPage)
	s.leading.Store(false)
	s.found("b")
	s.want("when the turn is over", s.after(time.Minute))
}

func TestNothingIsPublishedOfAFirstReading(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.leading.Store(true)
	s.found("a")
	s.want("the report says that it is under way", s.after(0), "report default")
	s.want("pages wait", s.after(time.Minute))
	var object v1alpha1.TLSAgent
	if err := s.client.Get(t.Context(), client.ObjectKey{Name: v1alpha1.AgentName}, &object); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]v1alpha1.Coverage{{Resource: "secrets", State: "Waiting"}}, object.Status.Coverage); diff != "" {
		t.Error(diff)
	}
	s.reads(tail.Reading)
	s.want("the report follows", s.after(time.Minute), "report default")
	s.want("and the pages", s.after(settled), "create "+firstPage)
	s.want("which the report counts", s.after(time.Minute), "report default")
	s.want("and no more", s.after(time.Minute))
}

func TestARestartIsSilent(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.leading.Store(true)
	s.found("a")
	s.reads(tail.Reading)
	s.after(0)
	s.want("the first agent publishes", s.after(settled), "create "+firstPage)
	s.want("and reports it", s.after(publish.StatusInterval), "report default")

	var object v1alpha1.TLSAgent
	if err := s.client.Get(t.Context(), client.ObjectKey{Name: v1alpha1.AgentName}, &object); err != nil {
		t.Fatal(err)
	}
	s.clock.Step(time.Hour)
	s.start(&object)
	s.leading.Store(true)
	s.want("the second reads", s.after(0))
	s.found("a")
	s.reads(tail.Reading)
	s.want("and finds the same", append(s.after(time.Second), s.after(settled)...))
	s.want("for good", append(s.after(publish.StatusInterval), s.after(time.Minute)...))

	s.start(&object)
	s.leading.Store(true)
	s.want("a third one is slow", append(s.after(0), s.after(silence)...))
	s.want("and says so in the end", s.after(time.Second), "report default")
}

func TestDriftIsRepaired(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.leading.Store(true)
	s.found("a")
	s.reads(tail.Reading)
	s.after(0)
	s.after(settled)
	s.after(publish.StatusInterval)
	page := &v1alpha1.CertificateSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: firstPage}}
	if err := s.client.Delete(t.Context(), page); err != nil {
		t.Fatal(err)
	}
	s.want("not at once", s.after(time.Minute))
	if got := append(s.after(verifyInterval), s.after(settled)...); !slices.Contains(got, "create "+firstPage) {
		t.Errorf("when it was looked at, %q was written", got)
	}
}

func TestWhatAnotherLeaderWroteIsLookedAtInTurn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.leading.Store(true)
	s.found("a")
	s.reads(tail.Reading)
	s.after(0)
	s.after(settled)
	s.after(publish.StatusInterval)
	s.leading.Store(false)
	s.after(time.Second)
	stray := &v1alpha1.CertificateSlice{ObjectMeta: metav1.ObjectMeta{
		Namespace: "system", Name: firstPage + "-0", Labels: map[string]string{names.LabelAgent: v1alpha1.AgentName},
	}}
	if err := s.client.Create(t.Context(), stray); err != nil {
		t.Fatal(err)
	}
	s.leading.Store(true)
	s.after(time.Second)
	s.after(settled)
	var list v1alpha1.CertificateSliceList
	if err := s.client.List(t.Context(), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 1 || list.Items[0].Name != firstPage {
		t.Errorf("%d pages are left", len(list.Items))
	}
}

func TestATLSAgentMadeAgainGetsItsReport(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.leading.Store(true)
	s.found("a")
	s.reads(tail.Reading)
	s.after(0)
	s.after(settled)
	s.after(publish.StatusInterval)
	s.want("when all is told", s.after(publish.StatusInterval))
	if err := s.client.Delete(t.Context(), asked("1", 1, "test")); err != nil {
		t.Fatal(err)
	}
	again := asked("2", 1, "test")
	if err := s.client.Create(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	s.take(t.Context(), s.publication, again)
	if got := append(s.after(0), s.after(lookInterval)...); !slices.Contains(got, "report default") {
		t.Errorf("wrote %q, and no report", got)
	}
}

func TestALongerGracePeriodIsPublished(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.leading.Store(true)
	s.grace(0)
	s.found("a")
	s.reads(tail.Reading)
	s.after(0)
	s.after(settled)
	s.after(publish.StatusInterval)
	s.grace(time.Hour)
	got := append(s.after(publish.StatusInterval), s.after(settled)...)
	s.want("the pages and the report", got, "report default", "update "+firstPage)
}

// grace asks for another grace period.
func (s *stage) grace(d time.Duration) {
	object := s.current.Load().object.DeepCopy()
	object.Spec.Inventory.OrphanGracePeriod = &metav1.Duration{Duration: d}
	s.take(s.t.Context(), s.publication, object)
}

func TestAFailureIsFollowedByARest(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.leading.Store(true)
	s.found("a")
	s.reads(tail.Reading)
	s.refuse = errors.New("no leader of etcd")
	s.after(0)
	s.refuse = nil
	s.want("too early", s.after(retry-time.Millisecond))
	s.want("pages after the rest", append(s.after(time.Millisecond), s.after(settled)...), "create "+firstPage)
	s.want("the report at its next look", s.after(lookInterval), "report default")
}

func TestReportsKeepTheirDistance(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.leading.Store(true)
	s.reads(tail.Reading)
	s.after(0)
	s.after(settled)
	s.after(publish.StatusInterval)
	reports := 0
	for i := range 100 {
		s.found(fmt.Sprintf("secret-%d", i))
		for _, w := range s.after(100 * time.Millisecond) {
			if w == "report default" {
				reports++
			}
		}
	}
	if most := int(10*time.Second/publish.StatusInterval) + 1; reports < 2 || reports > most {
		t.Errorf("%d reports in 10 s, want 2 to %d", reports, most)
	}
}
