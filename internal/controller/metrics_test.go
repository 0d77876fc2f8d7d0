package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// gathered are the series of the metrics, as name of the metric and of the
// cluster or platform.
func gathered(t *testing.T, m *Metrics) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(m); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := map[string]float64{}
	for _, f := range families {
		for _, s := range f.GetMetric() {
			values := make([]string, 0, 1)
			for _, l := range s.GetLabel() {
				values = append(values, l.GetValue())
			}
			series[f.GetName()+" "+strings.Join(values, ",")] = s.GetGauge().GetValue()
		}
	}
	return series
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	b := newBench(t, interceptor.Funcs{})
	good, away := b.fleet.get("good"), b.fleet.get("away")
	b.fleet.get("new")
	good.heard = noon
	b.fleet.store(good, &observed.Outcome{
		Parts: []observed.Part{{Name: "issuers", State: observed.PartReady}},
		Agent: &v1alpha1.TLSAgentStatus{Estate: &v1alpha1.EstateReport{Drifted: 3}},
	}, nil, "")
	b.fleet.store(away, &observed.Outcome{Unreachable: true}, nil, "")
	m := b.platforms.Metrics
	m.set("p", v1alpha1.TLSPlatformStatus{
		Consistency: &v1alpha1.Consistency{Backends: 1, ShadowIssuers: 2, Differences: 3},
		Rollout:     &v1alpha1.RolloutStatus{Total: 5, Updated: 4},
	})
	m.set("gone", v1alpha1.TLSPlatformStatus{Rollout: &v1alpha1.RolloutStatus{}})
	m.forget("gone")
	m.set("bare", v1alpha1.TLSPlatformStatus{})
	want := map[string]float64{
		names.MetricClusterConnected + " good":  1,
		names.MetricClusterConnected + " away":  0,
		names.MetricClusterConnected + " new":   0,
		names.MetricClusterInSync + " good":     1,
		names.MetricClusterInSync + " away":     0,
		names.MetricClusterDrifted + " good":    3,
		names.MetricClusterAgentHeard + " good": float64(noon.Truncate(time.Second).Unix()),
		names.MetricFleetBackends + " p":        1,
		names.MetricFleetShadow + " p":          2,
		names.MetricFleetDifferences + " p":     3,
		names.MetricRolloutClusters + " p":      5,
		names.MetricRolloutUpdated + " p":       4,
	}
	if diff := cmp.Diff(want, gathered(t, m)); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
}
