package controller

import (
	"context"
	"slices"
	"sync"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/apply"
	"github.com/tlsplatform/tls-platform-operator/internal/chart"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/plan"
	"github.com/tlsplatform/tls-platform-operator/internal/resolve"
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

// sharedCharts are the charts of one platform, as one of its clusters gets them:
// those that another cluster needed too come first.
type sharedCharts struct {
	*Charts
	platform string
	engine   *apply.Engine
}

// StoredChart implements resolve.Store.
func (s *sharedCharts) StoredChart(ctx context.Context, part desired.PartName, key string) (rendered desired.RenderedChart, found bool, err error) {
	if known, ok := s.get(s.platform, string(part), key); ok {
		return known, true, nil
	}
	rendered, found, err = s.engine.StoredChart(ctx, part, key)
	if err != nil || !found {
		return desired.RenderedChart{}, false, err
	}
	return s.put(s.platform, string(part), rendered), true, nil
}

// Render implements resolve.Renderer.
func (s *sharedCharts) Render(ctx context.Context, request desired.ChartRequest, credentials chart.Credentials) (desired.RenderedChart, error) {
	rendered, err := s.Client.Render(ctx, request, credentials)
	if err != nil {
		return desired.RenderedChart{}, err
	}
	return s.put(s.platform, string(request.Component), rendered), nil
}

// charts returns the rendered charts of the Managed components.
func (c *Cluster) charts(ctx context.Context, platform *v1alpha1.TLSPlatform, facts *observed.Cluster) map[desired.PartName]plan.Chart {
	shared := &sharedCharts{Charts: c.Charts, platform: platform.Name, engine: c.engine}
	charts := resolve.Charts{
		Store: shared, Renderer: shared, Secrets: c.Charts.Home.Client, Namespace: c.Charts.Home.Namespace,
		Unreadable: func(err error) desired.Hold {
			failure := apply.Classify(err, desired.IdentityHub)
			return desired.Hold{Reason: failure.Reason, Message: failure.Message}
		},
	}
	return charts.Of(ctx, platform, facts)
}
