package preview

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/chart"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/plan"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/component"
)

// Charts renders charts; *chart.Client does.
type Charts interface {
	// Render pulls a chart and renders it. Every error is a *chart.Error.
	Render(context.Context, desired.ChartRequest, chart.Credentials) (desired.RenderedChart, error)
}

// StoredCharts are the rendered charts that a cluster keeps; *apply.Engine reads
// them.
type StoredCharts interface {
	// StoredChart returns the chart with a key; found is false when it is not
	// kept.
	StoredChart(ctx context.Context, part desired.PartName, key string) (rendered desired.RenderedChart, found bool, err error)
}

// Source makes the plan for one cluster, as the hub makes it.
type Source struct {
	// Charts of the components, from their registry.
	Charts Charts
	// Stored are the charts that the cluster keeps, nil for none.
	Stored StoredCharts
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
	facts.Installs = Settle(&platform.Spec, facts.Installs, l)
	in := plan.Input{
		Platform: platform, Facts: &facts, Local: s.Local, Hub: names.HubUser(s.Namespace), Now: s.Now,
		HubUID: s.HubUID, TakenFrom: s.TakenFrom, Namespace: s.Namespace, AgentImage: s.AgentImage,
		Charts: map[desired.PartName]plan.Chart{},
	}
	for _, name := range []desired.PartName{desired.CertManager, desired.TrustManager} {
		if spec := plan.SpecOf(&platform.Spec, name); plan.Managed(spec) {
			in.Charts[name] = s.chart(ctx, platform, name, spec, &facts)
		}
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

// Settle replaces the version that a component of the platform seems to run by
// the last one that was healthy: going back from an upgrade that failed is no
// downgrade.
func Settle(spec *v1alpha1.TLSPlatformSpec, installs map[string]observed.Install, l *ledger.Ledger) map[string]observed.Install {
	settled := make(map[string]observed.Install, len(installs))
	for name, install := range installs {
		if install.Owner == observed.OwnerPlatform {
			part := desired.PartName(name)
			c := plan.SpecOf(spec, part)
			switch {
			case l != nil && l.Releases[part].Healthy != nil:
				install.Version = l.Releases[part].Healthy.Version
			case c != nil:
				install.Version = c.Version
			}
		}
		settled[name] = install
	}
	return settled
}

// chart returns the rendered chart of a component: the one that the cluster
// keeps, or else from the registry.
func (s *Source) chart(ctx context.Context, platform *v1alpha1.TLSPlatform, name desired.PartName, spec *v1alpha1.Component, facts *observed.Cluster) plan.Chart {
	registry := platform.Spec.Components.Registry
	opts := component.Options{CertManagerNamespace: plan.CertManagerNamespace(&platform.Spec, facts)}
	request, hold := component.Request(name, spec, registry, facts, opts)
	if hold != nil {
		return plan.Chart{Hold: hold}
	}
	if s.Stored != nil {
		stored, found, err := s.Stored.StoredChart(ctx, name, request.Key())
		if err != nil {
			return plan.Chart{Hold: &desired.Hold{Reason: v1alpha1.ReasonChartUnavailable, Message: err.Error()}}
		}
		if found {
			return plan.Chart{Rendered: stored}
		}
	}
	credentials, hold := s.credentials(ctx, registry)
	if hold != nil {
		return plan.Chart{Hold: hold}
	}
	rendered, err := s.Charts.Render(ctx, request, credentials)
	if err != nil {
		return plan.Chart{Hold: chartHold(err)}
	}
	return plan.Chart{Rendered: rendered}
}

// credentials of the registry, from the pull Secret.
func (s *Source) credentials(ctx context.Context, registry *v1alpha1.Registry) (chart.Credentials, *desired.Hold) {
	if registry == nil || registry.PullSecretRef == nil {
		return chart.Credentials{}, nil
	}
	key := types.NamespacedName{Namespace: s.Namespace, Name: registry.PullSecretRef.Name}
	var secret corev1.Secret
	err := s.Secrets.Get(ctx, key, &secret)
	switch {
	case apierrors.IsNotFound(err):
		return chart.Credentials{}, &desired.Hold{Reason: v1alpha1.ReasonPullSecretMissing, Message: fmt.Sprintf(
			"the pull Secret %s does not exist; create it with kubectl -n %s create secret docker-registry %s …, it is looked for again every few seconds",
			key, key.Namespace, key.Name)}
	case apierrors.IsForbidden(err):
		return chart.Credentials{}, &desired.Hold{Reason: v1alpha1.ReasonForbidden, Message: fmt.Sprintf("reading the pull Secret %s: %v", key, err)}
	case err != nil:
		return chart.Credentials{}, &desired.Hold{Reason: v1alpha1.ReasonChartUnavailable, Message: fmt.Sprintf("reading the pull Secret %s: %v", key, err)}
	}
	credentials, err := chart.ParseDockerConfig(secret.Data[corev1.DockerConfigJsonKey])
	if err != nil {
		return chart.Credentials{}, &desired.Hold{Reason: v1alpha1.ReasonPullSecretMissing, Message: fmt.Sprintf(
			"the pull Secret %s has no usable %s: %v; create it with kubectl create secret docker-registry", key, corev1.DockerConfigJsonKey, err)}
	}
	return credentials, nil
}

// chartReasons translates what stands in the way of a chart into a condition's
// reason.
var chartReasons = map[chart.Kind]string{
	chart.KindUnavailable:    v1alpha1.ReasonChartUnavailable,
	chart.KindUnauthorized:   v1alpha1.ReasonChartUnavailable,
	chart.KindNotFound:       v1alpha1.ReasonChartUnavailable,
	chart.KindDigestMismatch: v1alpha1.ReasonDigestMismatch,
	chart.KindInvalidRequest: v1alpha1.ReasonInvalidSpec,
	chart.KindInvalidValues:  v1alpha1.ReasonInvalidValues,
	chart.KindRenderFailed:   v1alpha1.ReasonRenderFailed,
}

func chartHold(err error) *desired.Hold {
	hold := &desired.Hold{Reason: v1alpha1.ReasonChartUnavailable, Message: err.Error()}
	var failure *chart.Error
	if errors.As(err, &failure) {
		hold.Reason, hold.Terminal = chartReasons[failure.Kind], failure.Terminal()
	}
	return hold
}
