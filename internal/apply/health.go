package apply

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/health"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// healthChecker judges objects and remembers each verdict by resource version,
// so that an unchanged object is not read again.
type healthChecker struct {
	client client.Client
	seen   map[desired.Ref]judgement
}

type judgement struct {
	version string
	health  health.Verdict
}

// check judges the objects of a part. known gives a verdict that costs nothing;
// live gives the resource version that the watch has for an object.
func (h *healthChecker) check(ctx context.Context, objects []*unstructured.Unstructured, known func(desired.Ref) (health.Verdict, bool), live func(desired.Ref) (LiveObject, bool)) ([]observed.Finding, error) {
	var bad []observed.Finding
	for _, o := range objects {
		if !health.Judged(o.GetKind()) {
			continue
		}
		ref := desired.RefOf(o)
		verdict, ok := known(ref)
		if ok {
			h.seen[ref] = judgement{health: verdict}
		} else {
			var err error
			if verdict, err = h.one(ctx, o, ref, live); err != nil {
				return nil, err
			}
		}
		if !verdict.Ready {
			bad = append(bad, observed.Finding{Object: ref.String(), Message: verdict.Message, Serving: verdict.Serving})
		}
	}
	return bad, nil
}

func (h *healthChecker) one(ctx context.Context, o *unstructured.Unstructured, ref desired.Ref, live func(desired.Ref) (LiveObject, bool)) (health.Verdict, error) {
	l, ok := live(ref)
	if j, seen := h.seen[ref]; ok && seen && j.version == l.ResourceVersion {
		return j.health, nil
	}
	got := &unstructured.Unstructured{}
	got.SetGroupVersionKind(o.GroupVersionKind())
	err := h.client.Get(ctx, types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name}, got)
	if apierrors.IsNotFound(err) {
		return health.Verdict{Message: "it does not exist"}, nil
	}
	if err != nil {
		return health.Verdict{}, fmt.Errorf("reading %s for its health: %w", ref, err)
	}
	verdict := health.Judge(got)
	h.seen[ref] = judgement{version: got.GetResourceVersion(), health: verdict}
	return verdict, nil
}

// verdict of an object as last judged; for reports such as those of issuers.
func (h *healthChecker) verdict(ref desired.Ref) (health.Verdict, bool) {
	j, ok := h.seen[ref]
	return j.health, ok
}
