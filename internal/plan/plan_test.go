package plan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func platform(change func(*v1alpha1.TLSPlatformSpec)) *v1alpha1.TLSPlatform {
	p := &v1alpha1.TLSPlatform{ObjectMeta: metav1.ObjectMeta{Name: "platform"}}
	p.Spec.Components.CertManager = &v1alpha1.Component{State: v1alpha1.ComponentManaged, Version: "v1.21.2", Namespace: "cert-manager"}
	p.Spec.Issuers = []v1alpha1.Issuer{{Name: "internal", Backends: []v1alpha1.IssuerBackend{{
		Name: "ca", CA: &v1alpha1.CABackend{Generate: &v1alpha1.GeneratedCA{CommonName: "CA"}},
	}}}}
	if change != nil {
		change(&p.Spec)
	}
	return p
}

func facts(installs map[string]observed.Install) *observed.Cluster {
	return &observed.Cluster{
		Name: "local", KubernetesVersion: "v1.37.2", Installs: installs,
		APIs: observed.APIs{
			schema.GroupKind{Group: "cert-manager.io", Kind: "ClusterIssuer"}: {"v1"},
		},
	}
}

func chartOf(kind string) map[desired.PartName]Chart {
	crd := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": "certificates.cert-manager.io"},
		"spec":     map[string]any{"versions": []any{map[string]any{"name": "v1"}}},
	}}
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": "cert-manager", "namespace": "cert-manager"}}}
	return map[desired.PartName]Chart{desired.CertManager: {Rendered: desired.RenderedChart{
		Name: "cert-manager", Version: "v1.21.2", Key: "k", Objects: []*unstructured.Unstructured{object, crd},
	}}}
}

func TestBuildLabelsAndOrdersEverything(t *testing.T) {
	t.Parallel()
	got, next := Build(Input{Platform: platform(nil), Facts: facts(nil), Charts: chartOf("Service"), Now: now})
	var order []desired.PartName
	for _, p := range got.Parts {
		order = append(order, p.Name)
		for _, o := range p.Objects {
			if o.GetLabels()[names.LabelPlatform] != "platform" || o.GetLabels()[names.LabelPart] != string(p.Name) {
				t.Errorf("%s has labels %v, so the watch would not see it", desired.RefOf(o), o.GetLabels())
			}
		}
	}
	if diff := cmp.Diff(desired.Order, order); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	if !slices.Equal(got.Part(desired.Issuers).DependsOn, []desired.PartName{desired.CertManager}) {
		t.Errorf("issuers depend on %v", got.Part(desired.Issuers).DependsOn)
	}
	if next != nil {
		t.Errorf("nothing changes by time alone, yet next = %v", next)
	}
	if kind := got.Part(desired.CertManager).Objects[0].GetKind(); kind != "Namespace" {
		t.Errorf("the first object is a %s, and nothing can be made without its Namespace", kind)
	}
}

func TestBuildIsPure(t *testing.T) {
	t.Parallel()
	in := Input{Platform: platform(nil), Facts: facts(nil), Charts: chartOf("Service"), Now: now}
	before := in.Platform.DeepCopy()
	a, _ := Build(in)
	b, _ := Build(in)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("equal inputs give other plans:\n%s", diff)
	}
	if diff := cmp.Diff(before, in.Platform); diff != "" {
		t.Errorf("Build changed its input:\n%s", diff)
	}
}

func TestComponentStates(t *testing.T) {
	t.Parallel()
	running := observed.Install{
		Owner: observed.OwnerHelm, Version: "v1.20.0", Namespace: "certs",
		Workloads: []observed.Workload{{Name: "certs/cert-manager", Available: true}},
	}
	broken := running
	broken.Workloads = []observed.Workload{{Name: "certs/cert-manager", Message: "no pods"}}
	cases := map[string]struct {
		component *v1alpha1.Component
		install   observed.Install
		want      desired.External
	}{
		"a component that nobody asked for may be missing": {
			nil, observed.Install{}, desired.External{Optional: true, Reason: v1alpha1.ReasonNotInstalled},
		},
		"a component that nobody asked for is used where it is": {
			nil, running, desired.External{Optional: true, Ready: true, Reason: v1alpha1.ReasonObserved, Version: "v1.20.0"},
		},
		"an observed component that is missing is a fault": {
			&v1alpha1.Component{State: v1alpha1.ComponentObserved}, observed.Install{}, desired.External{Reason: v1alpha1.ReasonNotInstalled},
		},
		"an observed component that is ill is told": {
			&v1alpha1.Component{State: v1alpha1.ComponentObserved}, broken, desired.External{Reason: v1alpha1.ReasonUnhealthy, Version: "v1.20.0"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := platform(func(s *v1alpha1.TLSPlatformSpec) { s.Components.CertManager = c.component })
			got, _ := Build(Input{Platform: p, Facts: facts(map[string]observed.Install{"cert-manager": c.install}), Now: now})
			part := got.Part(desired.CertManager)
			if part.External == nil {
				t.Fatal("the component is not external")
			}
			if part.External.Message == "" {
				t.Error("there is no message")
			}
			external := *part.External
			external.Message = ""
			if diff := cmp.Diff(c.want, external); diff != "" {
				t.Errorf("external (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAbsentOfSomebodyElseIsLeftAlone(t *testing.T) {
	t.Parallel()
	p := platform(func(s *v1alpha1.TLSPlatformSpec) { s.Components.CertManager.State = v1alpha1.ComponentAbsent })
	install := observed.Install{Owner: observed.OwnerHelm, Namespace: "certs"}
	got, _ := Build(Input{Platform: p, Facts: facts(map[string]observed.Install{"cert-manager": install}), Now: now})
	part := got.Part(desired.CertManager)
	if len(part.Objects) != 0 || part.Release != nil || part.Hold != nil {
		t.Errorf("an absent component plans %+v", part)
	}
	if len(part.Notes) != 1 || !strings.Contains(part.Notes[0].Message, "certs") {
		t.Errorf("notes = %v, want one that names where it runs", part.Notes)
	}
}

func TestIssuersFollowCertManager(t *testing.T) {
	t.Parallel()
	p := platform(func(s *v1alpha1.TLSPlatformSpec) { s.Components.CertManager = nil })
	install := observed.Install{Owner: observed.OwnerHelm, Namespace: "certs"}
	got, _ := Build(Input{Platform: p, Facts: facts(map[string]observed.Install{"cert-manager": install}), Now: now})
	for _, o := range got.Part(desired.Issuers).Objects {
		if o.GetKind() == "Certificate" && o.GetNamespace() != "certs" {
			t.Errorf("the CA is made in %s, and cert-manager looks for it in certs", o.GetNamespace())
		}
	}
}

func TestHeldChartHoldsThePart(t *testing.T) {
	t.Parallel()
	hold := &desired.Hold{Reason: v1alpha1.ReasonChartUnavailable, Message: "registry is down"}
	charts := map[desired.PartName]Chart{desired.CertManager: {Hold: hold}}
	got, _ := Build(Input{Platform: platform(nil), Facts: facts(nil), Charts: charts, Now: now})
	if part := got.Part(desired.CertManager); part.Hold != hold || len(part.Objects) != 0 {
		t.Errorf("part = %+v, want it held", part)
	}
	if len(got.Part(desired.Issuers).Objects) == 0 {
		t.Error("the rest of the estate is not planned")
	}
}

func TestTheAgentWaitsForNothing(t *testing.T) {
	t.Parallel()
	f := facts(nil)
	f.APIs[schema.GroupKind{Group: "tlsplatform.io", Kind: "TLSAgent"}] = []string{"v1alpha1"}
	f.APIs[schema.GroupKind{Group: "monitoring.coreos.com", Kind: "ServiceMonitor"}] = []string{"v1"}
	p := platform(func(s *v1alpha1.TLSPlatformSpec) {
		s.Components.CertManager = nil
		s.Observability = &v1alpha1.Observability{ServiceMonitors: &v1alpha1.MonitoringObjects{}}
	})
	cases := map[string]struct {
		image                      string
		agent, inventory, monitors bool
	}{
		"with an image":    {"example.com/operator:v1", true, true, true},
		"without an image": {"", false, true, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _ := Build(Input{Platform: p, Facts: f, Now: now, HubUID: "u", Namespace: "ns", AgentImage: c.image})
			agent, inventory := got.Part(desired.Agent), got.Part(desired.Inventory)
			if has := len(agent.Objects) > 0; has != c.agent || (agent.Hold == nil) != c.agent {
				t.Errorf("the agent has objects: %v, hold %v", has, agent.Hold)
			}
			if has := len(inventory.Objects) > 0; has != c.inventory {
				t.Errorf("a TLSAgent is planned: %v", has)
			}
			if has := len(got.Part(desired.Monitoring).Objects) > 0; has != c.monitors {
				t.Errorf("the agent is scraped: %v", has)
			}
			if len(agent.DependsOn)+len(inventory.DependsOn) > 0 {
				t.Errorf("they wait for %v and %v", agent.DependsOn, inventory.DependsOn)
			}
			if agent.Identity != desired.IdentityInstaller || inventory.Identity != desired.IdentityHub {
				t.Errorf("they are written under %q and %q", agent.Identity, inventory.Identity)
			}
		})
	}
}
