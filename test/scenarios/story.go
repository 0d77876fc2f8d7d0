package scenarios

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
)

var story = []Scenario{
	{"One object makes the components ready", false, componentsBecomeReady},
	{"A team's Certificate is issued through the platform's issuer", false, certificateIsIssued},
	{"A Certificate that breaks three rules is refused, and told all three", false, badCertificateIsRefused},
	{"The CA lands in a namespace that asks for it", false, bundleLands},
	{"A ClusterIssuer edited by hand is put back", false, driftIsRepaired},
	{"The estate is told in conditions", false, conditionsTellTheTruth},
}

// TeamNamespace is an application team's.
const TeamNamespace = "shop"

// GoodCertificate keeps every rule of the sample.
const GoodCertificate = `apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: web
  namespace: shop
  annotations:
    tlsplatform.io/owner: team-shop
    tlsplatform.io/purpose: storefront
spec:
  secretName: web-tls
  dnsNames: [shop.example.com]
  duration: 720h
  privateKey: {algorithm: ECDSA, size: 256}
  issuerRef: {kind: ClusterIssuer, name: internal}
`

// BadCertificate breaks three rules: a weak key, a foreign name, no owner.
const BadCertificate = `apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: rogue
  namespace: shop
  annotations:
    tlsplatform.io/purpose: storefront
spec:
  secretName: rogue-tls
  dnsNames: [shop.evil.test]
  duration: 720h
  privateKey: {algorithm: RSA, size: 2048}
  issuerRef: {kind: ClusterIssuer, name: internal}
`

func componentsBecomeReady(ctx context.Context, w *World, t Teller) error {
	t.Say("install the operator, as make deploy does")
	if err := w.InstallOperator(ctx); err != nil {
		return err
	}
	pods, err := w.Kubectl(ctx, "-n", SystemNamespace, "get", "pods")
	if err != nil {
		return err
	}
	t.Show("kubectl -n tls-platform-system get pods", pods)

	platform, err := w.SamplePlatform(nil)
	if err != nil {
		return err
	}
	manifest, err := yaml.Marshal(platform)
	if err != nil {
		return fmt.Errorf("writing the platform as YAML: %w", err)
	}
	t.Say("apply %s; its charts are pulled from the registry at %s", filepath.Join("config", "samples", "platform.yaml"), w.Registry.Host())
	started := time.Now()
	out, err := w.Cluster.Kubectl(ctx, string(manifest), "apply", "-f", "-")
	if err != nil {
		return err
	}
	t.Show("kubectl apply -f config/samples/platform.yaml", out)
	t.Say("wait for ComponentsReady: cert-manager first, then trust-manager, whose webhook cert-manager certifies")
	if _, err := w.WaitPlatform(ctx, v1alpha1.ConditionComponentsReady, metav1.ConditionTrue, ""); err != nil {
		return err
	}
	if _, err := w.WaitPlatform(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, ""); err != nil {
		return err
	}
	t.Say("ready after %.1f s", time.Since(started).Seconds())
	pods, err = w.Kubectl(ctx, "-n", "cert-manager", "get", "deployments,pods")
	if err != nil {
		return err
	}
	t.Show("kubectl -n cert-manager get deployments,pods", pods)
	return nil
}

func certificateIsIssued(ctx context.Context, w *World, t Teller) error {
	if _, err := w.Kubectl(ctx, "create", "namespace", TeamNamespace); err != nil {
		return err
	}
	out, err := w.Cluster.Kubectl(ctx, GoodCertificate, "apply", "-f", "-")
	if err != nil {
		return err
	}
	t.Show("kubectl apply -f certificate.yaml", out)
	if err := w.Wait(ctx, Certificates, TeamNamespace, "web", harness.ConditionIs("Ready", "True")); err != nil {
		return err
	}
	leaf, err := w.issued(ctx, TeamNamespace, "web-tls")
	if err != nil {
		return err
	}
	out, err = w.Kubectl(ctx, "-n", TeamNamespace, "get", "certificate", "web")
	if err != nil {
		return err
	}
	t.Show("kubectl -n shop get certificate web", out)
	t.Say("the Secret holds a certificate for %s by %q, valid until %s", strings.Join(leaf.DNSNames, ", "), leaf.Issuer.CommonName, leaf.NotAfter.Format(time.DateOnly))
	return nil
}

func badCertificateIsRefused(ctx context.Context, w *World, t Teller) error {
	_, err := w.Cluster.Kubectl(ctx, BadCertificate, "apply", "-f", "-")
	if err == nil {
		return errors.New("a Certificate that breaks three rules was accepted")
	}
	_, refusal, _ := strings.Cut(err.Error(), "exit status 1: ")
	t.Show("kubectl apply -f rogue.yaml", refusal)
	return contains(err.Error(), "PrivateKey", "DNSNames", "Annotations", "shop.evil.test", "tlsplatform.io/owner")
}

func bundleLands(ctx context.Context, w *World, t Teller) error {
	out, err := w.Kubectl(ctx, "label", "namespace", TeamNamespace, "trust.example.com/inject=true")
	if err != nil {
		return err
	}
	t.Show("kubectl label namespace shop trust.example.com/inject=true", out)
	const bundle = "example-corp-ca"
	if err := w.Wait(ctx, ConfigMaps, TeamNamespace, bundle, harness.Exists); err != nil {
		return err
	}
	if err := w.trusts(ctx, TeamNamespace, bundle, TeamNamespace, "web-tls"); err != nil {
		return err
	}
	out, err = w.Kubectl(ctx, "-n", TeamNamespace, "get", "configmap", bundle)
	if err != nil {
		return err
	}
	t.Show("kubectl -n shop get configmap "+bundle, out)
	t.Say("the certificate in Secret web-tls verifies against that bundle")
	return nil
}

func driftIsRepaired(ctx context.Context, w *World, t Teller) error {
	const patch = `{"spec":{"ca":{"secretName":"my-own-ca"}}}`
	out, err := w.Kubectl(ctx, "patch", "clusterissuer", "internal", "--type=merge", "-p", patch)
	if err != nil {
		return err
	}
	t.Show("kubectl patch clusterissuer internal --type=merge -p '"+patch+"'", out)
	started := time.Now()
	if err := w.Wait(ctx, ClusterIssuers, "", "internal", secretNameIs("internal-ca")); err != nil {
		return err
	}
	t.Say("put back after %.2f s", time.Since(started).Seconds())
	event, err := w.event(ctx, "DriftRepaired", "ClusterIssuer internal")
	if err != nil {
		return err
	}
	t.Show("kubectl get events (reason DriftRepaired)", event)
	if err := contains(event, ".spec.ca.secretName", "kubectl"); err != nil {
		return err
	}
	_, err = w.WaitPlatform(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	return err
}

func conditionsTellTheTruth(ctx context.Context, w *World, t Teller) error {
	out, err := w.Kubectl(ctx, "get", "tlsplatform")
	if err != nil {
		return err
	}
	t.Show("kubectl get tlsplatform", out)
	if err := contains(out, "True", "1/1", "2/2"); err != nil {
		return err
	}
	platform, err := w.Platform(ctx)
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, c := range platform.Status.Conditions {
		fmt.Fprintf(&b, "%-20s %-6s %-14s %s\n", c.Type, c.Status, c.Reason, c.Message)
	}
	t.Show("the conditions", b.String())
	out, err = w.Kubectl(ctx, "get", "memberclusters")
	if err != nil {
		return err
	}
	t.Show("kubectl get memberclusters", out)
	return nil
}
