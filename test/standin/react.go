package standin

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// controllerManager is the field manager of the simulated controllers.
const controllerManager = "stand-in"

// react is what the controllers of the cluster do about a change: everything
// that is applied becomes healthy at once. next is nil for what is gone. The
// cluster is locked.
func (c *Cluster) react(r *resource, before, next *object) {
	if r.GroupVersionResource != leasesResource {
		defer c.touchAgent()
	}
	if next == nil {
		if r.GroupVersionResource == definitionsResource {
			c.drop(before)
		}
		return
	}
	if before != nil && before.generation == next.generation {
		return
	}
	if r.GroupVersionResource == definitionsResource {
		c.define(next)
	}
	if effect := effects[r.kind]; effect != nil {
		c.effect(r, next, effect)
	}
}

// effects by kind set the status of an object, or fill what a controller fills.
// They return false when there is nothing to do.
var effects = map[string]func(*unstructured.Unstructured) bool{
	"CustomResourceDefinition":       established,
	"Deployment":                     available,
	"ClusterIssuer":                  func(u *unstructured.Unstructured) bool { return conditioned(u, "Ready") },
	"Issuer":                         func(u *unstructured.Unstructured) bool { return conditioned(u, "Ready") },
	"Certificate":                    func(u *unstructured.Unstructured) bool { return conditioned(u, "Ready") },
	"Bundle":                         func(u *unstructured.Unstructured) bool { return conditioned(u, "Synced") },
	"ValidatingAdmissionPolicy":      typeChecked,
	"MutatingWebhookConfiguration":   injected,
	"ValidatingWebhookConfiguration": injected,
}

// statusKey identifies what an effect works on.
type statusKey struct {
	resource   *resource
	rest       text
	generation int64
}

// effect stores what a controller makes of an object. It is the same in every
// cluster that has the same object.
func (c *Cluster) effect(r *resource, o *object, do func(*unstructured.Unstructured) bool) {
	key := statusKey{r, o.rest, o.generation}
	done, known := c.fleet.world.statuses.get(key)
	if !known {
		done = computeEffect(r, o, do)
		c.fleet.world.statuses.put(key, done)
	}
	if done == nil {
		return
	}
	next := *o
	next.rest = done.rest
	next.managed = slices.DeleteFunc(slices.Clone(o.managed), func(m ownership) bool { return m.manager == controllerManager })
	next.managed = append(next.managed, stamped(done.managed, time.Now())...)
	c.commit(change{resource: r, live: o, next: &next, status: true})
}

// computeEffect returns the object afterwards with the ownership of the
// controller alone; nil when there is nothing to do.
func computeEffect(r *resource, o *object, do func(*unstructured.Unstructured) bool) *object {
	before, err := o.decode(r)
	if err != nil {
		return nil
	}
	after := before.DeepCopy()
	if !do(after) {
		return nil
	}
	owners := r.main
	if r.status {
		owners = r.onStatus
	}
	owned, ok := owners.UpdateNoErrors(before, after, controllerManager).(*unstructured.Unstructured)
	if !ok {
		return nil
	}
	done, err := split(owned)
	if err != nil {
		return nil
	}
	done.managed = slices.DeleteFunc(done.managed, func(m ownership) bool { return m.manager != controllerManager })
	return done
}

func condition(kind string, u *unstructured.Unstructured) map[string]any {
	return map[string]any{
		"type": kind, "status": "True", "reason": kind, "message": "simulated",
		"observedGeneration": u.GetGeneration(), "lastTransitionTime": time.Now().UTC().Format(time.RFC3339),
	}
}

func conditioned(u *unstructured.Unstructured, kind string) bool {
	u.Object["status"] = map[string]any{"conditions": []any{condition(kind, u)}}
	return true
}

func typeChecked(u *unstructured.Unstructured) bool {
	u.Object["status"] = map[string]any{"observedGeneration": u.GetGeneration(), "typeChecking": map[string]any{}}
	return true
}

// plainCondition has no observedGeneration: the schema of these kinds has none.
func plainCondition(kind, reason string) map[string]any {
	return map[string]any{
		"type": kind, "status": "True", "reason": reason, "message": "simulated",
		"lastTransitionTime": time.Now().UTC().Format(time.RFC3339),
	}
}

func established(u *unstructured.Unstructured) bool {
	accepted, _, _ := unstructured.NestedMap(u.Object, "spec", "names")
	versions, _, _ := unstructured.NestedSlice(u.Object, "spec", "versions")
	var stored []any
	for _, v := range versions {
		if m, ok := v.(map[string]any); ok && m["storage"] == true {
			stored = append(stored, m["name"])
		}
	}
	u.Object["status"] = map[string]any{
		"acceptedNames": accepted, "storedVersions": stored,
		"conditions": []any{plainCondition("NamesAccepted", "NoConflicts"), plainCondition("Established", "InitialNamesAccepted")},
	}
	return true
}

func available(u *unstructured.Unstructured) bool {
	replicas, found, _ := unstructured.NestedInt64(u.Object, "spec", "replicas")
	if !found {
		replicas = 1
	}
	u.Object["status"] = map[string]any{
		"observedGeneration": u.GetGeneration(), "replicas": replicas, "updatedReplicas": replicas,
		"readyReplicas": replicas, "availableReplicas": replicas,
		"conditions": []any{
			plainCondition("Available", "MinimumReplicasAvailable"), plainCondition("Progressing", "NewReplicaSetAvailable"),
		},
	}
	return true
}

// injectPrefix begins the annotations that cert-manager's cainjector follows.
const injectPrefix = "cert-manager.io/inject-"

// injected fills the CA of webhooks.
func injected(u *unstructured.Unstructured) bool {
	wanted := false
	for name := range u.GetAnnotations() {
		wanted = wanted || len(name) > len(injectPrefix) && name[:len(injectPrefix)] == injectPrefix
	}
	hooks, _, _ := unstructured.NestedSlice(u.Object, "webhooks")
	if !wanted || len(hooks) == 0 {
		return false
	}
	for _, h := range hooks {
		if hook, ok := h.(map[string]any); ok {
			_ = unstructured.SetNestedField(hook, "c2ltdWxhdGVk", "clientConfig", "caBundle") // a string always fits
		}
	}
	u.Object["webhooks"] = hooks
	return true
}

// isTrue reads a condition of an object.
func isTrue(u *unstructured.Unstructured, kind string) bool {
	conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	for _, c := range conditions {
		if m, ok := c.(map[string]any); ok && m["type"] == kind {
			return m["status"] == string(metav1.ConditionTrue)
		}
	}
	return false
}
