package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/estate"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/publish"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// scene is a stage whose estate reads a ledger that the test writes.
type scene struct {
	*stage
	sink    tail.Sink
	version int
}

// settling is how long a ledger must stand before a report is about it.
const settling = 300 * time.Millisecond

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{stage: newStage(t)}
	sinks := make(chan tail.Sink, 1)
	s.estate = estate.New(estate.Options{
		Clock: s.clock, Changed: s.wake, Rediscover: func() {},
		Follow: func(ctx context.Context, o tail.Options) {
			sinks <- o.Sink
			<-ctx.Done()
		},
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.estate.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	s.sink = <-sinks
	return s
}

// enter writes an empty ledger with another resource version.
func (s *scene) enter() {
	s.t.Helper()
	raw, err := ledger.New("platform", "uid").Encode()
	if err != nil {
		s.t.Fatal(err)
	}
	s.version++
	cm, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": fmt.Sprint(s.version)}, "data": map[string]string{ledger.Key: raw},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.sink.Begin()
	s.sink.Object(cm)
	s.sink.End()
}

// stored is the ledger that the TLSAgent tells of.
func (s *scene) stored() string {
	s.t.Helper()
	var object v1alpha1.TLSAgent
	if err := s.client.Get(s.t.Context(), client.ObjectKey{Name: v1alpha1.AgentName}, &object); err != nil {
		s.t.Fatal(err)
	}
	if object.Status.Estate == nil {
		return ""
	}
	return object.Status.Estate.Ledger
}

func TestNewsOfTheEstateDoNotWaitForTheRest(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.leading.Store(true)
	s.want("while all is read for the first time", s.after(0), "report default")
	s.enter()
	s.want("at first", s.after(0))
	s.want("when it settled", s.after(settling), "report default")
	if got := s.stored(); got != "1" {
		t.Errorf("the report is about ledger %q", got)
	}
	s.reads(tail.Reading)
	s.after(lookInterval)
	s.after(settled)
	s.after(publish.StatusInterval)
	if got := s.stored(); got != "1" {
		t.Errorf("after the report of the rest, it is about ledger %q", got)
	}
	s.want("at rest", append(s.after(time.Minute), s.after(time.Minute)...))
	s.enter()
	s.after(0)
	s.want("another ledger", s.after(settling), "report default")
	if got := s.stored(); got != "2" {
		t.Errorf("the report is about ledger %q", got)
	}
	s.want("and no more", append(s.after(time.Minute), s.after(time.Minute)...))
}

func TestNewsOfTheEstateAreBounded(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.leading.Store(true)
	s.reads(tail.Reading)
	s.after(0)
	s.after(settled)
	s.after(time.Minute)
	writes := 0
	for range 100 {
		s.enter()
		s.after(0)
		writes += len(s.after(settling)) // 30 s in all
	}
	if most := publish.StatusBurst + 30*publish.StatusesPerSecond + 1; writes < 50 || writes > most {
		t.Errorf("%d writes, want at most %d", writes, most)
	}
	s.after(time.Second)
	if got := s.stored(); got != "100" {
		t.Errorf("in the end, the report is about ledger %q", got)
	}
}

func TestNewsOfTheEstateAreTheLeadersToTell(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.reads(tail.Reading)
	s.enter()
	s.after(0)
	s.want("while another leads", s.after(settling))
	s.leading.Store(true)
	if got := s.after(0); !slices.Contains(got, "report default") || s.stored() != "1" {
		t.Errorf("when it leads: %q, about ledger %q", got, s.stored())
	}
	s.after(settled)
	s.after(time.Minute)
	s.leading.Store(false)
	s.after(0)
	var object v1alpha1.TLSAgent
	if err := s.client.Get(t.Context(), client.ObjectKey{Name: v1alpha1.AgentName}, &object); err != nil {
		t.Fatal(err)
	}
	object.Status.Estate = nil
	if err := s.client.Status().Update(t.Context(), &object); err != nil {
		t.Fatal(err)
	}
	s.leading.Store(true)
	s.after(0)
	if got := s.stored(); got != "1" {
		t.Errorf("what another leader wrote stands: ledger %q", got)
	}
}

func TestSumsOfWorkloadsTellWhatTheHubWantsToKnow(t *testing.T) {
	t.Parallel()
	workload := func(change func(*appsv1.Deployment)) *appsv1.Deployment {
		d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{
			Namespace: "cert-manager", Name: "webhook", Labels: map[string]string{names.LabelAppName: "webhook", "app.kubernetes.io/version": "v1"},
		}}
		change(d)
		return d
	}
	base, counts := workloadSum(workload(func(*appsv1.Deployment) {}))
	if !counts {
		t.Error("the webhook does not count")
	}
	if _, counts := workloadSum(workload(func(d *appsv1.Deployment) { d.Labels[names.LabelAppName] = "shop" })); counts {
		t.Error("any workload counts")
	}
	for name, tt := range map[string]struct {
		change  func(*appsv1.Deployment)
		differs bool
	}{
		"another version": {func(d *appsv1.Deployment) { d.Labels["app.kubernetes.io/version"] = "v2" }, true},
		"another owner":   {func(d *appsv1.Deployment) { d.Labels[names.LabelPlatform] = "p" }, true},
		"a Helm release":  {func(d *appsv1.Deployment) { d.Annotations = map[string]string{"meta.helm.sh/release-name": "r"} }, true},
		"that it is ready": {func(d *appsv1.Deployment) {
			d.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue}}
		}, true},
		"its replicas": {func(d *appsv1.Deployment) { d.Status.ReadyReplicas, d.ResourceVersion, d.Generation = 3, "9", 9 }, false},
	} {
		if sum, _ := workloadSum(workload(tt.change)); (sum != base) != tt.differs {
			t.Errorf("%s: differs %t", name, sum != base)
		}
	}
}

func TestSumsOfDefinitionsTellWhatTheHubWantsToKnow(t *testing.T) {
	t.Parallel()
	definition := func(change func(*apiextensionsv1.CustomResourceDefinition)) uint64 {
		d := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: "a.b", UID: "u", Generation: 1}}
		change(d)
		sum, _ := definitionSum(d)
		return sum
	}
	same := definition(func(*apiextensionsv1.CustomResourceDefinition) {})
	got := map[string]bool{}
	for name, change := range map[string]func(*apiextensionsv1.CustomResourceDefinition){
		"generation": func(d *apiextensionsv1.CustomResourceDefinition) { d.Generation++ },
		"stored":     func(d *apiextensionsv1.CustomResourceDefinition) { d.Status.StoredVersions = []string{"v1"} },
		"revision": func(d *apiextensionsv1.CustomResourceDefinition) {
			d.Annotations = map[string]string{names.AnnotationSchemaRevision: "2"}
		},
		"established": func(d *apiextensionsv1.CustomResourceDefinition) {
			d.Status.Conditions = []apiextensionsv1.CustomResourceDefinitionCondition{{Type: apiextensionsv1.Established, Status: apiextensionsv1.ConditionTrue}}
		},
		"made again": func(d *apiextensionsv1.CustomResourceDefinition) { d.UID = types.UID("v") },
		"version":    func(d *apiextensionsv1.CustomResourceDefinition) { d.ResourceVersion = "7" },
	} {
		got[name] = definition(change) != same
	}
	want := map[string]bool{"generation": true, "stored": true, "revision": true, "established": true, "made again": true, "version": false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
}
