package reference

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func podSpec(t *testing.T, text string) corev1.PodSpec {
	t.Helper()
	var spec corev1.PodSpec
	if err := yaml.UnmarshalStrict([]byte(text), &spec); err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestPodReferences(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		spec string
		want []string
	}{
		"volumes of every form, optional ones too": {`
volumes:
- {name: a, secret: {secretName: a, optional: true}}
- {name: b, projected: {sources: [{secret: {name: b}}, {configMap: {name: roots}}, {configMap: {name: kube-root-ca.crt}}, {podCertificate: {signerName: example.com/x, keyType: ED25519}}]}}
- {name: c, csi: {driver: secrets-store.csi.k8s.io, nodePublishSecretRef: {name: c}}}
- {name: d, csi: {driver: csi.cert-manager.io, volumeAttributes: {csi.cert-manager.io/issuer-name: ca}}}
- {name: e, configMap: {name: bundle}}`,
			[]string{"Secret shop/a", "Secret shop/b", "ConfigMap shop/roots", "Secret shop/c", "ConfigMap shop/bundle"}},
		"environments of all containers": {`
initContainers: [{name: i, env: [{name: A, valueFrom: {secretKeyRef: {name: a, key: k}}}]}]
containers: [{name: c, envFrom: [{secretRef: {name: b, optional: true}}, {configMapRef: {name: m}}]}]
ephemeralContainers: [{name: e, env: [{name: C, valueFrom: {secretKeyRef: {name: c, key: k, optional: true}}}]}]`,
			[]string{"Secret shop/a", "Secret shop/b", "ConfigMap shop/m", "Secret shop/c"}},
		"a known flag with the Pod's own namespace": {`
containers:
- name: controller
  args: [/nginx-ingress-controller, "--default-ssl-certificate=$(POD_NAMESPACE)/wildcard"]
  env: [{name: POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}]`,
			[]string{"Secret shop/wildcard Ingress"}},
		"a known flag with the value after it, in a shell": {`
containers: [{name: c, command: [sh, -c, "exec haproxy --default-ssl-certificate certs/wildcard --v=2"]}]`,
			[]string{"Secret certs/wildcard Ingress"}},
		"a known flag with a name alone": {`
containers: [{name: c, args: [--dynamic-serving-ca-secret-name=webhook-ca]}]`,
			[]string{"Secret shop/webhook-ca Application"}},
		"an unknown flag, a word alone and a variable are guesses": {`
containers:
- name: c
  args: [--cert=certs/a, certs/b, --webhook-secret-name=c, --tls-secret, certs/d]
  env: [{name: CERT, value: certs/e}, {name: WEBHOOK_SECRET_NAME, value: f}]`,
			[]string{
				"Secret certs/e guess", "Secret shop/f guess", "Secret certs/a guess", "Secret certs/b guess",
				"Secret shop/c guess", "Secret certs/d guess",
			}},
		"paths, images, URLs and secrets themselves are no names": {`
containers:
- name: c
  args: [/etc/tls/tls.crt, --file=./a/b, "--image=docker.io/library/nginx:1.27", --url=https://a/b, a/b/c, --client-secret=hunter2, A/b, --default-ssl-certificate=wildcard]
  env: [{name: CLIENT_SECRET, value: hunter2}, {name: X, value: "a/"}]`,
			nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := podSpec(t, c.spec)
			pod := ReducePod(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "p"}, Spec: spec})
			if diff := cmp.Diff(c.want, lines(pod.References)); diff != "" {
				t.Errorf("references (-want +got):\n%s", diff)
			}
			template := ReducePodTemplate("CronJob", "shop", "p", &corev1.PodTemplateSpec{Spec: spec})
			if diff := cmp.Diff(pod.References, template.References); diff != "" {
				t.Errorf("references of the template (-pod +template):\n%s", diff)
			}
			if want := (Source{Kind: "CronJob", Namespace: "shop", Name: "p"}); template.Source != want {
				t.Errorf("source is %v, want %v", template.Source, want)
			}
		})
	}
}

func TestFieldsOfArgumentsHoldNoValues(t *testing.T) {
	t.Parallel()
	spec := podSpec(t, `
containers: [{name: c, args: [--cert=certs/a, -phunter2, certs/b, -wildcard-tls-secret=certs/c, "--x\u0007=certs/d"]}]`)
	var got []string
	for _, r := range podReferences("shop", &spec) {
		got = append(got, r.Target.Name+" by "+r.Field)
	}
	want := []string{
		"a by --cert", "b by containers[*].args[*]", "c by -wildcard-tls-secret", "d by containers[*].args[*]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestArgumentsAreBounded(t *testing.T) {
	t.Parallel()
	words := make([]string, 3*maxArguments)
	for i := range words {
		words[i] = "ns/" + strings.Repeat("a", 1+i%200) + string(rune('a'+i/200))
	}
	long := strings.Repeat("x", maxArgument+1)
	got := podReferences("shop", &corev1.PodSpec{Containers: []corev1.Container{{Args: append([]string{long}, words...)}}})
	if len(got) == 0 || len(got) > maxArguments {
		t.Errorf("%d references, want at most %d", len(got), maxArguments)
	}
}

func TestReducePodKeepsLabelsOfPodsThatServe(t *testing.T) {
	t.Parallel()
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "istio-system", Name: "gw", Labels: map[string]string{
		"istio": "ingressgateway", "app": "gateway", "pod-template-hash": "abc",
	}}}
	if diff := cmp.Diff([]string{"app=gateway", "istio=ingressgateway"}, ReducePod(&pod).Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	pod.Status.Phase = corev1.PodSucceeded
	if got := ReducePod(&pod).Labels; got != nil {
		t.Errorf("a Pod that has ended serves nothing, got %v", got)
	}
}
