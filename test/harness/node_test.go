package harness

import (
	"context"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/test/harness/node"
)

// webhookImage stands for this test binary in the role of a webhook.
func webhookImage() node.Image {
	return node.Image{
		Name: "example.com/webhook:v1", Binary: os.Args[0],
		Ports: []node.Port{{Container: 8443, Flag: "--secure-port"}},
		Env:   []string{roleVariable + "=" + roleWebhook},
	}
}

// webhookManifests is a webhook as a chart would install it: its Pod, a
// Service before it, a Secret with its certificate, and its registration. Beside
// it stands a Pod of an image that nobody knows.
func webhookManifests(t *testing.T) string {
	t.Helper()
	ca, err := newAuthority("webhook-ca")
	if err != nil {
		t.Fatal(err)
	}
	template, err := certificateTemplate(pkix.Name{CommonName: "webhook"})
	if err != nil {
		t.Fatal(err)
	}
	template.DNSNames = []string{"webhook.hooks.svc"}
	pair, err := ca.issue(template)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf(webhookTemplate, encode(pair.cert), encode(pair.key), encode(ca.pem.cert))
}

// webhookTemplate wants, in base64, the webhook's certificate, its key, and its
// CA.
const webhookTemplate = `
apiVersion: v1
kind: Secret
metadata: {name: webhook, namespace: hooks}
type: kubernetes.io/tls
data: {tls.crt: %[1]s, tls.key: %[2]s}
---
apiVersion: v1
kind: Service
metadata: {name: webhook, namespace: hooks}
spec:
  selector: {app: webhook}
  ports: [{port: 443, targetPort: https}]
---
apiVersion: v1
kind: Pod
metadata: {name: webhook, namespace: hooks, labels: {app: webhook}}
spec:
  containers:
  - name: webhook
    image: example.com/webhook:v1
    args: ["--secure-port=8443", "--cert-dir=/certs"]
    ports: [{name: https, containerPort: 8443}]
    readinessProbe: {httpGet: {path: /healthz, port: https, scheme: HTTPS}}
    volumeMounts: [{name: certs, mountPath: /certs}]
  volumes: [{name: certs, secret: {secretName: webhook}}]
---
apiVersion: v1
kind: Pod
metadata: {name: painted, namespace: hooks}
spec: {containers: [{name: painted, image: example.com/unknown:v1}]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: refuse}
webhooks:
- name: refuse.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Fail
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]
  objectSelector: {matchLabels: {refuse: "yes"}}
  clientConfig:
    caBundle: %[3]s
    service: {namespace: hooks, name: webhook, path: /refuse}
`

const refusedConfigMap = `{apiVersion: v1, kind: ConfigMap, metadata: {name: unwanted, namespace: default, labels: {refuse: "yes"}}}`

func podIP(t *testing.T, c *Cluster, name string) netip.Addr {
	t.Helper()
	addr, err := netip.ParseAddr(kubectl(t, c, "", "-n", "hooks", "get", "pod", name, "-o", "jsonpath={.status.podIP}"))
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// hasReadyEndpoint is the Condition that an EndpointSlice has one.
func hasReadyEndpoint(object *unstructured.Unstructured) (bool, error) {
	if object == nil {
		return false, nil
	}
	list, _, err := unstructured.NestedSlice(object.Object, "endpoints")
	if err != nil || len(list) == 0 {
		return false, err
	}
	ready, _, err := unstructured.NestedBool(list[0].(map[string]any), "conditions", "ready")
	return ready, err
}

func TestPodsOfKnownImagesAreReal(t *testing.T) {
	env := start(t)
	c := startCluster(t, env, ClusterOptions{Name: "real", Images: []node.Image{webhookImage()}})
	kubectl(t, c, "", "create", "namespace", "hooks")
	waitFor(t, c, serviceAccounts, "hooks", "default", Exists)
	kubectl(t, c, webhookManifests(t), "apply", "-f", "-")
	waitFor(t, c, pods, "hooks", "webhook", ConditionIs("Ready", "True"))
	waitFor(t, c, pods, "hooks", "painted", ConditionIs("Ready", "True"))

	t.Run("the stand-in runs what is known, and kwok paints the rest", func(t *testing.T) {
		for name, cidr := range map[string]string{"webhook": nodePodCIDR, "painted": kwokPodCIDR} {
			if ip := podIP(t, c, name); !netip.MustParsePrefix(cidr).Contains(ip) {
				t.Errorf("pod %s has address %s, want one of %s", name, ip, cidr)
			}
		}
		if _, ok := c.Node().Process("hooks", "webhook", ""); !ok {
			t.Error("the webhook's pod has no process")
		}
		if _, ok := c.Node().Process("hooks", "painted", ""); ok {
			t.Error("the painted pod has a process")
		}
	})
	t.Run("a webhook is reached through its Service", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := WaitForAny(ctx, c.Config, endpointSlices, "hooks", "kubernetes.io/service-name=webhook", hasReadyEndpoint); err != nil {
			t.Fatal(err)
		}
		_, err := c.Kubectl(t.Context(), refusedConfigMap, "create", "-f", "-")
		if err == nil || !strings.Contains(err.Error(), "the pod's process refuses unwanted") {
			t.Errorf("got error %v, want the refusal of the pod's process", err)
		}
	})
	t.Run("a pod whose process dies is not Ready", func(t *testing.T) {
		p, ok := c.Node().Process("hooks", "webhook", "")
		if !ok {
			t.Fatal("the webhook's pod has no process")
		}
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		waitFor(t, c, pods, "hooks", "webhook", func(object *unstructured.Unstructured) (bool, error) {
			restarted, err := restarts(object)
			if err != nil || restarted == 0 {
				return false, err
			}
			return ConditionIs("Ready", "True")(object)
		})
		if again, ok := c.Node().Process("hooks", "webhook", ""); !ok || again.Pid() == p.Pid() {
			t.Error("it is Ready again without another process")
		}
	})
	if err := env.Stop(); err != nil {
		t.Error(err)
	}
}

func restarts(pod *unstructured.Unstructured) (int64, error) {
	if pod == nil {
		return 0, nil
	}
	statuses, _, err := unstructured.NestedSlice(pod.Object, "status", "containerStatuses")
	if err != nil || len(statuses) == 0 {
		return 0, err
	}
	count, _, err := unstructured.NestedInt64(statuses[0].(map[string]any), "restartCount")
	return count, err
}
