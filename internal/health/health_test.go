package health

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		object         string
		ready, serving bool
		says           string
	}{
		"a Deployment with all its pods": {`
kind: Deployment
metadata: {generation: 2}
spec: {replicas: 1}
status: {observedGeneration: 2, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1, conditions: [{type: Available, status: "True"}]}
`, true, false, ""},
		"a Deployment whose pods are not available": {`
kind: Deployment
metadata: {generation: 1}
spec: {replicas: 1}
status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, conditions: [{type: Available, status: "False"}]}
`, false, false, ""},
		"a Deployment that is rolled out still serves": {`
kind: Deployment
metadata: {generation: 2}
spec: {replicas: 1}
status: {observedGeneration: 2, replicas: 2, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1, conditions: [{type: Available, status: "True"}]}
`, false, true, ""},
		"a webhook whose CA is to be injected": {`
kind: ValidatingWebhookConfiguration
metadata: {annotations: {cert-manager.io/inject-ca-from-secret: a/b}}
webhooks: [{name: w, clientConfig: {service: {name: s}}}]
`, false, false, "caBundle"},
		"a webhook whose CA was injected": {`
kind: ValidatingWebhookConfiguration
metadata: {annotations: {cert-manager.io/inject-ca-from-secret: a/b}}
webhooks: [{name: w, clientConfig: {caBundle: YQ==}}]
`, true, false, ""},
		"a webhook that brings its own CA": {`
kind: MutatingWebhookConfiguration
webhooks: [{name: w, clientConfig: {service: {name: s}}}]
`, true, false, ""},
		"an issuer that cert-manager has not looked at": {`
kind: ClusterIssuer
metadata: {generation: 1}
`, false, false, "no Ready condition yet"},
		"an issuer whose last change has not been looked at": {`
kind: ClusterIssuer
metadata: {generation: 2}
status: {conditions: [{type: Ready, status: "True", observedGeneration: 1}]}
`, false, false, "not been looked at"},
		"an issuer that is not ready repeats cert-manager's words": {`
kind: ClusterIssuer
metadata: {generation: 1}
status: {conditions: [{type: Ready, status: "False", observedGeneration: 1, reason: ErrGetKeyPair, message: secret not found}]}
`, false, false, "ErrGetKeyPair: secret not found"},
		"a bundle that is synced": {`
kind: Bundle
metadata: {generation: 1}
status: {conditions: [{type: Synced, status: "True", observedGeneration: 1}]}
`, true, false, ""},
		"a CRD that is established": {`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {generation: 1}
status: {conditions: [{type: NamesAccepted, status: "True"}, {type: Established, status: "True"}]}
`, true, false, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := c.object
			if !strings.Contains(text, "apiVersion") {
				text = "apiVersion: apps/v1\n" + text
			}
			o := &unstructured.Unstructured{}
			raw, err := yaml.YAMLToJSON([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			// Integers stay integers, as they come from an API server.
			if err := o.UnmarshalJSON(raw); err != nil {
				t.Fatal(err)
			}
			got := Judge(o)
			if got.Ready != c.ready || got.Serving != c.serving || !strings.Contains(got.Message, c.says) {
				t.Errorf("Judge() = %+v, want ready %v, serving %v, saying %q", got, c.ready, c.serving, c.says)
			}
		})
	}
}
