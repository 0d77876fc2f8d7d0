package scenarios

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
)

// inventoryStory is the part of the story about the agent.
var inventoryStory = []Scenario{
	{"Every certificate of the cluster is found, in all three layers", false, certificatesAreFound},
	{"One certificate is an orphan, and four that look like one are not", false, orphansAreTold},
	{"The platform counts the certificates of its clusters", false, certificatesAreCounted},
	{"What is served is compared with what is stored", false, servedIsCompared},
}

// Orphan is the one Secret with a certificate that nothing uses.
const Orphan = "old-portal-tls"

// Names of Secrets that a tool would call orphans that looks at Ingresses and
// Pods of the same namespace alone, and who uses them.
var falseOrphans = map[string]string{
	"certs/api-tls":     "Gateway edge/public",
	"certs/default-tls": "Deployment ingress-nginx/controller",
	"certs/partner-tls": "Ingress shop/partner",
	"data/orders-tls":   "Cluster data/orders",
}

// gatewayDefinitions of the Gateway API, of which its module has many.
var gatewayDefinitions = []string{"gatewayclasses", "gateways", "listenersets", "referencegrants", "backendtlspolicies"}

// applyMaterial makes certificates as they are in a cluster that is used.
func (w *World) applyMaterial(ctx context.Context) error {
	folder, err := w.moduleFolder(ctx, "sigs.k8s.io/gateway-api")
	if err != nil {
		return err
	}
	args := []string{"apply", "--server-side"}
	for _, name := range gatewayDefinitions {
		args = append(args, "-f", filepath.Join(folder, "config", "crd", "standard", "gateway.networking.k8s.io_"+name+".yaml"))
	}
	if _, err := w.Kubectl(ctx, args...); err != nil {
		return fmt.Errorf("installing the Gateway API: %w", err)
	}
	data := filepath.Join(w.Root, "test", "scenarios", "testdata", "inventory")
	if _, err := w.Kubectl(ctx, "apply", "-f", filepath.Join(data, "namespaces.yaml")); err != nil {
		return err
	}
	for _, name := range []string{"gateways.gateway.networking.k8s.io", "clusters.postgresql.cnpg.io"} {
		if err := w.Wait(ctx, CRDs, "", name, harness.ConditionIs("Established", "True")); err != nil {
			return err
		}
	}
	for _, name := range []string{"ingress.yaml", "mesh.yaml", "application.yaml"} {
		if _, err := w.Kubectl(ctx, "apply", "-f", filepath.Join(data, name)); err != nil {
			return err
		}
	}
	return w.applyHandMade(ctx)
}

// applyHandMade makes what cert-manager does not: a certificate with a copy, and
// the orphan.
func (w *World) applyHandMade(ctx context.Context) error {
	ca, err := newAuthority("Example Corp CA of 2021")
	if err != nil {
		return err
	}
	portal, err := ca.issue(leaf{names: []string{"portal.example.com"}, left: 20 * 24 * time.Hour})
	if err != nil {
		return err
	}
	partner, err := ca.issue(leaf{names: []string{"partner.example.com"}, left: 300 * 24 * time.Hour})
	if err != nil {
		return err
	}
	const reflector = "reflector.v1.k8s.emberstack.com/"
	original := tlsSecret("certs", "partner-tls", partner)
	original.Annotations = map[string]string{reflector + "reflection-allowed": "true", reflector + "reflection-auto-enabled": "true"}
	mirror := tlsSecret(TeamNamespace, "partner-tls", partner)
	mirror.Annotations = map[string]string{reflector + "reflects": "certs/partner-tls"}
	return w.create(ctx, tlsSecret(TeamNamespace, Orphan, portal), original, mirror)
}

func certificatesAreFound(ctx context.Context, w *World, t Teller) error {
	t.Say("the hub has installed the agent by itself")
	if err := w.WaitAvailable(ctx, SystemNamespace, Agent); err != nil {
		return err
	}
	t.Say("apply an Ingress, a Gateway, a mesh, a database, a keystore, and certificates that somebody made by hand")
	if err := w.applyMaterial(ctx); err != nil {
		return err
	}
	for namespace, names := range map[string][]string{
		"certs": {"api", "default"}, "istio-system": {"istio-ca"}, "data": {"orders", "ledger"},
	} {
		for _, name := range names {
			if err := w.Wait(ctx, Certificates, namespace, name, harness.ConditionIs("Ready", "True")); err != nil {
				return err
			}
		}
	}
	wanted := []wantedRecord{
		{"Secret", TeamNamespace, "web-tls", "tls.crt", isUsed(v1alpha1.LayerIngress)},
		{"Secret", "certs", "api-tls", "tls.crt", isUsed(v1alpha1.LayerIngress)},
		{"Secret", "certs", "default-tls", "tls.crt", isUsed(v1alpha1.LayerIngress)},
		{"Secret", "istio-system", "cacerts", "tls.crt", isAuthority},
		{"Secret", "data", "orders-tls", "tls.crt", isUsed(v1alpha1.LayerApplication)},
		{"Secret", "data", "ledger-tls", "keystore.p12", isKeystore},
		{"ValidatingWebhookConfiguration", "", "cert-manager-webhook", "", isManaged("ca-injector")},
		{"Secret", TeamNamespace, Orphan, "tls.crt", isManaged("by hand")},
	}
	if err := w.waitRecords(ctx, wanted...); err != nil {
		return err
	}
	out, err := w.kubectlTLS(ctx, "inventory")
	if err != nil {
		return err
	}
	t.Show("kubectl tls inventory", out)
	if err := contains(out, "Ingress", "Mesh", "Application", "ClusterIssuer/internal", "by hand"); err != nil {
		return err
	}
	if out, err = w.kubectlTLS(ctx, "inventory", "--layer", "Mesh,Application", "--kind", "secret", "-n", "istio-system,data", "-o", "wide"); err != nil {
		return err
	}
	t.Show("kubectl tls inventory --layer Mesh,Application --kind secret -n istio-system,data -o wide", out)
	return contains(out, "cacerts", "ledger-tls", "orders-tls")
}

func orphansAreTold(ctx context.Context, w *World, t Teller) error {
	t.Say("nothing counts as an orphan for a week; here it shall at once: spec.inventory.orphanGracePeriod: 0s")
	err := w.Change(ctx, func(s *v1alpha1.TLSPlatformSpec) { s.Inventory.OrphanGracePeriod = &metav1.Duration{} })
	if err != nil {
		return err
	}
	if err := w.waitRecords(ctx, wantedRecord{"Secret", TeamNamespace, Orphan, "tls.crt", isOrphan}); err != nil {
		return err
	}
	out, err := w.kubectlTLS(ctx, "inventory", "--orphaned")
	if err != nil {
		return err
	}
	t.Show("kubectl tls inventory --orphaned", out)
	if out, err = w.kubectlTLS(ctx, "inventory", "--orphaned", "-o", "name"); err != nil {
		return err
	}
	if got, want := strings.TrimSpace(out), "secret/"+TeamNamespace+"/"+Orphan; got != want {
		return fmt.Errorf("the orphans are %q, want %q alone", got, want)
	}
	if out, err = w.kubectlTLS(ctx, "why", Orphan, "-n", TeamNamespace); err != nil {
		return err
	}
	t.Show("kubectl tls why "+Orphan+" -n "+TeamNamespace, out)
	if err := contains(out, "by hand", "Yes.", "Nothing is known to use it", "portal.example.com"); err != nil {
		return err
	}
	return w.falseOrphansAreTold(ctx, t)
}

// falseOrphansAreTold asks why each of them is used.
func (w *World) falseOrphansAreTold(ctx context.Context, t Teller) error {
	t.Say("a Gateway elsewhere, a container's argument, a copy and a database use the other four")
	out, err := w.kubectlTLS(ctx, "why", "certs/api-tls")
	if err != nil {
		return err
	}
	t.Show("kubectl tls why certs/api-tls", out)
	var errs []error
	for name, user := range falseOrphans {
		out, err := w.kubectlTLS(ctx, "why", name, "-o", "json")
		if err != nil {
			errs = append(errs, err)
			continue
		}
		var explanation struct {
			Certificates []struct {
				Record v1alpha1.CertificateRecord `json:"record"`
			} `json:"certificates"`
		}
		if err := json.Unmarshal([]byte(out), &explanation); err != nil {
			return fmt.Errorf("decoding kubectl tls why %s: %w", name, err)
		}
		if len(explanation.Certificates) == 0 {
			errs = append(errs, fmt.Errorf("nothing is known of Secret %s", name))
		}
		for _, c := range explanation.Certificates {
			if c.Record.Use != "Used" || !strings.Contains(c.Record.UseReason, user) {
				errs = append(errs, fmt.Errorf("the Secret %s is %s (%s), want it used by %s", name, c.Record.Use, c.Record.UseReason, user))
			}
		}
	}
	return errors.Join(errs...)
}

// counted waits until the reports of the agent and of the platform have the same
// figures as the list, with one orphan. Reports are written at intervals, so they
// may be behind the list.
func (w *World) counted(ctx context.Context) error {
	records, err := w.records(ctx)
	if err != nil {
		return err
	}
	records = slices.DeleteFunc(records, func(r v1alpha1.CertificateRecord) bool { return r.Kind == kindEndpoint })
	err = w.Wait(ctx, Agents, "", v1alpha1.AgentName, agentStatus(func(s *v1alpha1.TLSAgentStatus) bool {
		return s.Certificates.Orphans == 1 && int(s.Certificates.Total) == len(records)
	}))
	if err != nil {
		return err
	}
	return w.Wait(ctx, Platforms, "", PlatformName, platformStatus(func(s *v1alpha1.TLSPlatformStatus) bool {
		return s.Summary.Orphans != nil && *s.Summary.Orphans == 1 && int(*s.Summary.Certificates) == len(records)
	}))
}

func certificatesAreCounted(ctx context.Context, w *World, t Teller) error {
	if err := w.counted(ctx); err != nil {
		return err
	}
	c, err := w.WaitPlatform(ctx, v1alpha1.ConditionInventoryReady, metav1.ConditionTrue, "")
	if err != nil {
		return err
	}
	out, err := w.Kubectl(ctx, "get", "tlsplatform,tlsagent")
	if err != nil {
		return err
	}
	t.Show("kubectl get tlsplatform,tlsagent", out)
	t.Show("condition "+v1alpha1.ConditionInventoryReady, c.Message)
	return nil
}
