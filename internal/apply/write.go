package apply

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/drift"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// one writes one object by server-side apply and records what came of it.
func (r *run) one(ctx context.Context, c client.Client, p *desired.Part, o *unstructured.Unstructured, action Action, out *observed.Part) error {
	ref := desired.RefOf(o)
	manager := names.FieldManager(string(p.Name))
	before, err := r.lookUp(ctx, o, action)
	if err != nil {
		return err
	}
	if action == Repair && untouched(before, r.ledger.Entries[ref], manager) {
		return nil // the watch was behind: it is as we wrote it
	}
	if before != nil && !p.Adopt && !ours(before) && before.UID != r.ledger.Entries[ref].UID {
		return &ConflictError{Ref: ref, Managers: managersOf(before.ManagedFields)}
	}
	got, err := send(ctx, c, o, manager, before != nil || action != Create)
	if apierrors.IsInvalid(err) && action != Create {
		if err = overwrite(ctx, c, o, manager); err == nil {
			got, err = send(ctx, c, o, manager, true)
		}
	}
	if err != nil {
		return fmt.Errorf("applying %s: %w", ref, err)
	}
	return r.note(p, o, before, got, action, out)
}

// note records a write in the ledger and in the outcome.
func (r *run) note(p *desired.Part, o *unstructured.Unstructured, before *metav1.PartialObjectMetadata, got *unstructured.Unstructured, action Action, out *observed.Part) error {
	ref, manager := desired.RefOf(o), names.FieldManager(string(p.Name))
	hash, err := drift.FieldsHash(got.GetManagedFields(), manager)
	if err != nil {
		return fmt.Errorf("reading back %s: %w", ref, err)
	}
	r.ledger.Entries[ref] = ledger.Entry{
		Part: p.Name, Version: o.GroupVersionKind().Version,
		UID: got.GetUID(), Digest: p.DigestOf(o), Fields: hash,
	}
	if r.View.Seen(ref.GroupKind()) != "" {
		r.fresh[ref] = got.GetResourceVersion()
	}
	r.written = true
	out.Changed++
	if action == Repair {
		out.Repaired = append(out.Repaired, observed.Finding{
			Object: ref.String(), APIVersion: o.GetAPIVersion(), Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name,
			Message: whatHappened(before, got, manager),
		})
	}
	return nil
}

// send applies the wish and returns the object as stored. force takes over the
// fields that others own.
func send(ctx context.Context, c client.Client, o *unstructured.Unstructured, manager string, force bool) (*unstructured.Unstructured, error) {
	opts := []client.ApplyOption{client.FieldOwner(manager)}
	if force {
		opts = append(opts, client.ForceOwnership)
	}
	got := o.DeepCopy()
	return got, c.Apply(ctx, client.ApplyConfigurationFromUnstructured(got), opts...)
}

// overwrite sets the fields of the wish as a whole. Server-side apply merges
// lists with what others added to them, and the outcome can be one that the API
// server refuses: a policy binding that somebody set to Warn would get Deny
// beside it. What is ours is then written over, and the ownership that such a
// patch leaves behind is folded into that of server-side apply.
func overwrite(ctx context.Context, c client.Client, o *unstructured.Unstructured, manager string) error {
	raw, err := o.MarshalJSON()
	if err != nil {
		return fmt.Errorf("encoding the wish: %w", err)
	}
	got := o.DeepCopy()
	if err := c.Patch(ctx, got, client.RawPatch(types.MergePatchType, raw), client.FieldOwner(manager)); err != nil {
		return fmt.Errorf("overwriting what others merged into it: %w", err)
	}
	fold, err := csaupgrade.UpgradeManagedFieldsPatch(got, sets.New(manager), manager)
	if err != nil || fold == nil {
		return err
	}
	if err := c.Patch(ctx, got, client.RawPatch(types.JSONPatchType, fold)); err != nil {
		return fmt.Errorf("taking over its fields: %w", err)
	}
	return nil
}

// lookUp reads the metadata of an object that is about to be created or
// repaired, nil when it does not exist. An update needs no look.
func (r *run) lookUp(ctx context.Context, o *unstructured.Unstructured, action Action) (*metav1.PartialObjectMetadata, error) {
	if action == Update {
		return nil, nil
	}
	m := &metav1.PartialObjectMetadata{}
	m.SetGroupVersionKind(o.GroupVersionKind())
	err := r.Hub.Get(ctx, types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}, m)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking up %s before writing it: %w", desired.RefOf(o), err)
	}
	return m, nil
}

// ours says whether an object was applied by this operator, in this life of its
// ledger or an earlier one.
func ours(m *metav1.PartialObjectMetadata) bool {
	return m.Labels[names.LabelPlatform] != "" || m.Kind == "Namespace"
}

// untouched says whether an object still is what the ledger says was written.
func untouched(m *metav1.PartialObjectMetadata, entry ledger.Entry, manager string) bool {
	if m == nil || m.UID != entry.UID {
		return false
	}
	hash, err := drift.FieldsHash(m.ManagedFields, manager)
	return err == nil && hash == entry.Fields
}

func managersOf(entries []metav1.ManagedFieldsEntry) []string {
	var list []string
	for _, e := range entries {
		if e.Subresource == "" {
			list = append(list, e.Manager)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func whatHappened(before *metav1.PartialObjectMetadata, after *unstructured.Unstructured, manager string) string {
	if before == nil {
		return "was deleted and has been created again"
	}
	wanted, err := drift.OwnedFields(after.GetManagedFields(), manager)
	if err != nil {
		wanted = nil // it is told without the fields
	}
	return drift.Explain(wanted, before.ManagedFields, manager).String() + "; put back as declared"
}
