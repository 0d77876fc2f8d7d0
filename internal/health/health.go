package health

import (
	"fmt"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Verdict about one object.
type Verdict struct {
	// Ready is true when the object does what it is for.
	Ready bool
	// Message says what is missing.
	Message string
	// Serving is true for a workload that is available while it is rolled out.
	Serving bool
}

// judged are the kinds whose health is more than their existence.
var judged = map[string]bool{
	"Deployment": true, "StatefulSet": true, "DaemonSet": true, "Job": true,
	"CustomResourceDefinition": true, "APIService": true,
	"Certificate": true, "Issuer": true, "ClusterIssuer": true, "Bundle": true,
	"MutatingWebhookConfiguration": true, "ValidatingWebhookConfiguration": true,
}

// Judged says whether the health of objects of a kind is more than that they
// exist.
func Judged(kind string) bool { return judged[kind] }

// injectAnnotations of cert-manager's cainjector: a webhook that has one works
// only once its caBundle is filled.
var injectAnnotations = []string{
	"cert-manager.io/inject-ca-from", "cert-manager.io/inject-ca-from-secret", "cert-manager.io/inject-apiserver-ca",
}

// Judge says whether an object is healthy, by kstatus and, for webhooks,
// by the presence of their CA.
func Judge(o *unstructured.Unstructured) Verdict {
	switch o.GetKind() {
	case "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration":
		return judgeWebhook(o)
	case "ClusterIssuer", "Issuer", "Certificate":
		return judgeCondition(o, "Ready")
	case "Bundle":
		return judgeCondition(o, "Synced")
	}
	res, err := status.Compute(o)
	if err != nil {
		return Verdict{Message: fmt.Sprintf("status can't be read: %v", err)}
	}
	if res.Status == status.CurrentStatus {
		return Verdict{Ready: true}
	}
	return Verdict{Message: res.Message, Serving: judgeCondition(o, "Available").Ready}
}

func judgeWebhook(o *unstructured.Unstructured) Verdict {
	injected := false
	for _, name := range injectAnnotations {
		_, has := o.GetAnnotations()[name]
		injected = injected || has
	}
	if !injected {
		return Verdict{Ready: true}
	}
	hooks, _, err := unstructured.NestedSlice(o.Object, "webhooks")
	if err != nil {
		return Verdict{Message: fmt.Sprintf("webhooks can't be read: %v", err)}
	}
	for _, h := range hooks {
		hook, ok := h.(map[string]any)
		if !ok {
			continue
		}
		if ca, _, _ := unstructured.NestedString(hook, "clientConfig", "caBundle"); ca == "" {
			return Verdict{Message: "cainjector has not filled caBundle yet"}
		}
	}
	return Verdict{Ready: true}
}

// judgeCondition reads a condition by name. cert-manager does not set
// observedGeneration on every kind; where it is set, it counts.
func judgeCondition(o *unstructured.Unstructured, name string) Verdict {
	conditions, _, err := unstructured.NestedSlice(o.Object, "status", "conditions")
	if err != nil {
		return Verdict{Message: fmt.Sprintf("status can't be read: %v", err)}
	}
	for _, c := range conditions {
		cond, ok := c.(map[string]any)
		if !ok || cond["type"] != name {
			continue
		}
		if g, found, _ := unstructured.NestedInt64(cond, "observedGeneration"); found && g < o.GetGeneration() {
			return Verdict{Message: "the last change has not been looked at yet"}
		}
		reason, _ := cond["reason"].(string)
		message, _ := cond["message"].(string)
		return Verdict{Ready: cond["status"] == "True", Message: strings.Trim(reason+": "+message, ": ")}
	}
	return Verdict{Message: "it has no " + name + " condition yet"}
}
