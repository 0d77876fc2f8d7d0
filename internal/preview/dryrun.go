package preview

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// read returns an object as it is in the cluster, nil when it does not exist.
func (r *comparison) read(ctx context.Context, wish *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(wish.GroupVersionKind())
	err := r.client.Get(ctx, client.ObjectKeyFromObject(wish), live)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return live, err
}

// dryRun asks what applying the wish would make of the object. It does what the
// engine does: fields of others are taken over where the object exists, and a
// merge that the API server refuses is overwritten as a whole.
func (r *comparison) dryRun(ctx context.Context, wish *unstructured.Unstructured, manager string, exists bool) (*unstructured.Unstructured, error) {
	opts := []client.ApplyOption{client.FieldOwner(manager), client.DryRunAll}
	if exists {
		opts = append(opts, client.ForceOwnership)
	}
	after := wish.DeepCopy()
	err := r.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(after), opts...)
	if !exists || !apierrors.IsInvalid(err) {
		return after, err
	}
	raw, encodeErr := wish.MarshalJSON()
	if encodeErr != nil {
		return nil, fmt.Errorf("encoding the wish: %w", encodeErr)
	}
	after = wish.DeepCopy()
	if r.client.Patch(ctx, after, client.RawPatch(types.MergePatchType, raw), client.FieldOwner(manager), client.DryRunAll) != nil {
		return nil, err // the first refusal says more
	}
	return after, nil
}

// notServed says that the cluster does not know the kind.
func notServed(err error) bool { return meta.IsNoMatchError(err) }

// namespaceMissing says that an object could not be made since its namespace
// does not exist.
func namespaceMissing(err error) bool {
	var status apierrors.APIStatus
	if !apierrors.IsNotFound(err) || !errors.As(err, &status) {
		return false
	}
	details := status.Status().Details
	return details != nil && details.Group == "" && details.Kind == "namespaces"
}

// refusal tells whether an error is the API server's judgement of the object,
// which the hub would get as well, or only that it could not be asked.
func refusal(err error) (Action, string) {
	switch {
	case strings.Contains(err.Error(), "does not support dry run"): // of a webhook
		return Unknown, problem(err)
	case lacksRight(err):
		return Unknown, problem(err)
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsConflict(err), apierrors.IsForbidden(err):
		return Refused, problem(err)
	default:
		return Unknown, problem(err)
	}
}

// lacksRight says that the user may not do what was asked. What admission
// refuses is forbidden too, and says it in other words.
func lacksRight(err error) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "cannot ")
}

// maxProblem bounds how many characters of an API server's message are shown.
const maxProblem = 1000

// problem says what the API server answered, and whose right is missing.
func problem(err error) string {
	text := err.Error()
	if lacksRight(err) {
		text = "you lack a right that this takes: " + text
	}
	if r := []rune(text); len(r) > maxProblem {
		text = string(r[:maxProblem-1]) + "…"
	}
	return text
}
