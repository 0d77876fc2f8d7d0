package cli

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/preview"
)

// sampleDiff is the preview of an adoption, with something of everything.
func sampleDiff() *estateDiff {
	plan := &desired.Plan{Parts: []desired.Part{
		{Name: desired.CertManager, Notes: []desired.Note{{Reason: "KubernetesUntested", Message: "cert-manager v1.21.2 declares Kubernetes 1.33 to 1.36, the cluster runs v1.37.2: it is installed all the same"}}},
		{Name: desired.TrustManager, Hold: &desired.Hold{Reason: v1alpha1.ReasonExistingInstall, Message: "found trust-manager v0.20.0 of plain manifests in namespace cert-manager. Nothing was changed. Choose: (1) take it over: set spec.components.trustManager.adopt: true; (2) leave it alone: set spec.components.trustManager.state: Observed; (3) remove it yourself"}},
		{Name: desired.Issuers, Problems: []desired.Note{{Reason: v1alpha1.ReasonInvalidSpec, Message: "issuer vault has no server"}}},
		{Name: desired.Trust, External: &desired.External{Reason: v1alpha1.ReasonObserved, Message: "it is observed"}},
		{Name: desired.Monitoring, External: &desired.External{Optional: true, Reason: v1alpha1.ReasonNotInstalled, Message: "nobody asked for it"}},
	}}
	e := &estate{cluster: "prod-eu-2", facts: observed.Cluster{KubernetesVersion: "v1.37.2"}, plan: plan}
	ref := func(group, kind, namespace, name string) desired.Ref {
		return desired.Ref{Group: group, Kind: kind, Namespace: namespace, Name: name}
	}
	return newEstateDiff("main", e, []string{"as if spec.components.certManager had state: Managed, adopt: true"}, []preview.Change{
		{
			Object: ref("", "Namespace", "", "cert-manager"), Part: desired.CertManager, Action: preview.Create,
			Diff: "--- /dev/null\n+++ after/Namespace/cert-manager\n@@ -0,0 +1,4 @@\n+apiVersion: v1\n+kind: Namespace\n+metadata:\n+  name: cert-manager\n",
		},
		{
			Object: ref("apiextensions.k8s.io", "CustomResourceDefinition", "", "certificates.cert-manager.io"), Part: desired.CertManager,
			Action: preview.Update, Owner: "Helm release infra/cm", Managers: []string{"helm"}, Note: "schema of v1: 1 added (spec.signatureAlgorithm)",
			Diff: "--- live/CustomResourceDefinition.apiextensions.k8s.io/certificates.cert-manager.io\n+++ after/CustomResourceDefinition.apiextensions.k8s.io/certificates.cert-manager.io\n@@ -1,2 +1,2 @@\n   - name: v1\n-    schema: (90 fields, 0ce758aa)\n+    schema: (91 fields, 0ecc8c91)\n",
		},
		{
			Object: ref("", "ServiceAccount", "cert-manager", "cert-manager"), Part: desired.CertManager, Action: preview.Create,
			Unchecked: "namespace cert-manager does not exist yet", Diff: "--- /dev/null\n+++ after/ServiceAccount/cert-manager/cert-manager\n@@ -0,0 +1,1 @@\n+kind: ServiceAccount\n",
		},
		{
			Object: ref("apps", "Deployment", "cert-manager", "cert-manager"), Part: desired.CertManager, Action: preview.Refused,
			Owner: "plain", Note: "Deployment.apps \"cert-manager\" is invalid: spec.selector: Invalid value: field is immutable",
		},
		{
			Object: ref("cert-manager.io", "ClusterIssuer", "", "web"), Part: desired.Issuers, Action: preview.Conflict, Owner: "OLM team.v1",
			Managers: []string{"team"}, Note: "it exists and is not the platform's (managed by team): it would be left alone",
		},
		{Object: ref("cert-manager.io", "ClusterIssuer", "", "same"), Part: desired.Issuers, Action: preview.Unchanged, Owner: "TLSPlatform main"},
		{Object: ref("", "ConfigMap", "cert-manager", "old"), Part: desired.Issuers, Action: preview.Prune, Owner: "TLSPlatform main"},
		{Object: ref("", "Namespace", "", "old"), Part: desired.Issuers, Action: preview.Keep, Owner: "TLSPlatform main", Note: "namespaces are never deleted: they may hold issued certificates"},
		{Object: ref("", "ConfigMap", "cert-manager", "hidden"), Part: desired.Trust, Action: preview.Unknown, Note: "you lack a right that this takes: \x1b[31mforbidden"},
	})
}

func TestPrintDiff(t *testing.T) {
	t.Parallel()
	for name, as := range map[string]format{"diff.diff": formatDiff, "diff.summary": formatSummary, "diff.json": formatJSON} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			if err := printDiff(&b, sampleDiff(), as); err != nil {
				t.Fatal(err)
			}
			golden(t, name, b.String())
			if strings.Contains(b.String(), "\x1b") {
				t.Error("a control character of the cluster reaches the terminal")
			}
		})
	}
}

func TestDiffers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		actions []preview.Action
		want    bool
		summary string
	}{
		"nothing is declared":           {nil, false, "nothing is declared"},
		"everything is as it should be": {[]preview.Action{preview.Unchanged, preview.Keep}, false, "1 kept, 1 unchanged"},
		"something would be removed":    {[]preview.Action{preview.Unchanged, preview.Prune}, true, "1 to remove, 1 unchanged"},
		"something is not known":        {[]preview.Action{preview.Unknown}, true, "1 unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var changes []preview.Change
			for _, a := range c.actions {
				changes = append(changes, preview.Change{Action: a})
			}
			d := newEstateDiff("main", &estate{plan: &desired.Plan{}}, nil, changes)
			if d.differs() != c.want || d.summary() != c.summary {
				t.Errorf("got %v and %q, want %v and %q", d.differs(), d.summary(), c.want, c.summary)
			}
		})
	}
}

func TestRemarksTellOfARollback(t *testing.T) {
	t.Parallel()
	l := ledger.New("main", "uid")
	l.Releases[desired.CertManager] = ledger.ReleaseState{Failed: "k", FailedVersion: "v1.21.0"}
	plan := &desired.Plan{Parts: []desired.Part{{Name: desired.CertManager, Release: &desired.Release{Key: "k"}, Objects: []*unstructured.Unstructured{}}}}
	got := remarks(plan, l)
	if len(got) != 1 || got[0].State != remarkHeld || got[0].Reason != v1alpha1.ReasonRolledBack {
		t.Errorf("got %+v", got)
	}
}

func TestCleanLines(t *testing.T) {
	t.Parallel()
	const given, want = "a:\tb\n\x1b[2Jc:\u202ed\n", "a:\tb\n\ufffd[2Jc:\ufffdd\n"
	if got := cleanLines(given); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
