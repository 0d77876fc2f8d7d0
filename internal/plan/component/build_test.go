package component_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/component"
)

func object(apiVersion, kind, name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": name},
	}}
}

func crd(name string, versions ...string) *unstructured.Unstructured {
	o := object("apiextensions.k8s.io/v1", "CustomResourceDefinition", name)
	var declared []any
	for _, version := range versions {
		declared = append(declared, map[string]any{"name": version})
	}
	o.Object["spec"] = map[string]any{"versions": declared}
	return o
}

func rendered(extra ...*unstructured.Unstructured) desired.RenderedChart {
	return desired.RenderedChart{
		Name: "cert-manager", Version: "v1.21.2", Digest: "sha256:1", Key: "k", KubeVersionRange: ">= 1.22.0-0",
		Objects: append([]*unstructured.Unstructured{
			object("v1", "ServiceAccount", "a"), crd("certificates.cert-manager.io", "v1"), crd("bundles.trust.cert-manager.io", "v1alpha1"),
		}, extra...),
	}
}

func helm() observed.Install {
	return observed.Install{
		Owner: observed.OwnerHelm, Version: "v1.20.0", Namespace: "cert-manager", Release: "cm",
		Evidence: []string{"Deployment cert-manager/cm-cert-manager"},
	}
}

func TestExistingInstallsAreHeldBeforeAnythingIsPulledAndAfter(t *testing.T) {
	elsewhere, olm, plain, leftover, ours := helm(), helm(), helm(), helm(), helm()
	elsewhere.Namespace = "pki"
	olm.Owner, olm.Release = observed.OwnerOLM, "cert-manager.v1.20.0"
	plain.Owner, plain.Release = observed.OwnerPlain, ""
	leftover.Owner, leftover.Release, leftover.Namespace, leftover.Version = observed.OwnerPlain, "", "", ""
	leftover.Evidence = []string{"CustomResourceDefinition certificates.cert-manager.io"}
	ours.Owner, ours.Namespace = observed.OwnerPlatform, "pki"
	for name, c := range map[string]struct {
		install observed.Install
		adopt   bool
		reason  string
		parts   []string
		lacks   string
	}{
		"a Helm release": {install: helm(), reason: v1alpha1.ReasonExistingInstall, parts: []string{
			"found cert-manager v1.20.0 of the Helm release cm in namespace cert-manager: Deployment cert-manager/cm-cert-manager",
			"(1) take it over: set spec.components.certManager.adopt: true;",
			"(2) leave it alone: set spec.components.certManager.state: Observed",
			"(3) remove it yourself (helm -n cert-manager uninstall cm)"}},
		"a Helm release elsewhere": {install: elsewhere, reason: v1alpha1.ReasonExistingInstall, parts: []string{
			"adopt: true and namespace: pki"}},
		"a Helm release elsewhere, adopted without its namespace": {install: elsewhere, adopt: true,
			reason: v1alpha1.ReasonExistingInstall, parts: []string{
				"adopting keeps the namespace", "the spec asks for cert-manager", "Set spec.components.certManager.namespace: pki"}},
		"plain manifests": {install: plain, reason: v1alpha1.ReasonExistingInstall, parts: []string{
			"of plain manifests in namespace cert-manager", "(3) remove it yourself"}, lacks: "helm"},
		"nothing but definitions": {install: leftover, reason: v1alpha1.ReasonExistingInstall, parts: []string{
			"of plain manifests (only custom resource definitions): CustomResourceDefinition certificates.cert-manager.io"}},
		"an install of OLM": {install: olm, reason: v1alpha1.ReasonExistingInstall, parts: []string{
			"of the ClusterServiceVersion cert-manager.v1.20.0", "state: Observed", "Subscription"}, lacks: "adopt: true"},
		"an install of OLM, although adopt is set": {install: olm, adopt: true, reason: v1alpha1.ReasonExistingInstall, parts: []string{
			"can't be adopted"}},
		"our own in another namespace": {install: ours, reason: v1alpha1.ReasonInvalidSpec, parts: []string{
			"runs in namespace pki, the spec asks for cert-manager", "namespace: pki"}},
	} {
		t.Run(name, func(t *testing.T) {
			spec := &v1alpha1.Component{Version: "v1.21.2", Adopt: c.adopt}
			_, hold := component.Request(desired.CertManager, spec, nil, facts(c.install), component.Options{})
			expectHold(t, hold, c.reason, c.parts...)
			if c.lacks != "" && strings.Contains(hold.Message, c.lacks) {
				t.Errorf("message offers %q: %s", c.lacks, hold.Message)
			}
			part := component.Build(desired.CertManager, spec, rendered(), facts(c.install), component.Options{})
			if diff := cmp.Diff(hold, part.Hold); diff != "" || len(part.Objects) > 0 {
				t.Errorf("the part has %d objects and another hold (-request +build):\n%s", len(part.Objects), diff)
			}
		})
	}
}

func TestDowngradeIsRefused(t *testing.T) {
	install := helm()
	install.Owner = observed.OwnerPlatform
	for name, c := range map[string]struct {
		running, wanted string
		refused         bool
	}{
		"an older minor version":                 {"v1.21.2", "v1.20.9", true},
		"an older patch":                         {"v1.21.2", "v1.21.1", true},
		"a candidate of what runs":               {"v1.21.2", "v1.21.2-rc.1", true},
		"the same version, written without v":    {"1.21.2", "v1.21.2", false},
		"a newer version, ten being more than 9": {"v1.9.0", "v1.10.0", false},
		"a version that can't be read":           {"latest", "v1.21.2", false},
	} {
		t.Run(name, func(t *testing.T) {
			install.Version = c.running
			_, hold := component.Request(desired.CertManager, &v1alpha1.Component{Version: c.wanted}, nil, facts(install), component.Options{})
			if !c.refused {
				if hold != nil {
					t.Fatalf("held: %s", hold.Message)
				}
				return
			}
			expectHold(t, hold, v1alpha1.ReasonDowngradeRefused, c.running+" runs", "older "+c.wanted, "spec.components.certManager.version")
		})
	}
}

func TestStoredVersionsMustStayKnown(t *testing.T) {
	install := helm()
	install.Owner = observed.OwnerPlatform
	spec := &v1alpha1.Component{Version: "v1.21.2"}
	install.StoredVersions = map[string][]string{"certificates.cert-manager.io": {"v1"}, "unrelated.example.com": {"v1beta1"}}
	if part := component.Build(desired.CertManager, spec, rendered(), facts(install), component.Options{}); part.Hold != nil {
		t.Fatalf("held: %s", part.Hold.Message)
	}
	install.StoredVersions["certificates.cert-manager.io"] = []string{"v1alpha2", "v1"}
	part := component.Build(desired.CertManager, spec, rendered(), facts(install), component.Options{})
	expectHold(t, part.Hold, v1alpha1.ReasonStoredVersion,
		"certificates.cert-manager.io has objects stored as v1alpha2, and the chart only knows v1", "status.storedVersions")
}

func TestAnotherChartIsNotTakenForTheComponent(t *testing.T) {
	other := rendered()
	other.Name, other.Objects = "podinfo", []*unstructured.Unstructured{object("v1", "Service", "podinfo")}
	part := component.Build(desired.CertManager, &v1alpha1.Component{Version: "v1.21.2"}, other, facts(observed.Install{}), component.Options{})
	expectHold(t, part.Hold, v1alpha1.ReasonInvalidSpec, "chart podinfo", "certificates.cert-manager.io", "chart.repository")
}

func TestAdoptedHelmReleaseKeepsItsNameAndSaysWhatStays(t *testing.T) {
	spec := &v1alpha1.Component{Version: "v1.21.2", Adopt: true}
	request, hold := component.Request(desired.CertManager, spec, nil, facts(helm()), component.Options{})
	if hold != nil || request.ReleaseName != "cm" {
		t.Errorf("release %q, hold %v, want cm", request.ReleaseName, hold)
	}
	part := component.Build(desired.CertManager, spec, rendered(), facts(helm()), component.Options{})
	if part.Hold != nil || !part.Adopt {
		t.Fatalf("adopt %t, hold %v", part.Adopt, part.Hold)
	}
	expectNotes(t, part.Notes, map[string][]string{
		v1alpha1.ReasonRetained: {"sh.helm.release.v1.cm.v*", "helm upgrade", "kubectl -n cert-manager delete secret -l owner=helm,name=cm"},
	})
	after := helm()
	after.Owner = observed.OwnerPlatform
	request, hold = component.Request(desired.CertManager, spec, nil, facts(after), component.Options{})
	if hold != nil || request.ReleaseName != "cm" {
		t.Errorf("after the adoption: release %q, hold %v, want cm", request.ReleaseName, hold)
	}
}

func expectNotes(t *testing.T, notes []desired.Note, want map[string][]string) {
	t.Helper()
	got := map[string]string{}
	for _, note := range notes {
		got[note.Reason] = note.Message
	}
	if len(got) != len(want) {
		t.Errorf("notes %v, want the reasons of %v", got, want)
	}
	for reason, parts := range want {
		for _, part := range parts {
			if !strings.Contains(got[reason], part) {
				t.Errorf("note %s lacks %q: %s", reason, part, got[reason])
			}
		}
	}
}

func TestVersionsOutsideOfWhatIsDeclaredAreNotedOnly(t *testing.T) {
	for name, c := range map[string]struct {
		kubernetes, version, chartRange string
		parts                           []string
	}{
		"newer than declared":             {"v1.37.2", "v1.21.2", ">= 1.22.0-0", []string{"declares Kubernetes 1.33 to 1.36", "runs v1.37.2", "installed all the same"}},
		"older than declared":             {"v1.32.0", "v1.21.2", ">= 1.22.0-0", []string{"declares Kubernetes 1.33 to 1.36"}},
		"declared, with a vendor suffix":  {"v1.36.4-gke.1245000", "v1.21.2", ">= 1.22.0", nil},
		"refused by the chart itself":     {"v1.21.0", "v1.99.0", ">= 1.22.0-0", []string{"asks for Kubernetes >= 1.22.0-0", "runs v1.21.0"}},
		"a version that we know not of":   {"v1.37.2", "v1.99.0", ">= 1.22.0-0", nil},
		"a cluster that does not say its": {"", "v1.21.2", "", []string{"can't be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			chart, cluster := rendered(), facts(observed.Install{})
			chart.Version, chart.KubeVersionRange, cluster.KubernetesVersion = c.version, c.chartRange, c.kubernetes
			part := component.Build(desired.CertManager, &v1alpha1.Component{Version: c.version}, chart, cluster, component.Options{})
			if part.Hold != nil || len(part.Objects) == 0 {
				t.Fatalf("held: %v", part.Hold)
			}
			want := map[string][]string{}
			if c.parts != nil {
				want[component.ReasonKubernetesUntested] = c.parts
			}
			expectNotes(t, part.Notes, want)
		})
	}
}

func TestUnreadableVersionOfARunningInstallIsNoted(t *testing.T) {
	install := helm()
	install.Owner, install.Version = observed.OwnerPlatform, ""
	part := component.Build(desired.CertManager, &v1alpha1.Component{Version: "v1.21.2"}, rendered(), facts(install), component.Options{})
	expectNotes(t, part.Notes, map[string][]string{component.ReasonVersionUnknown: {"cert-manager", "a downgrade was not ruled out"}})
}

func TestNamespaceBelongsToOnePart(t *testing.T) {
	for name, c := range map[string]struct {
		component desired.PartName
		namespace string
		extra     []*unstructured.Unstructured
		want      int
	}{
		"cert-manager brings its own":                       {desired.CertManager, "pki", nil, 1},
		"trust-manager shares that of cert-manager":         {desired.TrustManager, "cert-manager", nil, 0},
		"trust-manager elsewhere brings its own":            {desired.TrustManager, "trust", nil, 1},
		"a chart that renders the namespace does not clash": {desired.CertManager, "pki", []*unstructured.Unstructured{object("v1", "Namespace", "pki")}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			chart := rendered(c.extra...)
			before := len(chart.Objects)
			spec := &v1alpha1.Component{Version: "v1.21.2", Namespace: c.namespace}
			part := component.Build(c.component, spec, chart, facts(observed.Install{}), component.Options{})
			count := 0
			for _, o := range part.Objects {
				if o.GetKind() == "Namespace" && o.GetName() == c.namespace {
					count++
				}
			}
			if count != c.want {
				t.Errorf("%d Namespace objects, want %d", count, c.want)
			}
			if c.want > 0 && part.Objects[0].GetKind() != "Namespace" {
				t.Errorf("the first object is %s", desired.RefOf(part.Objects[0]))
			}
			if len(chart.Objects) != before || chart.Objects[0].GetKind() != "ServiceAccount" {
				t.Error("the rendered chart was changed")
			}
			want := desired.Release{Version: "v1.21.2", Digest: "sha256:1", Key: "k", Namespace: c.namespace, KubeVersionRange: ">= 1.22.0-0"}
			if diff := cmp.Diff(want, *part.Release); diff != "" || part.Identity != desired.IdentityInstaller {
				t.Errorf("identity %s, release differs (-want +got):\n%s", part.Identity, diff)
			}
		})
	}
}
