package access

import (
	"fmt"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// Build the part. It is empty for the hub's own cluster, where the operator is
// installed with all of it; and held where the definitions are newer than ours,
// since writing them would drop fields that somebody uses.
func Build(namespace string, local bool, facts *observed.Cluster) desired.Part {
	// What is there was made with the first credential, before there was a plan.
	part := desired.Part{Name: desired.Access, Identity: desired.IdentityInstaller, Adopt: true}
	if local {
		return part
	}
	if facts.SchemaRevision > names.SchemaRevision {
		part.Hold = &desired.Hold{Reason: v1alpha1.ReasonNewerSchema, Terminal: true, Message: fmt.Sprintf(
			"the definitions of %s in cluster %s have schema revision %d, and this operator has %d: a newer operator was here; upgrade this one, or let the newer one manage the cluster",
			v1alpha1.GroupVersion.Group, facts.Name, facts.SchemaRevision, names.SchemaRevision)}
		return part
	}
	objects, err := Objects(namespace)
	if err != nil {
		part.Hold = &desired.Hold{Reason: v1alpha1.ReasonRenderFailed, Terminal: true, Message: err.Error()}
		return part
	}
	part.Objects = objects
	return part
}
