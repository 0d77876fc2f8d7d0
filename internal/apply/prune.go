package apply

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
)

// At most this share of the ledger, and at least pruneFloor objects, is removed
// in one run: a wrong plan can't empty a cluster at a stroke.
const (
	pruneShare = 0.5
	pruneFloor = 10
)

// prunable lists what the ledger has and the plan no longer wants, last applied
// first, bounded by the share. Objects of parts in kept stay.
func prunable(l *ledger.Ledger, wanted map[desired.Ref]bool, kept []desired.PartName, order func(desired.PartName) int) (list []desired.Ref, more bool) {
	for ref, entry := range l.Entries {
		if !wanted[ref] && !slices.Contains(kept, entry.Part) {
			list = append(list, ref)
		}
	}
	slices.SortFunc(list, func(a, b desired.Ref) int {
		ea, eb := l.Entries[a], l.Entries[b]
		return cmp.Or(
			cmp.Compare(order(eb.Part), order(ea.Part)),
			cmp.Compare(desired.Weight(b.Kind), desired.Weight(a.Kind)),
			cmp.Compare(a.String(), b.String()),
		)
	})
	limit := max(pruneFloor, int(float64(len(l.Entries))*pruneShare))
	if len(list) > limit {
		return list[:limit], true
	}
	return list, false
}

// prune removes what the plan no longer wants. What could not be removed stays
// in the ledger and is tried again.
func (r *run) prune(ctx context.Context, plan *desired.Plan) {
	order := map[desired.PartName]int{}
	for i, name := range desired.Order {
		order[name] = i
	}
	list, more := prunable(r.ledger, r.wanted, r.kept, func(p desired.PartName) int { return order[p] })
	if more {
		r.recheck(1)
	}
	for _, ref := range list {
		entry := r.ledger.Entries[ref]
		gone, why, err := r.remove(ctx, ref, entry)
		switch {
		case err != nil:
			failure := Classify(err, identityOf(entry.Part))
			r.outcome.Retained = append(r.outcome.Retained, ref.String()+": "+failure.Message)
			r.recheck(retryAfter)
			continue // it stays in the ledger and is tried again
		case why != "":
			entry.Retained = why
		case gone:
			delete(r.ledger.Entries, ref)
			delete(r.fresh, ref)
			delete(r.health.seen, ref)
			continue
		default:
			entry.Retained = "" // deletion was asked for and is on its way
			r.recheck(2 * retryAfter)
		}
		r.ledger.Entries[ref] = entry
		if entry.Retained != "" {
			r.outcome.Retained = append(r.outcome.Retained, ref.String()+": "+entry.Retained)
		}
	}
	r.forgetReleases(ctx, plan)
}

// forgetReleases removes the stored releases of components that are gone.
func (r *run) forgetReleases(ctx context.Context, plan *desired.Plan) {
	for _, name := range []desired.PartName{desired.CertManager, desired.TrustManager} {
		data, cached := r.releases.cached[name]
		if _, inForce := r.ledger.Releases[name]; inForce || !cached || len(data) == 0 {
			continue
		}
		if p := plan.Part(name); p != nil && p.Release != nil {
			continue
		}
		installer, err := r.clientFor(ctx, desired.IdentityInstaller)
		if err == nil {
			err = r.releases.forget(ctx, installer, name)
		}
		if err != nil {
			failure := Classify(err, desired.IdentityInstaller)
			r.outcome.Retained = append(r.outcome.Retained, failure.Message)
			r.recheck(retryAfter)
		}
	}
}

// identityOf a part, for objects of parts that the plan no longer has.
func identityOf(part desired.PartName) desired.Identity {
	switch part {
	case desired.Access, desired.CertManager, desired.TrustManager, desired.Agent:
		return desired.IdentityInstaller
	default:
		return desired.IdentityHub
	}
}

// remove deletes one object under the identity of its part. why says that it
// stays on purpose; gone that it is no more.
func (r *run) remove(ctx context.Context, ref desired.Ref, entry ledger.Entry) (gone bool, why string, err error) {
	if ref.Kind == "Namespace" {
		return false, "namespaces are never deleted: they may hold issued certificates", nil
	}
	if entry.Part == desired.Access {
		return false, "the operator needs it to reach the cluster; delete it there once the MemberCluster is gone", nil
	}
	c, err := r.clientFor(ctx, identityOf(entry.Part))
	if err != nil {
		return false, "", err
	}
	if ref.Kind == "CustomResourceDefinition" {
		instances, err := r.instances(ctx, c, ref.Name)
		if err != nil {
			return false, "", err
		}
		if instances {
			return false, "it has instances, and deleting it would delete them; delete those first if you mean it", nil
		}
	}
	m, err := r.find(ctx, ref, entry)
	if err != nil || m == nil {
		return err == nil, "", err
	}
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(m.GroupVersionKind())
	o.SetNamespace(ref.Namespace)
	o.SetName(ref.Name)
	err = c.Delete(ctx, o, client.PropagationPolicy(metav1.DeletePropagationBackground), client.Preconditions{UID: &m.UID})
	switch {
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err), apierrors.IsConflict(err):
		// A conflict is another UID: somebody made it anew, and it is theirs.
		return true, "", nil
	case err != nil:
		return false, "", fmt.Errorf("deleting %s: %w", ref, err)
	}
	left, err := r.find(ctx, ref, entry)
	return err == nil && left == nil, "", err
}

// find reads the metadata of an object that the ledger lists, nil when it is
// gone or is somebody else's: one with another UID than was written, or, where
// no write was ever confirmed, one that does not carry our label.
func (r *run) find(ctx context.Context, ref desired.Ref, entry ledger.Entry) (*metav1.PartialObjectMetadata, error) {
	m := &metav1.PartialObjectMetadata{}
	m.SetGroupVersionKind(ref.GroupKind().WithVersion(entry.Version))
	err := r.Hub.Get(ctx, types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name}, m)
	switch {
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("looking up %s before deleting it: %w", ref, err)
	case entry.UID != "" && m.UID != entry.UID, entry.UID == "" && !ours(m):
		return nil, nil
	}
	return m, nil
}

// instances says whether a custom resource definition has any object, in the
// version that it stores.
func (r *run) instances(ctx context.Context, c client.Client, crd string) (bool, error) {
	def := &unstructured.Unstructured{}
	def.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	if err := c.Get(ctx, types.NamespacedName{Name: crd}, def); err != nil {
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return false, fmt.Errorf("reading CustomResourceDefinition %s: %w", crd, err)
	}
	group, _, err1 := unstructured.NestedString(def.Object, "spec", "group")
	kind, _, err2 := unstructured.NestedString(def.Object, "spec", "names", "kind")
	versions, _, err3 := unstructured.NestedSlice(def.Object, "spec", "versions")
	if err := errors.Join(err1, err2, err3); err != nil {
		return false, fmt.Errorf("reading CustomResourceDefinition %s: %w", crd, err)
	}
	for _, v := range versions {
		version, ok := v.(map[string]any)
		if !ok || version["served"] != true {
			continue
		}
		list := &metav1.PartialObjectMetadataList{}
		name, _ := version["name"].(string)
		list.SetGroupVersionKind(schema.GroupVersionKind{Group: group, Version: name, Kind: kind + "List"})
		if err := c.List(ctx, list, client.Limit(1)); err != nil && !meta.IsNoMatchError(err) && !apierrors.IsNotFound(err) {
			return false, fmt.Errorf("looking for instances of %s: %w", crd, err)
		}
		return len(list.Items) > 0, nil
	}
	return false, nil
}
