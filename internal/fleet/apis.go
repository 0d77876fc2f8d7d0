package fleet

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// readAPIs fills the set of served kinds, and teaches it to the mapper. A group
// whose server does not answer is left out and named: its kinds are as good as
// absent, and the rest of the cluster is fine.
func (c *Connection) readAPIs(ctx context.Context, apis observed.APIs) (incomplete []string, err error) {
	groups, lists, err := discovery.ToDiscoveryInterfaceWithContext(c.Discovery).ServerGroupsAndResourcesWithContext(ctx)
	if ctx.Err() != nil { // which discovery takes for the silence of every group
		return nil, fmt.Errorf("asking cluster %s for the kinds it serves: %w", c.Name, ctx.Err())
	}
	silent := map[string]bool{}
	if failed, partly := discovery.GroupDiscoveryFailedErrorGroups(err); partly {
		for gv, why := range failed {
			if _, _, transport := Classify(why); transport {
				return nil, fmt.Errorf("asking cluster %s for the kinds it serves: %w", c.Name, why)
			}
			silent[gv.Group] = true
		}
	} else if err != nil {
		return nil, fmt.Errorf("asking cluster %s for the kinds it serves: %w", c.Name, err)
	}
	for _, list := range lists {
		addKinds(apis, list)
	}
	c.mapper.learn(groups, lists, silent)
	return slices.Sorted(maps.Keys(silent)), nil
}

func addKinds(apis observed.APIs, list *metav1.APIResourceList) {
	gv, err := schema.ParseGroupVersion(list.GroupVersion)
	if err != nil {
		return // a server that says so serves nothing that we know
	}
	for _, r := range list.APIResources {
		if strings.Contains(r.Name, "/") {
			continue
		}
		gk := schema.GroupKind{Group: gv.Group, Kind: r.Kind}
		if !slices.Contains(apis[gk], gv.Version) {
			apis[gk] = append(apis[gk], gv.Version)
		}
	}
}

// definitionsOfMembers are the operator's own that every member has.
var definitionsOfMembers = []string{"tlsagents.tlsplatform.io", "certificateslices.tlsplatform.io"}

// schemaRevision is the highest of the operator's own definitions.
func (c *Connection) schemaRevision(ctx context.Context, apis observed.APIs) (int, error) {
	revision := 0
	if !apis.Serves(v1alpha1.GroupVersion.Group, "TLSAgent") {
		return revision, nil
	}
	for _, name := range definitionsOfMembers {
		m, err := c.Metadata.Resource(crdResource).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return revision, fmt.Errorf("reading CustomResourceDefinition %s of cluster %s: %w", name, c.Name, err)
		}
		revision = max(revision, revisionOf(m))
	}
	return revision, nil
}
