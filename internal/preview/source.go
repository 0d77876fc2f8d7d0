package preview

import (
	"context"
	"maps"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/plan"
	"github.com/tlsplatform/tls-platform-operator/internal/resolve"
)

// Source makes the plan for one cluster, as the hub makes it.
type Source struct {
	// Charts of the components, from their registry.
	Charts resolve.Renderer
	// Stored are the charts that the cluster keeps.
	Stored resolve.Store
	// Secrets reads pull Secrets from Namespace.
	Secrets client.Reader
	// Local says that it is the hub's own cluster.
	Local bool
	// Namespace of the operator, in the cluster and where Secrets reads.
	Namespace string
	// HubUID is the UID of the namespace kube-system of the hub's own cluster.
	HubUID string
	// TakenFrom is the UID of the hub that the cluster belonged to before; empty
	// for none.
	TakenFrom string
	// AgentImage is the image of the agent; empty when nobody said.
	AgentImage string
	// Now decides which exceptions have ended.
	Now time.Time
}

// Plan makes the plan of a platform, of which the spec is already that of the
// cluster, from the cluster's facts and its ledger, nil for none. next is when
// time alone will change it, nil for never. What stands in the way of a
// component is its part's Hold. The hub gets there in steps, since it learns of
// kinds once they are served; this is the plan that it ends with.
func (s *Source) Plan(ctx context.Context, platform *v1alpha1.TLSPlatform, facts observed.Cluster, l *ledger.Ledger) (wanted *desired.Plan, next *time.Time) {
	facts.Installs = resolve.Settle(&platform.Spec, facts.Installs, healthyVersions(l))
	charts := resolve.Charts{
		Store: s.Stored, Renderer: s.Charts, Secrets: s.Secrets, Namespace: s.Namespace, Unreadable: unreadable,
	}
	in := plan.Input{
		Platform: platform, Facts: &facts, Local: s.Local, Hub: names.HubUser(s.Namespace), Now: s.Now,
		HubUID: s.HubUID, TakenFrom: s.TakenFrom, Namespace: s.Namespace, AgentImage: s.AgentImage,
		Charts: charts.Of(ctx, platform, &facts),
	}
	wanted, next = plan.Build(in)
	for {
		more, grown := withDefinitions(facts.APIs, wanted)
		if !grown {
			return wanted, next
		}
		facts.APIs = more
		wanted, next = plan.Build(in)
	}
}

// withDefinitions adds the kinds that the custom resource definitions of a plan
// bring; grown is false when all of them are served already.
func withDefinitions(apis observed.APIs, wanted *desired.Plan) (more observed.APIs, grown bool) {
	more = maps.Clone(apis)
	if more == nil {
		more = observed.APIs{}
	}
	for i := range wanted.Parts {
		for _, o := range wanted.Parts[i].Objects {
			if !isDefinition(o) {
				continue
			}
			group, _, _ := unstructured.NestedString(o.Object, "spec", "group")
			kind, _, _ := unstructured.NestedString(o.Object, "spec", "names", "kind")
			gk := apischema.GroupKind{Group: group, Kind: kind}
			for _, version := range servedVersions(o) {
				if !slices.Contains(more[gk], version) {
					more[gk] = append(slices.Clone(more[gk]), version)
					grown = true
				}
			}
		}
	}
	return more, grown
}

// servedVersions of a custom resource definition.
func servedVersions(def *unstructured.Unstructured) []string {
	var served []string
	versions, _, _ := unstructured.NestedFieldNoCopy(def.Object, "spec", "versions")
	list, _ := versions.([]any)
	for _, item := range list {
		version, _ := item.(map[string]any)
		if name, ok := version["name"].(string); ok && version["served"] == true {
			served = append(served, name)
		}
	}
	return served
}

// healthyVersions are the versions of components that were healthy once, as the
// ledger says, nil for none.
func healthyVersions(l *ledger.Ledger) map[desired.PartName]string {
	versions := map[desired.PartName]string{}
	if l == nil {
		return versions
	}
	for part, state := range l.Releases {
		if state.Healthy != nil {
			versions[part] = state.Healthy.Version
		}
	}
	return versions
}

// unreadable says why the pull Secret can't be read by who previews.
func unreadable(err error) desired.Hold {
	if apierrors.IsForbidden(err) {
		return desired.Hold{Reason: v1alpha1.ReasonForbidden, Message: err.Error()}
	}
	return desired.Hold{Reason: v1alpha1.ReasonChartUnavailable, Message: err.Error()}
}
