package component_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/component"
)

func facts(install observed.Install) *observed.Cluster {
	return &observed.Cluster{
		KubernetesVersion: "v1.35.1",
		Installs:          map[string]observed.Install{"cert-manager": install, "trust-manager": install},
	}
}

func withValues(values string) *v1alpha1.Component {
	return &v1alpha1.Component{Version: "v1.21.2", Values: &apiextensionsv1.JSON{Raw: []byte(values)}}
}

func TestRequestOfAPlainSpec(t *testing.T) {
	cluster := facts(observed.Install{})
	cluster.KubernetesVersion = "v1.35.1-gke.1245000"
	cluster.APIs = observed.APIs{
		{Group: "monitoring.coreos.com", Kind: "ServiceMonitor"}: {"v1"},
		{Group: "cert-manager.io", Kind: "Certificate"}:          {"v1"},
		{Group: "apps", Kind: "Deployment"}:                      {"v1"},
	}
	got, hold := component.Request(desired.CertManager, &v1alpha1.Component{Version: "v1.21.2"}, nil, cluster, component.Options{})
	if hold != nil {
		t.Fatalf("held: %s", hold.Message)
	}
	want := desired.ChartRequest{
		Component: desired.CertManager, Repository: "oci://quay.io/jetstack/charts/cert-manager", Version: "v1.21.2",
		ReleaseName: "cert-manager", Namespace: "cert-manager", KubeVersion: "v1.35.0",
		APIVersions: []string{"monitoring.coreos.com/v1", "monitoring.coreos.com/v1/ServiceMonitor"},
		Values: map[string]any{
			"crds":            map[string]any{"enabled": true, "keep": true},
			"startupapicheck": map[string]any{"enabled": false},
			"prometheus":      map[string]any{"servicemonitor": map[string]any{"enabled": false}},
			"global":          map[string]any{"leaderElection": map[string]any{"namespace": "cert-manager"}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request differs (-want +got):\n%s", diff)
	}
}

func TestKeyChangesWithWhatIsRenderedOnly(t *testing.T) {
	cluster := facts(observed.Install{})
	spec := &v1alpha1.Component{Version: "v1.21.2"}
	key := func() string {
		request, hold := component.Request(desired.CertManager, spec, nil, cluster, component.Options{})
		if hold != nil {
			t.Fatalf("held: %s", hold.Message)
		}
		return request.Key()
	}
	before := key()
	cluster.KubernetesVersion = "v1.35.9"
	cluster.APIs = observed.APIs{schema.GroupKind{Group: "cert-manager.io", Kind: "Certificate"}: {"v1"}}
	if key() != before {
		t.Error("a patch of the control plane and the component's own kinds make another key")
	}
	spec.Values = &apiextensionsv1.JSON{Raw: []byte(`{"replicaCount": 2}`)}
	if key() == before {
		t.Error("other values make no other key")
	}
}

func TestMirrorsReplaceTheBeginning(t *testing.T) {
	for name, c := range map[string]struct {
		repository string
		mirrors    []v1alpha1.RegistryMirror
		want       string
	}{
		"the first that matches is used": {
			mirrors: []v1alpha1.RegistryMirror{{Source: "quay.io", Mirror: "a.example.com/quay"}, {Source: "quay.io/jetstack", Mirror: "b.example.com"}},
			want:    "oci://a.example.com/quay/jetstack/charts/cert-manager"},
		"only at the boundary of a path": {
			mirrors: []v1alpha1.RegistryMirror{{Source: "quay.io/jet", Mirror: "a.example.com"}, {Source: "quay.i", Mirror: "b.example.com"}},
			want:    "oci://quay.io/jetstack/charts/cert-manager"},
		"a scheme and a slash at the end don't matter": {
			mirrors: []v1alpha1.RegistryMirror{{Source: "oci://quay.io/jetstack/", Mirror: "oci://a.example.com/"}},
			want:    "oci://a.example.com/charts/cert-manager"},
		"the whole repository": {
			mirrors: []v1alpha1.RegistryMirror{{Source: "quay.io/jetstack/charts/cert-manager", Mirror: "a.example.com/cm"}},
			want:    "oci://a.example.com/cm"},
		"a repository of the spec's own": {
			repository: "oci://corp.example.com/charts/cm",
			mirrors:    []v1alpha1.RegistryMirror{{Source: "quay.io", Mirror: "a.example.com"}},
			want:       "oci://corp.example.com/charts/cm"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := &v1alpha1.Component{Version: "v1.21.2", Chart: v1alpha1.ChartSource{Repository: c.repository}}
			got, hold := component.Request(desired.CertManager, spec, &v1alpha1.Registry{Mirrors: c.mirrors}, facts(observed.Install{}), component.Options{})
			if hold != nil || got.Repository != c.want {
				t.Errorf("got %q (%v), want %q", got.Repository, hold, c.want)
			}
		})
	}
}

func TestValuesOfTheUserWinWhereTheyMay(t *testing.T) {
	spec := withValues(`{"global": {"leaderElection": {"namespace": "kube-system"}, "logLevel": 1000000}, "crds": {"enabled": true}, "namespace": "cert-manager"}`)
	request, hold := component.Request(desired.CertManager, spec, nil, facts(observed.Install{}), component.Options{})
	if hold != nil {
		t.Fatalf("held: %s", hold.Message)
	}
	want := map[string]any{
		"crds":            map[string]any{"enabled": true, "keep": true},
		"startupapicheck": map[string]any{"enabled": false},
		"prometheus":      map[string]any{"servicemonitor": map[string]any{"enabled": false}},
		"global":          map[string]any{"leaderElection": map[string]any{"namespace": "kube-system"}, "logLevel": json.Number("1000000")},
		"namespace":       "cert-manager",
	}
	if diff := cmp.Diff(want, request.Values); diff != "" {
		t.Errorf("values differ (-want +got):\n%s", diff)
	}
}

func TestTrustManagerReadsInTheNamespaceOfCertManager(t *testing.T) {
	opts := component.Options{CertManagerNamespace: "pki"}
	request, hold := component.Request(desired.TrustManager, &v1alpha1.Component{Version: "v0.25.0"}, nil, facts(observed.Install{}), opts)
	if hold != nil {
		t.Fatalf("held: %s", hold.Message)
	}
	app, _ := request.Values["app"].(map[string]any)
	if diff := cmp.Diff(map[string]any{"namespace": "pki"}, app["trust"]); diff != "" {
		t.Errorf("app.trust differs (-want +got):\n%s", diff)
	}
}

func TestValuesThatFightWithThePlatformAreHeld(t *testing.T) {
	for name, c := range map[string]struct {
		component desired.PartName
		values    string
		parts     []string
	}{
		"no custom resource definitions": {desired.CertManager, `{"crds": {"enabled": false}}`,
			[]string{"spec.components.certManager.values", "crds.enabled: found false, expected true, because"}},
		"the chart's own check": {desired.CertManager, `{"startupapicheck": {"enabled": true}}`,
			[]string{"startupapicheck.enabled: found true, expected false"}},
		"both kinds of monitors": {desired.CertManager, `{"prometheus": {"servicemonitor": {"enabled": true}, "podmonitor": {"enabled": true}}}`,
			[]string{"prometheus.servicemonitor.enabled", "prometheus.podmonitor.enabled", "spec.observability.serviceMonitors"}},
		"another namespace": {desired.CertManager, `{"namespace": "elsewhere"}`,
			[]string{`namespace: found "elsewhere", expected "cert-manager"`}},
		"something else where an object belongs": {desired.CertManager, `{"crds": true}`,
			[]string{"crds: found a value that is no object"}},
		"no object at all": {desired.CertManager, `["a"]`, []string{"expected an object with the values of the chart"}},
		"another namespace for trust": {desired.TrustManager, `{"app": {"trust": {"namespace": "pki"}}}`,
			[]string{"spec.components.trustManager.values", `app.trust.namespace: found "pki", expected "cert-manager"`}},
		"a certificate made by Helm": {desired.TrustManager, `{"app": {"webhook": {"tls": {"helmCert": {"enabled": true}}}}}`,
			[]string{"app.webhook.tls.helmCert.enabled", "private key"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, hold := component.Request(c.component, withValues(c.values), nil, facts(observed.Install{}), component.Options{})
			expectHold(t, hold, v1alpha1.ReasonInvalidValues, c.parts...)
		})
	}
}

func expectHold(t *testing.T, hold *desired.Hold, reason string, parts ...string) {
	t.Helper()
	if hold == nil {
		t.Fatal("not held")
	}
	if hold.Reason != reason || !hold.Terminal {
		t.Errorf("reason %s, terminal %t, want %s, true", hold.Reason, hold.Terminal, reason)
	}
	for _, part := range parts {
		if !strings.Contains(hold.Message, part) {
			t.Errorf("message lacks %q: %s", part, hold.Message)
		}
	}
}

func TestUnknownComponentIsHeld(t *testing.T) {
	_, hold := component.Request("vault", &v1alpha1.Component{}, nil, facts(observed.Install{}), component.Options{})
	expectHold(t, hold, v1alpha1.ReasonInvalidSpec, `"vault"`, "[cert-manager trust-manager]")
}
