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
	utilversion "k8s.io/apimachinery/pkg/util/version"
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

// RefusalError says why nothing may be done to a member that answers. Nothing was
// written there.
type RefusalError struct {
	// Reason is a condition reason.
	Reason string
	// Message says what was found and what to do.
	Message string
}

// Error implements error.
func (e *RefusalError) Error() string { return e.Message }

// OldestKubernetes is the first minor version that has what the estate needs:
// ValidatingAdmissionPolicy is stable since then.
const OldestKubernetes = "1.30"

// CheckVersion refuses a version of Kubernetes that is too old. One that can't be
// read is let pass.
func CheckVersion(kubernetes string) *RefusalError {
	version, unreadable := utilversion.ParseGeneric(kubernetes)
	if version == nil || unreadable != nil || version.AtLeast(utilversion.MustParseGeneric(OldestKubernetes)) {
		return nil //nolint:nilerr // see above
	}
	return &RefusalError{Reason: v1alpha1.ReasonKubernetesTooOld, Message: fmt.Sprintf(
		"the cluster runs Kubernetes %s, and the estate needs %s or newer: upgrade it, or change its labels so that no TLSPlatform selects it",
		kubernetes, OldestKubernetes)}
}

// CheckClaim refuses a cluster that another hub manages. own is the UID of this
// hub, before that of one that it takes over from.
func CheckClaim(hub, own, before string) *RefusalError {
	if hub == "" || hub == own || hub == before {
		return nil
	}
	return &RefusalError{Reason: v1alpha1.ReasonClaimedByOtherHub, Message: fmt.Sprintf(
		"the hub with UID %s manages this cluster (TLSAgent %s there): delete its MemberCluster on that hub; when that is done, or that hub is gone for good, set spec.takeOverFrom: %s here",
		hub, v1alpha1.AgentName, hub)}
}

// check whether the member may be worked on, before anything is written there.
func (d *Dialer) check(ctx context.Context, c *Connection, member *v1alpha1.MemberCluster) error {
	version, err := c.Discovery.ServerVersion()
	if err != nil {
		return fmt.Errorf("asking cluster %s for its version: %w", c.Name, err)
	}
	if refusal := CheckVersion(version.GitVersion); refusal != nil {
		return refusal
	}
	own, err := d.HubUID(ctx)
	if err != nil {
		return err
	}
	agent := &v1alpha1.TLSAgent{}
	err = c.Hub.Get(ctx, client.ObjectKey{Name: v1alpha1.AgentName}, agent)
	switch {
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return nil
	case err != nil:
		return fmt.Errorf("reading TLSAgent %s of cluster %s: %w", v1alpha1.AgentName, c.Name, err)
	}
	if refusal := CheckClaim(agent.Spec.Hub.UID, own, member.Spec.TakeOverFrom); refusal != nil {
		return refusal
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
