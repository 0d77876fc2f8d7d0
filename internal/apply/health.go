package apply

import (
	"context"
	"fmt"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// Health is the verdict about one object.
type Health struct {
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

// injectAnnotations of cert-manager's cainjector: a webhook that has one works
// only once its caBundle is filled.
var injectAnnotations = []string{
	"cert-manager.io/inject-ca-from", "cert-manager.io/inject-ca-from-secret", "cert-manager.io/inject-apiserver-ca",
}

// JudgeHealth says whether an object is healthy, by kstatus and, for webhooks,
// by the presence of their CA.
func JudgeHealth(o *unstructured.Unstructured) Health {
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
		return Health{Message: fmt.Sprintf("status can't be read: %v", err)}
	}
	if res.Status == status.CurrentStatus {
		return Health{Ready: true}
	}
	return Health{Message: res.Message, Serving: judgeCondition(o, "Available").Ready}
}

func judgeWebhook(o *unstructured.Unstructured) Health {
	injected := false
	for _, name := range injectAnnotations {
		_, has := o.GetAnnotations()[name]
		injected = injected || has
	}
	if !injected {
		return Health{Ready: true}
	}
	hooks, _, err := unstructured.NestedSlice(o.Object, "webhooks")
	if err != nil {
		return Health{Message: fmt.Sprintf("webhooks can't be read: %v", err)}
	}
	for _, h := range hooks {
		hook, ok := h.(map[string]any)
		if !ok {
			continue
		}
		if ca, _, _ := unstructured.NestedString(hook, "clientConfig", "caBundle"); ca == "" {
			return Health{Message: "cainjector has not filled caBundle yet"}
		}
	}
	return Health{Ready: true}
}

// judgeCondition reads a condition by name. cert-manager does not set
// observedGeneration on every kind; where it is set, it counts.
func judgeCondition(o *unstructured.Unstructured, name string) Health {
	conditions, _, err := unstructured.NestedSlice(o.Object, "status", "conditions")
	if err != nil {
		return Health{Message: fmt.Sprintf("status can't be read: %v", err)}
	}
	for _, c := range conditions {
		cond, ok := c.(map[string]any)
		if !ok || cond["type"] != name {
			continue
		}
		if g, found, _ := unstructured.NestedInt64(cond, "observedGeneration"); found && g < o.GetGeneration() {
			return Health{Message: "the last change has not been looked at yet"}
		}
		reason, _ := cond["reason"].(string)
		message, _ := cond["message"].(string)
		return Health{Ready: cond["status"] == "True", Message: strings.Trim(reason+": "+message, ": ")}
	}
	return Health{Message: "it has no " + name + " condition yet"}
}

// healthChecker judges objects and remembers each verdict by resource version,
// so that an unchanged object is not read again.
type healthChecker struct {
	client client.Client
	seen   map[desired.Ref]judgement
}

type judgement struct {
	version string
	health  Health
}

// check judges the objects of a part. live gives the resource version that the
// watch has for an object.
func (h *healthChecker) check(ctx context.Context, objects []*unstructured.Unstructured, live func(desired.Ref) (LiveObject, bool)) ([]observed.Finding, error) {
	var bad []observed.Finding
	for _, o := range objects {
		if !judged[o.GetKind()] {
			continue
		}
		ref := desired.RefOf(o)
		verdict, err := h.one(ctx, o, ref, live)
		if err != nil {
			return nil, err
		}
		if !verdict.Ready {
			bad = append(bad, observed.Finding{Object: ref.String(), Message: verdict.Message, Serving: verdict.Serving})
		}
	}
	return bad, nil
}

func (h *healthChecker) one(ctx context.Context, o *unstructured.Unstructured, ref desired.Ref, live func(desired.Ref) (LiveObject, bool)) (Health, error) {
	l, ok := live(ref)
	if j, seen := h.seen[ref]; ok && seen && j.version == l.ResourceVersion {
		return j.health, nil
	}
	got := &unstructured.Unstructured{}
	got.SetGroupVersionKind(o.GroupVersionKind())
	err := h.client.Get(ctx, types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name}, got)
	if apierrors.IsNotFound(err) {
		return Health{Message: "it does not exist"}, nil
	}
	if err != nil {
		return Health{}, fmt.Errorf("reading %s for its health: %w", ref, err)
	}
	verdict := JudgeHealth(got)
	h.seen[ref] = judgement{version: got.GetResourceVersion(), health: verdict}
	return verdict, nil
}

// verdict of an object as last judged; for reports such as those of issuers.
func (h *healthChecker) verdict(ref desired.Ref) (Health, bool) {
	j, ok := h.seen[ref]
	return j.health, ok
}
