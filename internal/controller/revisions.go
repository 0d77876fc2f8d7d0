package controller

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/override"
)

// keptRevisions is how many revisions are kept that no cluster has.
const keptRevisions = 5

// revisions keeps the specs that clusters were told to have, as Kubernetes keeps
// those of its own workloads: in ControllerRevisions. Clusters whose turn has not
// come keep the spec that they have, also after the hub was restarted.
type revisions struct {
	home *Home

	mu     sync.Mutex
	loaded map[types.UID]bool
	known  map[string]*revision
}

type revision struct {
	platform types.UID
	number   int64
	data     []byte
	spec     *v1alpha1.TLSPlatformSpec
	// merged are the specs of clusters, by the overrides that were applied.
	merged map[string]*v1alpha1.TLSPlatformSpec
}

func newRevisions(home *Home) *revisions {
	return &revisions{home: home, loaded: map[types.UID]bool{}, known: map[string]*revision{}}
}

// target is the name of the revision of the platform's spec as it is now. It is
// stored when it is new.
func (r *revisions) target(ctx context.Context, platform *v1alpha1.TLSPlatform) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.load(ctx, platform); err != nil {
		return "", err
	}
	data, hash, err := override.Revision(&platform.Spec)
	if err != nil {
		return "", fmt.Errorf("TLSPlatform %s: %w", platform.Name, err)
	}
	name := platform.Name + "-" + hash
	if known := r.known[name]; known != nil && known.platform == platform.UID && bytes.Equal(known.data, data) {
		return name, nil
	}
	object := &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: r.home.Namespace, Name: name, Labels: map[string]string{names.LabelPlatform: platform.Name},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(platform, v1alpha1.GroupVersion.WithKind("TLSPlatform"))},
		},
		Data: runtime.RawExtension{Raw: data}, Revision: r.last(platform.UID) + 1,
	}
	err = r.home.Client.Create(ctx, object)
	if apierrors.IsAlreadyExists(err) { // of a platform of that name before
		if err = r.home.Client.Delete(ctx, object); client.IgnoreNotFound(err) == nil {
			err = r.home.Client.Create(ctx, object)
		}
	}
	if err != nil {
		return "", fmt.Errorf("keeping the spec of TLSPlatform %s as ControllerRevision %s: %w", platform.Name, name, err)
	}
	return name, r.add(object, platform.UID)
}

// load reads the revisions of a platform, once.
func (r *revisions) load(ctx context.Context, platform *v1alpha1.TLSPlatform) error {
	if r.loaded[platform.UID] {
		return nil
	}
	var list appsv1.ControllerRevisionList
	err := r.home.Client.List(ctx, &list, client.InNamespace(r.home.Namespace), client.MatchingLabels{names.LabelPlatform: platform.Name})
	if err != nil {
		return fmt.Errorf("reading the ControllerRevisions of TLSPlatform %s: %w", platform.Name, err)
	}
	for i := range list.Items {
		item := &list.Items[i]
		if !metav1.IsControlledBy(item, platform) {
			continue
		}
		// One that can't be read is of another operator: clusters that have it are
		// told the spec of now.
		if err := r.add(item, platform.UID); err != nil {
			log.FromContext(ctx).Error(err, "Leaving a revision out")
		}
	}
	r.loaded[platform.UID] = true
	return nil
}

func (r *revisions) add(object *appsv1.ControllerRevision, platform types.UID) error {
	spec, err := override.FromRevision(object.Data.Raw)
	if err != nil {
		return fmt.Errorf("reading ControllerRevision %s: %w", object.Name, err)
	}
	r.known[object.Name] = &revision{
		platform: platform, number: object.Revision, data: object.Data.Raw, spec: spec, merged: map[string]*v1alpha1.TLSPlatformSpec{},
	}
	return nil
}

func (r *revisions) last(platform types.UID) int64 {
	var n int64
	for _, known := range r.known {
		if known.platform == platform {
			n = max(n, known.number)
		}
	}
	return n
}

// exists says whether a revision of the platform is known.
func (r *revisions) exists(name string, platform types.UID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.known[name]
	return known != nil && known.platform == platform
}

// assignment of a revision to a cluster with the given labels. Clusters with the
// same overrides share the spec.
func (r *revisions) assignment(platform *v1alpha1.TLSPlatform, name string, labels map[string]string) (*Assignment, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.known[name]
	if known == nil {
		return nil, fmt.Errorf("revision %s of TLSPlatform %s is not kept any more", name, platform.Name)
	}
	applied, err := override.Matching(known.spec, labels)
	if err != nil {
		return nil, fmt.Errorf("TLSPlatform %s: %w", platform.Name, err)
	}
	key := strings.Join(applied, ",")
	spec := known.merged[key]
	if spec == nil {
		if spec, _, err = override.For(known.spec, labels); err != nil {
			return nil, fmt.Errorf("TLSPlatform %s: %w", platform.Name, err)
		}
		known.merged[key] = spec
	}
	own := &v1alpha1.TLSPlatform{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "TLSPlatform"},
		ObjectMeta: metav1.ObjectMeta{
			Name: platform.Name, UID: platform.UID, CreationTimestamp: platform.CreationTimestamp, Generation: platform.Generation,
		},
		Spec: *spec,
	}
	own.Spec.DeletionPolicy = platform.Spec.DeletionPolicy
	correct := platform.Spec.Delivery.CorrectDrift
	return &Assignment{
		Platform: own, Revision: name, Key: name + "/" + key,
		ReportOnly: correct != nil && !*correct, Suspended: platform.Spec.Suspend,
	}, nil
}

// prune deletes old revisions that are not in use.
func (r *revisions) prune(ctx context.Context, platform types.UID, used map[string]bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var spare []string
	for name, known := range r.known {
		if known.platform == platform && !used[name] {
			spare = append(spare, name)
		}
	}
	if len(spare) <= keptRevisions {
		return nil
	}
	slices.SortFunc(spare, func(a, b string) int { return int(r.known[a].number - r.known[b].number) })
	for _, name := range spare[:len(spare)-keptRevisions] {
		object := &appsv1.ControllerRevision{ObjectMeta: metav1.ObjectMeta{Namespace: r.home.Namespace, Name: name}}
		if err := r.home.Client.Delete(ctx, object); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting ControllerRevision %s: %w", name, err)
		}
		delete(r.known, name)
	}
	return nil
}

// forget the revisions of a platform that is gone; its owner references remove
// the objects.
func (r *revisions) forget(platform types.UID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.loaded, platform)
	for name, known := range r.known {
		if known.platform == platform {
			delete(r.known, name)
		}
	}
}

// assignedAt is when a cluster was told to have a revision.
func assignedAt(m *v1alpha1.MemberCluster) time.Time {
	if m.Status.Revision == nil {
		return time.Time{}
	}
	return m.Status.Revision.Since.Time
}
