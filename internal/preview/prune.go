package preview

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
)

// leftover is an object of the ledger that the plan does not have.
type leftover struct {
	ref   desired.Ref
	entry ledger.Entry
	// kept says why it stays whatever it is; empty when it is to go.
	kept string
}

// Held says why the hub would leave a part as it is, nil when it would not: the
// plan holds it, or its release was tried before and never became healthy.
func Held(p *desired.Part, l *ledger.Ledger) *desired.Hold {
	if p.Hold != nil || p.Release == nil {
		return p.Hold
	}
	state := l.Releases[p.Name]
	if state.Failed == "" || state.Failed != p.Release.Key {
		return nil
	}
	return &desired.Hold{Reason: v1alpha1.ReasonRolledBack, Terminal: true, Message: fmt.Sprintf(
		"%s %s did not become available before (%s) and was rolled back to %s; the same plan is not tried again: change the version or the values",
		p.Name, state.FailedVersion, state.FailedMessage, state.Current.Version)}
}

// leftovers are in the order in which the hub removes: last applied first.
func leftovers(plan *desired.Plan, l *ledger.Ledger) []leftover {
	wanted := map[desired.Ref]string{}
	held := map[desired.PartName]string{}
	for i := range plan.Parts {
		p := &plan.Parts[i]
		if p.External != nil {
			held[p.Name] = "it is only observed from now on, and is no longer the platform's"
			continue
		}
		if hold := Held(p, l); hold != nil {
			held[p.Name] = "its part is held: " + hold.Reason
			continue
		}
		for _, o := range p.Objects {
			wanted[desired.RefOf(o)] = ""
		}
		for _, ref := range p.Keep {
			wanted[ref] = "what the spec says of it can't be built, and it is not removed for that"
		}
	}
	var list []leftover
	for ref, entry := range l.Entries {
		kept, isWanted := wanted[ref]
		if isWanted && kept == "" {
			continue
		}
		if reason, ok := held[entry.Part]; ok {
			kept = reason
		}
		list = append(list, leftover{ref, entry, kept})
	}
	slices.SortFunc(list, func(a, b leftover) int {
		return cmp.Or(
			cmp.Compare(slices.Index(desired.Order, b.entry.Part), slices.Index(desired.Order, a.entry.Part)),
			cmp.Compare(desired.Weight(b.ref.Kind), desired.Weight(a.ref.Kind)),
			cmp.Compare(a.ref.String(), b.ref.String()),
		)
	})
	return list
}

// leftover says whether an object would be pruned, nil when it is gone anyway.
func (r *comparison) leftover(ctx context.Context, left leftover) (*Change, error) {
	change := &Change{Object: left.ref, Part: left.entry.Part, Action: Keep, Note: left.kept}
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(left.ref.GroupKind().WithVersion(left.entry.Version))
	err := r.client.Get(ctx, types.NamespacedName{Namespace: left.ref.Namespace, Name: left.ref.Name}, live)
	switch {
	case lost(ctx, err):
		return nil, fmt.Errorf("reading %s: %w", left.ref, err)
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return nil, nil
	case err != nil:
		change.Action, change.Note = Unknown, problem(err)
		return change, nil
	}
	change.Owner, change.Managers = ownerOf(live), managersOf(live, "")
	switch {
	case left.kept != "":
	case left.entry.Part == desired.Access:
		change.Note = "the operator needs it to reach the cluster"
	case left.ref.Kind == "Namespace":
		change.Note = "namespaces are never deleted: they may hold issued certificates"
	case left.entry.UID != "" && live.GetUID() != left.entry.UID, left.entry.UID == "" && !ours(live):
		change.Note = "somebody made it anew, and it is theirs"
	case isDefinition(live):
		return r.definition(ctx, change, live)
	default:
		change.Action = Prune
	}
	return change, nil
}

// definition decides on a custom resource definition, which stays as long as it
// has instances.
func (r *comparison) definition(ctx context.Context, change *Change, def *unstructured.Unstructured) (*Change, error) {
	found, err := r.instances(ctx, def)
	switch {
	case lost(ctx, err):
		return nil, fmt.Errorf("looking for instances of %s: %w", change.Object.Name, err)
	case err != nil:
		change.Action, change.Note = Unknown, problem(err)
	case found:
		change.Note = "it has instances, and deleting it would delete them"
	default:
		change.Action = Prune
	}
	return change, nil
}

// instances says whether a custom resource definition has any object.
func (r *comparison) instances(ctx context.Context, def *unstructured.Unstructured) (bool, error) {
	group, _, _ := unstructured.NestedString(def.Object, "spec", "group")
	kind, _, _ := unstructured.NestedString(def.Object, "spec", "names", "kind")
	versions := servedVersions(def)
	if len(versions) == 0 {
		return false, nil
	}
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(apischema.GroupVersionKind{Group: group, Version: versions[0], Kind: kind + "List"})
	err := r.client.List(ctx, list, client.Limit(1))
	if meta.IsNoMatchError(err) || apierrors.IsNotFound(err) {
		return false, nil
	}
	return len(list.Items) > 0, err
}
