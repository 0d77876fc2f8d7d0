package fleet

import (
	"context"
	"fmt"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

const (
	// Roles take a moment until the API server that wrote them, and others behind
	// the same address, know them.
	settleEvery = 200 * time.Millisecond
	settleLimit = 5 * time.Second
	// accessPart is the part of the plan that writes the same objects later on,
	// under the same field manager.
	accessPart = "access"
)

// introduce makes the operator's identities and kinds in a member, under the
// credential that somebody gave. Where a newer operator was before, what exists
// is left as it is.
func (d *Dialer) introduce(ctx context.Context, c *Connection) error {
	objects, err := d.Access(d.Namespace)
	if err != nil {
		return fmt.Errorf("building the identities for cluster %s: %w", c.Name, err)
	}
	before := make([]*metav1.PartialObjectMetadata, len(objects))
	newer := false
	for i, o := range objects {
		if before[i], err = c.metadataOf(ctx, o); err != nil {
			return err
		}
		newer = newer || revisionOf(before[i]) > names.SchemaRevision
	}
	manager := names.FieldManager(accessPart)
	for i, o := range objects {
		if newer && before[i] != nil {
			continue
		}
		o = o.DeepCopy()
		keepLabels(o, before[i])
		if err := c.Hub.Apply(ctx, client.ApplyConfigurationFromUnstructured(o), client.FieldOwner(manager), client.ForceOwnership); err != nil {
			return fmt.Errorf("applying %s in cluster %s, for the operator's own identity: %w", objectName(o.GetKind(), o), c.Name, err)
		}
	}
	return nil
}

// ClaimError says that another hub manages a member. Nothing was written there.
type ClaimError struct {
	// Cluster is the name of the MemberCluster, Hub the UID of the other hub.
	Cluster, Hub string
}

// Error implements error.
func (e *ClaimError) Error() string {
	return fmt.Sprintf("cluster %s is managed by the hub with UID %s", e.Cluster, e.Hub)
}

// claimed looks whether another hub manages the member, before anything is
// written there.
func (d *Dialer) claimed(ctx context.Context, c *Connection, member *v1alpha1.MemberCluster) error {
	own, err := d.HubUID(ctx)
	if err != nil {
		return err
	}
	agent := &v1alpha1.TLSAgent{}
	err = c.Hub.Get(ctx, client.ObjectKey{Name: v1alpha1.AgentName}, agent)
	switch hub := agent.Spec.Hub.UID; {
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return nil
	case err != nil:
		return fmt.Errorf("reading TLSAgent %s of cluster %s: %w", v1alpha1.AgentName, c.Name, err)
	case hub != own && hub != member.Spec.TakeOverFrom:
		return &ClaimError{Cluster: c.Name, Hub: hub}
	}
	return nil
}

// keepLabels keeps what a plan labelled: it applies the same objects under the
// same field manager, which would else give up its labels.
func keepLabels(o *unstructured.Unstructured, before *metav1.PartialObjectMetadata) {
	if before == nil {
		return
	}
	labels := o.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	for _, name := range []string{names.LabelPlatform, names.LabelPart} {
		if value, found := before.Labels[name]; found {
			labels[name] = value
		}
	}
	o.SetLabels(labels)
}

// metadataOf an object as it is in the cluster, nil when it is not there.
func (c *Connection) metadataOf(ctx context.Context, o *unstructured.Unstructured) (*metav1.PartialObjectMetadata, error) {
	m := &metav1.PartialObjectMetadata{}
	m.SetGroupVersionKind(o.GroupVersionKind())
	err := c.Hub.Get(ctx, client.ObjectKeyFromObject(o), m)
	switch {
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading %s of cluster %s: %w", objectName(o.GetKind(), o), c.Name, err)
	}
	return m, nil
}

// revisionOf one of the operator's own definitions; zero for everything else.
func revisionOf(m *metav1.PartialObjectMetadata) int {
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m.Annotations[names.AnnotationSchemaRevision])
	if err != nil {
		return 0
	}
	return n
}

// settle waits until the member grants what was just written, which a first run
// would else take for a lack of permission.
func (c *Connection) settle(ctx context.Context) error {
	if err := c.Probe(ctx); err != nil {
		return err
	}
	var last error
	err := wait.PollUntilContextTimeout(ctx, settleEvery, settleLimit, true, func(ctx context.Context) (bool, error) {
		_, _, last = c.Heartbeat(ctx)
		if apierrors.IsForbidden(last) {
			return false, nil
		}
		return true, last
	})
	if err != nil && last != nil {
		return fmt.Errorf("using the operator's own identity: %w", last)
	}
	return err
}
