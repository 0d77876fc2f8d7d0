package served

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/prober"
)

// metrics are those of the prober itself, beside those of certificates.
type metrics struct {
	prober     *Prober
	results    *prometheus.Desc
	agreements *prometheus.Desc
	duration   *prometheus.HistogramVec
}

func newMetrics(p *Prober) *metrics {
	return &metrics{
		prober: p,
		results: prometheus.NewDesc(names.MetricProbeResults, "Addresses that should serve a certificate, by the result of the last probe.",
			[]string{names.MetricLabelCluster, names.MetricLabelReason}, nil),
		agreements: prometheus.NewDesc(names.MetricServedAgreement, "Addresses that should serve a certificate, by how what they serve relates to what is stored.",
			[]string{names.MetricLabelCluster, names.MetricLabelAgreement}, nil),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: names.MetricProbeDuration, Help: "Duration of probes, from the lookup of the name to the end of the handshake.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20},
		}, []string{names.MetricLabelCluster}),
	}
}

// Collector of the prober's own metrics.
func (p *Prober) Collector() prometheus.Collector { return p.metrics }

func (m *metrics) took(d time.Duration) {
	m.duration.WithLabelValues(m.prober.Cluster()).Observe(d.Seconds())
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	out <- m.results
	out <- m.agreements
	m.duration.Describe(out)
}

// Collect implements prometheus.Collector. Every reason and every agreement has a
// sample, if need be 0, so that an alert on it is always defined.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	m.duration.Collect(out)
	cluster := m.prober.Cluster()
	reasons, agreements := map[prober.Reason]int{}, map[prober.Agreement]int{}
	if s := m.prober.session.Load(); s != nil {
		reasons, agreements = s.board.counts()
	}
	for _, reason := range append(prober.AllReasons(), NotProbed) {
		out <- prometheus.MustNewConstMetric(m.results, prometheus.GaugeValue, float64(reasons[reason]), cluster, string(reason))
	}
	for _, agreement := range prober.AllAgreements() {
		out <- prometheus.MustNewConstMetric(m.agreements, prometheus.GaugeValue, float64(agreements[agreement]), cluster, string(agreement))
	}
}
