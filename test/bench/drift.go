package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/test/scenarios"
)

// driftEdits is how many edits are made.
const driftEdits = 200

// edits by kind that change what an object does; other kinds get a label
// changed. Each leaves the API server's validation and the components alive.
var edits = map[string]string{
	"ClusterRole":                      `{"rules":[]}`,
	"Role":                             `{"rules":[]}`,
	"ClusterIssuer":                    `{"spec":{"ca":{"secretName":"drifted"}}}`,
	"ValidatingAdmissionPolicy":        `{"spec":{"failurePolicy":"Ignore"}}`,
	"ValidatingAdmissionPolicyBinding": `{"spec":{"validationActions":["Warn"]}}`,
}

const labelEdit = `{"metadata":{"labels":{"` + names.LabelPart + `":"drifted"}}}`

// drift edits managed objects in turn and measures how long each takes to be
// put back, in seconds.
func drift(ctx context.Context, w *scenarios.World) (seconds []float64, kinds int, err error) {
	objects, err := managed(ctx, w)
	if err != nil {
		return nil, 0, err
	}
	seen := map[string]bool{}
	for i := range driftEdits {
		o := objects[i%len(objects)]
		seen[o.GetKind()] = true
		took, err := repairOf(ctx, w, o)
		if err != nil {
			return seconds, len(seen), err
		}
		seconds = append(seconds, took)
	}
	return seconds, len(seen), nil
}

// managed are the objects of the ledger.
func managed(ctx context.Context, w *scenarios.World) ([]*unstructured.Unstructured, error) {
	var ledger corev1.ConfigMap
	if err := w.Client.Get(ctx, types.NamespacedName{Namespace: scenarios.SystemNamespace, Name: names.LedgerConfigMap}, &ledger); err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	var file struct {
		Objects []struct{ Group, Version, Kind, Namespace, Name string }
	}
	if err := json.Unmarshal([]byte(ledger.Data["ledger.json"]), &file); err != nil {
		return nil, fmt.Errorf("decoding the ledger: %w", err)
	}
	var list []*unstructured.Unstructured
	for _, entry := range file.Objects {
		o := &unstructured.Unstructured{}
		o.SetGroupVersionKind(schema.GroupVersionKind{Group: entry.Group, Version: entry.Version, Kind: entry.Kind})
		o.SetNamespace(entry.Namespace)
		o.SetName(entry.Name)
		list = append(list, o)
	}
	return list, nil
}

// repairOf edits one object and waits, by a watch that is open before, until
// its content is as it was.
func repairOf(ctx context.Context, w *scenarios.World, o *unstructured.Unstructured) (float64, error) {
	before := o.DeepCopy()
	key := client.ObjectKeyFromObject(o)
	if err := w.Client.Get(ctx, key, before); err != nil {
		return 0, fmt.Errorf("reading %s %s: %w", o.GetKind(), key, err)
	}
	patch, ok := edits[o.GetKind()]
	if _, isCA, _ := unstructured.NestedMap(before.Object, "spec", "ca"); !ok || o.GetKind() == "ClusterIssuer" && !isCA {
		patch = labelEdit
	}
	// The API server itself keeps the rules of an aggregated role.
	if _, aggregated := before.Object["aggregationRule"]; aggregated {
		patch = labelEdit
	}
	started := time.Now()
	edited := before.DeepCopy()
	if err := w.Client.Patch(ctx, edited, client.RawPatch(types.MergePatchType, []byte(patch)), client.FieldOwner("bench")); err != nil {
		return 0, fmt.Errorf("editing %s %s: %w", o.GetKind(), key, err)
	}
	if edited.GetResourceVersion() == before.GetResourceVersion() {
		return 0, fmt.Errorf("editing %s %s changed nothing", o.GetKind(), key)
	}
	mapping, err := w.Client.RESTMapper().RESTMapping(o.GroupVersionKind().GroupKind(), o.GroupVersionKind().Version)
	if err != nil {
		return 0, fmt.Errorf("finding the resource of %s: %w", o.GetKind(), err)
	}
	err = w.Wait(ctx, mapping.Resource, key.Namespace, key.Name, func(got *unstructured.Unstructured) (bool, error) {
		return got != nil && sameWish(before, got), nil
	})
	if err != nil {
		return 0, fmt.Errorf("waiting for the repair of %s %s: %w", o.GetKind(), key, err)
	}
	return time.Since(started).Seconds(), nil
}

// sameWish compares everything but status and the server's bookkeeping.
func sameWish(a, b *unstructured.Unstructured) bool {
	return wish(a) == wish(b)
}

func wish(o *unstructured.Unstructured) string {
	c := o.DeepCopy()
	unstructured.RemoveNestedField(c.Object, "status")
	for _, f := range []string{"managedFields", "resourceVersion", "generation"} {
		unstructured.RemoveNestedField(c.Object, "metadata", f)
	}
	// The Deployment controller counts roll-outs here.
	unstructured.RemoveNestedField(c.Object, "metadata", "annotations", "deployment.kubernetes.io/revision")
	raw, err := json.Marshal(c.Object)
	if err != nil {
		return ""
	}
	return string(raw)
}
