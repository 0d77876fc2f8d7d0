package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

func explanationOf(t *testing.T, records []*v1alpha1.CertificateRecord, agent *v1alpha1.TLSAgent, as format) string {
	t.Helper()
	var b bytes.Buffer
	if err := printExplanation(&b, explain(records, agent, now), as, now); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestExplanationGoldens(t *testing.T) {
	t.Parallel()
	gaps := sampleAgent()
	gaps.Spec.Inventory.OrphanGracePeriod = &metav1.Duration{Duration: 30 * day}
	gaps.Status.Coverage = append(gaps.Status.Coverage, v1alpha1.Coverage{
		Resource: "ingresses.networking.k8s.io", State: "Forbidden", Message: "grant list and watch to the ServiceAccount tls-platform-agent",
	})
	web, authority := sample()[3], sample()[3]
	authority.Key, authority.Role, authority.Names, authority.NameCount, authority.Chain = "ca.crt", "Bundle", nil, 0, nil
	for name, c := range map[string]struct {
		records []*v1alpha1.CertificateRecord
		agent   *v1alpha1.TLSAgent
		as      format
	}{
		"why-used.text":       {sample()[3:4], sampleAgent(), formatText},
		"why-used.json":       {sample()[3:4], sampleAgent(), formatJSON},
		"why-used.yaml":       {sample()[3:4], sampleAgent(), formatYAML},
		"why-orphan.text":     {sample()[1:2], gaps, formatText},
		"why-unreadable.text": {sample()[2:3], nil, formatText},
		"why-bundle.text":     {sample()[:1], sampleAgent(), formatText},
		"why-webhook.text":    {sample()[4:], sampleAgent(), formatText},
		"why-two-keys.text":   {[]*v1alpha1.CertificateRecord{authority, web}, sampleAgent(), formatText},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name, explanationOf(t, c.records, c.agent, c.as))
		})
	}
}

func TestEveryFindingIsExplained(t *testing.T) {
	t.Parallel()
	for _, finding := range certificate.AllFindings() {
		a, ok := findingAdvice[finding]
		if !ok {
			t.Errorf("%s has no explanation", finding)
			continue
		}
		for _, text := range []string{a.meaning, a.action} {
			if !strings.HasSuffix(text, ".") || text[0] < 'A' || text[0] > 'Z' {
				t.Errorf("%s: %q is no sentence", finding, text)
			}
		}
	}
	if len(findingAdvice) != len(certificate.AllFindings()) {
		t.Errorf("%d findings are explained, %d exist", len(findingAdvice), len(certificate.AllFindings()))
	}
	if adviceFor("FromTheFuture") != unknownFinding {
		t.Error("an unknown finding is taken for a known one")
	}
}

func TestOrphanSentence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		record v1alpha1.CertificateRecord
		want   string
	}{
		"what is used is none": {
			v1alpha1.CertificateRecord{Use: "Used"}, "No. It is used.",
		},
		"the agent's reason is added": {
			v1alpha1.CertificateRecord{Use: "Exempt", UseReason: "Its annotation says ignore"},
			"No. It is exempt: it never counts as an orphan. Its annotation says ignore.",
		},
		"within the grace period the end of it is named": {
			v1alpha1.CertificateRecord{Use: "Unreferenced", UnreferencedSince: in(-day), Confidence: "Low"},
			"Not yet. Nothing is known to use it since 2026-11-23 12:00 UTC (24h). It counts as an orphan after 7d, " +
				"on 2026-11-30 12:00 UTC. Confidence is low.",
		},
		"without a date none is named": {
			v1alpha1.CertificateRecord{Use: "Unreferenced"}, "Not yet. Nothing is known to use it. It counts as an orphan after 7d.",
		},
		"after the grace period it is one": {
			v1alpha1.CertificateRecord{Use: "Unreferenced", UnreferencedSince: in(-9 * day), Orphan: true},
			"Yes. Nothing is known to use it since 2026-11-15 12:00 UTC (9d), which is longer than the grace period of 7d.",
		},
		"a use that is not known is shown": {
			v1alpha1.CertificateRecord{Use: "Maybe"}, "Not known (Maybe).",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, orphanSentence(&c.record, defaultGrace, now)); diff != "" {
				t.Errorf("sentence differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRenewalSentence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		record v1alpha1.CertificateRecord
		want   string
	}{
		"manager, issuer and date are named": {
			v1alpha1.CertificateRecord{ManagedBy: "cert-manager", Manager: "Certificate shop/web", IssuerRef: "Issuer/ca", Renewal: in(2 * day)},
			"cert-manager issues and renews it, by Certificate shop/web, from Issuer/ca. Renewal is due in 2d, on 2026-11-26 12:00 UTC.",
		},
		"a date in the past is late": {
			v1alpha1.CertificateRecord{ManagedBy: "cert-manager", Renewal: in(-2 * day)},
			"cert-manager issues and renews it. Renewal was due 2d ago, on 2026-11-22 12:00 UTC.",
		},
		"what nobody renews has a last day": {
			v1alpha1.CertificateRecord{ManagedBy: "by hand", NotAfter: in(day)},
			"It was made by hand: nothing renews it. Somebody has to replace it before 2026-11-25 12:00 UTC.",
		},
		"what has expired has none": {
			v1alpha1.CertificateRecord{ManagedBy: "by hand", NotAfter: in(-day)},
			"It was made by hand: nothing renews it.",
		},
		"a manager that is not known is shown": {
			v1alpha1.CertificateRecord{ManagedBy: "gremlin"}, "gremlin manages it.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, renewalSentence(&c.record, now)); diff != "" {
				t.Errorf("sentence differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidity(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from, until time.Duration
		want        string
	}{
		"valid":         {-day, 2 * day, "2026-11-23 12:00 to 2026-11-26 12:00 UTC (2d left)"},
		"expired":       {-4 * day, -2 * day, "2026-11-20 12:00 to 2026-11-22 12:00 UTC (expired 2d ago)"},
		"not yet valid": {2 * day, 4 * day, "2026-11-26 12:00 to 2026-11-28 12:00 UTC (not valid yet: it starts in 2d)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := v1alpha1.CertificateRecord{NotBefore: in(c.from), NotAfter: in(c.until)}
			if diff := cmp.Diff(c.want, validityOf(&r, now)); diff != "" {
				t.Errorf("text differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLayerSentence(t *testing.T) {
	t.Parallel()
	istio := []v1alpha1.Referrer{{Kind: "Pod", Namespace: "edge", Name: "p"}, {Kind: "Gateway.networking.istio.io", Namespace: "edge", Name: "g"}}
	for name, c := range map[string]struct {
		record v1alpha1.CertificateRecord
		want   string
	}{
		"what puts it at the edge is named": {
			v1alpha1.CertificateRecord{Layer: "Ingress", UsedBy: istio},
			"Ingress (traffic at the edge of the cluster), because Gateway.networking.istio.io edge/g uses it.",
		},
		"an annotation is no object to name": {
			v1alpha1.CertificateRecord{Layer: "Ingress", UsedBy: istio[:1]}, "Ingress (traffic at the edge of the cluster).",
		},
		"a mesh": {
			v1alpha1.CertificateRecord{Layer: "Mesh"},
			"Mesh (traffic between workloads): a service mesh trusts it, issues by it or serves with it.",
		},
		"an application": {
			v1alpha1.CertificateRecord{Layer: "Application"}, "Application (neither at the edge of the cluster nor of a service mesh).",
		},
		"a layer that is not known is shown": {
			v1alpha1.CertificateRecord{Layer: "Attic"}, "Attic.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, layerSentence(&c.record)); diff != "" {
				t.Errorf("sentence differs (-want +got):\n%s", diff)
			}
		})
	}
}

// The page of the documentation shows the very output.
func TestDocumentationShowsTheOutput(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "kubectl-tls.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"inventory.table", "why-orphan.text", "why-used.text"} {
		output, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), string(output)) {
			t.Errorf("docs/kubectl-tls.md does not show testdata/%s: copy it there", file)
		}
	}
}
