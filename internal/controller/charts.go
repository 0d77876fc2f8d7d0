package controller

import (
	"context"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/apply"
	"github.com/tlsplatform/tls-platform-operator/internal/chart"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/plan"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/component"
)

// maxCharts bounds how many rendered charts are kept in memory for all clusters.
// A fleet needs a few: one for each version, set of values and minor version of
// Kubernetes.
const maxCharts = 16

// Charts pulls and renders charts, once for all clusters that need the same.
type Charts struct {
	// Client pulls charts.
	Client *chart.Client
	// Home has the pull Secret.
	Home *Home

	mu       sync.Mutex
	rendered []preparedChart // the last used one is the last
}

// preparedChart is shared by all clusters of a platform.
type preparedChart struct {
	platform, part string
	chart          desired.RenderedChart
}

func (c *Charts) get(platform, part, key string) (desired.RenderedChart, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.rendered, func(p preparedChart) bool {
		return p.chart.Key == key && p.platform == platform && p.part == part
	})
	if i < 0 {
		return desired.RenderedChart{}, false
	}
	found := c.rendered[i]
	c.rendered = append(slices.Delete(c.rendered, i, i+1), found)
	return found.chart, true
}

// put a chart in, and return the one that all share.
func (c *Charts) put(platform, part string, r desired.RenderedChart) desired.RenderedChart {
	if known, ok := c.get(platform, part, r.Key); ok {
		return known
	}
	prepared := plan.Prepare(r, platform, desired.PartName(part))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rendered = append(c.rendered, preparedChart{platform, part, prepared})
	if len(c.rendered) > maxCharts {
		c.rendered = slices.Delete(c.rendered, 0, 1)
	}
	return prepared
}

// charts returns the rendered charts of the Managed components.
func (c *Cluster) charts(ctx context.Context, platform *v1alpha1.TLSPlatform, facts *observed.Cluster) map[desired.PartName]plan.Chart {
	charts := map[desired.PartName]plan.Chart{}
	for _, name := range []desired.PartName{desired.CertManager, desired.TrustManager} {
		if spec := plan.SpecOf(&platform.Spec, name); plan.Managed(spec) {
			charts[name] = c.chart(ctx, platform, name, spec, facts)
		}
	}
	return charts
}

// chart returns the rendered chart of a component: one that another cluster
// needed too, the one that the cluster keeps, or else from the registry.
func (c *Cluster) chart(ctx context.Context, platform *v1alpha1.TLSPlatform, name desired.PartName, spec *v1alpha1.Component, facts *observed.Cluster) plan.Chart {
	registry := platform.Spec.Components.Registry
	opts := component.Options{CertManagerNamespace: plan.CertManagerNamespace(&platform.Spec, facts)}
	request, hold := component.Request(name, spec, registry, facts, opts)
	if hold != nil {
		return plan.Chart{Hold: hold}
	}
	if known, ok := c.Charts.get(platform.Name, string(name), request.Key()); ok {
		return plan.Chart{Rendered: known}
	}
	rendered, found, err := c.engine.StoredChart(ctx, name, request.Key())
	if err != nil {
		return plan.Chart{Hold: &desired.Hold{Reason: v1alpha1.ReasonChartUnavailable, Message: err.Error()}}
	}
	if !found {
		credentials, hold := c.Charts.credentials(ctx, registry)
		if hold != nil {
			return plan.Chart{Hold: hold}
		}
		if rendered, err = c.Charts.Client.Render(ctx, request, credentials); err != nil {
			return plan.Chart{Hold: chartHold(err)}
		}
	}
	return plan.Chart{Rendered: c.Charts.put(platform.Name, string(name), rendered)}
}

// credentials reads the pull Secret from the operator's own namespace.
func (c *Charts) credentials(ctx context.Context, registry *v1alpha1.Registry) (chart.Credentials, *desired.Hold) {
	if registry == nil || registry.PullSecretRef == nil {
		return chart.Credentials{}, nil
	}
	key := types.NamespacedName{Namespace: c.Home.Namespace, Name: registry.PullSecretRef.Name}
	var secret corev1.Secret
	err := c.Home.Client.Get(ctx, key, &secret)
	switch {
	case apierrors.IsNotFound(err):
		return chart.Credentials{}, &desired.Hold{Reason: v1alpha1.ReasonPullSecretMissing, Message: fmt.Sprintf(
			"the pull Secret %s does not exist; create it with kubectl -n %s create secret docker-registry %s …, it is looked for again every few seconds",
			key, key.Namespace, key.Name)}
	case err != nil:
		failure := apply.Classify(fmt.Errorf("reading the pull Secret %s: %w", key, err), desired.IdentityHub)
		return chart.Credentials{}, &desired.Hold{Reason: failure.Reason, Message: failure.Message}
	}
	credentials, err := chart.ParseDockerConfig(secret.Data[corev1.DockerConfigJsonKey])
	if err != nil {
		return chart.Credentials{}, &desired.Hold{Reason: v1alpha1.ReasonPullSecretMissing, Message: fmt.Sprintf(
			"the pull Secret %s has no usable %s: %v; create it with kubectl create secret docker-registry", key, corev1.DockerConfigJsonKey, err)}
	}
	return credentials, nil
}
