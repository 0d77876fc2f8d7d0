package resolve

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/chart"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/plan"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/component"
)

// Renderer renders charts; *chart.Client does.
type Renderer interface {
	// Render pulls a chart and renders it. Every error is a *chart.Error.
	Render(context.Context, desired.ChartRequest, chart.Credentials) (desired.RenderedChart, error)
}

// Store has rendered charts that need no registry; *apply.Engine has those that
// a cluster keeps.
type Store interface {
	// StoredChart returns the chart with a key; found is false when it is not
	// kept.
	StoredChart(ctx context.Context, part desired.PartName, key string) (rendered desired.RenderedChart, found bool, err error)
}

// Charts resolves the charts of components: those that are kept, or else from
// the registry.
type Charts struct {
	// Store is asked first.
	Store Store
	// Renderer pulls what the store does not have.
	Renderer Renderer
	// Secrets reads the pull Secret from Namespace.
	Secrets client.Reader
	// Namespace of the operator.
	Namespace string
	// Unreadable is what stands in the way when reading the pull Secret failed.
	// Whose rights are missing depends on who reads.
	Unreadable func(error) desired.Hold
}

// Of returns the charts of the Managed components of a platform, each rendered
// or with what stands in the way.
func (c *Charts) Of(ctx context.Context, platform *v1alpha1.TLSPlatform, facts *observed.Cluster) map[desired.PartName]plan.Chart {
	charts := map[desired.PartName]plan.Chart{}
	for _, name := range []desired.PartName{desired.CertManager, desired.TrustManager} {
		if spec := plan.SpecOf(&platform.Spec, name); plan.Managed(spec) {
			rendered, hold := c.chart(ctx, &platform.Spec, name, spec, facts)
			charts[name] = plan.Chart{Rendered: rendered, Hold: hold}
		}
	}
	return charts
}

func (c *Charts) chart(
	ctx context.Context, platform *v1alpha1.TLSPlatformSpec, name desired.PartName, spec *v1alpha1.Component, facts *observed.Cluster,
) (desired.RenderedChart, *desired.Hold) {
	registry := platform.Components.Registry
	opts := component.Options{CertManagerNamespace: plan.CertManagerNamespace(platform, facts)}
	request, hold := component.Request(name, spec, registry, facts, opts)
	if hold != nil {
		return desired.RenderedChart{}, hold
	}
	stored, found, err := c.Store.StoredChart(ctx, name, request.Key())
	if err != nil {
		return desired.RenderedChart{}, &desired.Hold{Reason: v1alpha1.ReasonChartUnavailable, Message: err.Error()}
	}
	if found {
		return stored, nil
	}
	credentials, hold := c.credentials(ctx, registry)
	if hold != nil {
		return desired.RenderedChart{}, hold
	}
	rendered, err := c.Renderer.Render(ctx, request, credentials)
	if err != nil {
		return desired.RenderedChart{}, chartHold(err)
	}
	return rendered, nil
}

// credentials of the registry, from the pull Secret.
func (c *Charts) credentials(ctx context.Context, registry *v1alpha1.Registry) (chart.Credentials, *desired.Hold) {
	if registry == nil || registry.PullSecretRef == nil {
		return chart.Credentials{}, nil
	}
	key := types.NamespacedName{Namespace: c.Namespace, Name: registry.PullSecretRef.Name}
	var secret corev1.Secret
	err := c.Secrets.Get(ctx, key, &secret)
	switch {
	case apierrors.IsNotFound(err):
		return chart.Credentials{}, &desired.Hold{Reason: v1alpha1.ReasonPullSecretMissing, Message: fmt.Sprintf(
			"the pull Secret %s does not exist; create it with kubectl -n %s create secret docker-registry %s …, it is looked for again every few seconds",
			key, key.Namespace, key.Name)}
	case err != nil:
		hold := c.Unreadable(fmt.Errorf("reading the pull Secret %s: %w", key, err))
		return chart.Credentials{}, &hold
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
