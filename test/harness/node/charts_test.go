package node_test

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/loader"
	"helm.sh/helm/v4/pkg/cli"
	"helm.sh/helm/v4/pkg/kube"
	"helm.sh/helm/v4/pkg/registry"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/test/harness"
	"github.com/tlsplatform/tls-platform-operator/test/harness/charts"
)

var (
	certificates = schema.GroupVersionResource{Group: "cert-manager.io", Version: "v1", Resource: "certificates"}
	configMaps   = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
)

const certificate = `
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: self}
spec: {selfSigned: {}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: web}
spec: {secretName: web-tls, dnsNames: [web.example.com], issuerRef: {name: self}}
`

const wrongCertificate = `
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: wrong}
spec: {secretName: wrong-tls, issuerRef: {name: self}}
`

const bundle = `
apiVersion: trust.cert-manager.io/v1alpha1
kind: Bundle
metadata: {name: public}
spec:
  sources: [{useDefaultCAs: true}]
  target:
    configMap: {key: ca.pem}
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %s}}
`

// TestTheStandardChartsRunUnmodified is what this package is for: the operands
// of the real charts, under the permissions of those charts, do their work.
func TestTheStandardChartsRunUnmodified(t *testing.T) {
	c := cluster(t)
	ns := namespace(t, c)
	r, err := charts.Serve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Stop() })
	if _, err := r.PushStandard(t.Context()); err != nil {
		t.Fatal(err)
	}

	install(t, c, r, charts.CertManager, charts.CertManagerVersion, map[string]any{"crds": map[string]any{"enabled": true}})
	kubectl(t, c, certificate, "-n", ns, "apply", "-f", "-")
	waitFor(t, c, certificates, ns, "web", harness.ConditionIs("Ready", "True"))
	if _, err := c.Kubectl(t.Context(), wrongCertificate, "-n", ns, "apply", "-f", "-"); err == nil || !strings.Contains(err.Error(), "webhook.cert-manager.io") {
		t.Errorf("cert-manager's webhook let a certificate without names pass: %v", err)
	}

	install(t, c, r, charts.TrustManager, charts.TrustManagerVersion, nil)
	kubectl(t, c, strings.ReplaceAll(bundle, "%s", ns), "apply", "-f", "-")
	waitFor(t, c, configMaps, ns, "public", func(cm *unstructured.Unstructured) (bool, error) {
		if cm == nil {
			return false, nil
		}
		pem, _, err := unstructured.NestedString(cm.Object, "data", "ca.pem")
		return strings.Contains(pem, "BEGIN CERTIFICATE"), err
	})
}

// install does what "helm install --wait --wait-for-jobs" does.
func install(t *testing.T, c *harness.Cluster, r *charts.Registry, name, version string, values map[string]any) {
	t.Helper()
	begin := time.Now()
	client, err := registry.NewClient(registry.ClientOptPlainHTTP(),
		registry.ClientOptCredentialsFile(filepath.Join(t.TempDir(), "credentials.json")))
	if err != nil {
		t.Fatal(err)
	}
	pulled, err := client.Pull(strings.TrimPrefix(r.Repository(), "oci://") + "/" + name + ":" + version)
	if err != nil {
		t.Fatal(err)
	}
	chart, err := loader.LoadArchive(bytes.NewReader(pulled.Chart.Data))
	if err != nil {
		t.Fatal(err)
	}
	settings := cli.New()
	settings.KubeConfig = c.Kubeconfig
	settings.SetNamespace("cert-manager")
	config := action.NewConfiguration()
	if err := config.Init(settings.RESTClientGetter(), "cert-manager", "secret"); err != nil {
		t.Fatal(err)
	}
	in := action.NewInstall(config)
	in.ReleaseName, in.Namespace, in.CreateNamespace = name, "cert-manager", true
	in.WaitStrategy, in.WaitForJobs, in.Timeout = kube.StatusWatcherStrategy, true, patience
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := in.RunWithContext(ctx, chart, values); err != nil {
		t.Fatalf("installing %s: %v\n%s", name, err, kubectl(t, c, "", "-n", "cert-manager", "get", "pods", "-o", "yaml"))
	}
	t.Logf("%s was installed after %s", name, time.Since(begin).Round(time.Millisecond))
}
