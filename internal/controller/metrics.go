package controller

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/status"
)

// Metrics of the hub: a few series for each cluster, and a few over all. What is
// known of certificates is for the agents to serve.
type Metrics struct {
	fleet *Fleet

	mu        sync.Mutex
	platforms map[string]v1alpha1.TLSPlatformStatus

	connected, inSync, drifted, heard       *prometheus.Desc
	backends, shadow, differences           *prometheus.Desc
	rolloutClusters, rolloutUpdatedClusters *prometheus.Desc
}

// NewMetrics returns the metrics of a fleet.
func NewMetrics(f *Fleet) *Metrics {
	cluster := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, []string{"cluster"}, nil)
	}
	platform := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, []string{"platform"}, nil)
	}
	return &Metrics{
		fleet: f, platforms: map[string]v1alpha1.TLSPlatformStatus{},
		connected:              cluster(names.MetricClusterConnected, "Whether the API server of the cluster answers."),
		inSync:                 cluster(names.MetricClusterInSync, "Whether the cluster has the whole estate, healthy."),
		drifted:                cluster(names.MetricClusterDrifted, "Objects of the platform that others changed, as the agent saw last."),
		heard:                  cluster(names.MetricClusterAgentHeard, "When the agent of the cluster renewed its Lease last."),
		backends:               platform(names.MetricFleetBackends, "Distinct CAs that issuers of all clusters use."),
		shadow:                 platform(names.MetricFleetShadow, "Issuers that the platform did not declare."),
		differences:            platform(names.MetricFleetDifferences, "Things in which a cluster differs from most."),
		rolloutClusters:        platform(names.MetricRolloutClusters, "Clusters that shall have the last change of the spec."),
		rolloutUpdatedClusters: platform(names.MetricRolloutUpdated, "Clusters that have the last change of the spec, healthy."),
	}
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, ch) }

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, label string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, label)
	}
	for _, c := range m.fleet.sights() {
		if c.outcome == nil {
			gauge(m.connected, 0, c.name)
			continue
		}
		gauge(m.connected, number(!c.outcome.Unreachable), c.name)
		gauge(m.inSync, number(status.InSync(c.outcome)), c.name)
		if a := c.outcome.Agent; a != nil && a.Estate != nil {
			gauge(m.drifted, float64(a.Estate.Drifted), c.name)
		}
		if !c.heard.IsZero() {
			gauge(m.heard, float64(c.heard.Unix()), c.name)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, s := range m.platforms {
		if c := s.Consistency; c != nil {
			gauge(m.backends, float64(c.Backends), name)
			gauge(m.shadow, float64(c.ShadowIssuers), name)
			gauge(m.differences, float64(c.Differences), name)
		}
		if r := s.Rollout; r != nil {
			gauge(m.rolloutClusters, float64(r.Total), name)
			gauge(m.rolloutUpdatedClusters, float64(r.Updated), name)
		}
	}
}

// set what is known of a platform.
func (m *Metrics) set(platform string, s v1alpha1.TLSPlatformStatus) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.platforms[platform] = v1alpha1.TLSPlatformStatus{Consistency: s.Consistency, Rollout: s.Rollout}
}

func (m *Metrics) forget(platform string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.platforms, platform)
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
