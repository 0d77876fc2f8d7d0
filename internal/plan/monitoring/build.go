package monitoring

import (
	"fmt"
	"maps"
	"strings"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/dashboards"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/build"
)

const (
	group         = "monitoring.coreos.com"
	defaultFolder = "TLS platform"
)

// Namespaces are those of the components and of the agent in the cluster; empty
// for what is not there, which then is neither scraped nor alerted on.
type Namespaces struct {
	CertManager  string
	TrustManager string
	Agent        string
}

// Build the part of the plan with the objects for Prometheus and Grafana.
func Build(platform *v1alpha1.TLSPlatform, facts *observed.Cluster, in Namespaces) desired.Part {
	part := desired.Part{Name: desired.Monitoring, Identity: desired.IdentityHub}
	declared := platform.Spec.Observability
	if declared == nil {
		return part
	}
	var missing []string
	if m := declared.ServiceMonitors; m != nil && in != (Namespaces{}) {
		if facts.APIs.Serves(group, monitoringv1.ServiceMonitorsKind) {
			part.Objects = append(part.Objects, serviceMonitors(m.Labels, in)...)
		} else {
			missing = append(missing, monitoringv1.ServiceMonitorsKind)
		}
	}
	// Alerts and dashboards are about what cert-manager exports.
	if m := declared.PrometheusRules; m != nil && in.CertManager != "" {
		if facts.APIs.Serves(group, monitoringv1.PrometheusRuleKind) {
			part.Objects = append(part.Objects, prometheusRule(m.Labels, in))
		} else {
			missing = append(missing, monitoringv1.PrometheusRuleKind)
		}
	}
	if len(missing) > 0 {
		part.Notes = append(part.Notes, desired.Note{
			Reason: v1alpha1.ReasonAPIMissing,
			Message: fmt.Sprintf("%s of %s are left out: the cluster does not serve that; they come when prometheus-operator is installed",
				strings.Join(missing, " and "), group),
		})
	}
	if declared.Dashboards != nil && in.CertManager != "" {
		part.Objects = append(part.Objects, dashboardConfigMaps(declared.Dashboards, in.CertManager)...)
	}
	desired.Sort(part.Objects)
	return part
}

// dashboardConfigMaps for Grafana's sidecar, one for each dashboard.
func dashboardConfigMaps(in *v1alpha1.Dashboards, namespace string) []*unstructured.Unstructured {
	if in.Namespace != "" {
		namespace = in.Namespace
	}
	labels := in.Labels
	if labels == nil {
		labels = map[string]string{"grafana_dashboard": "1"}
	}
	folder := in.Folder
	if folder == "" {
		folder = defaultFolder
	}
	var out []*unstructured.Unstructured
	for _, d := range dashboards.All() {
		out = append(out, build.Object(&corev1.ConfigMap{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
			ObjectMeta: metav1.ObjectMeta{
				Name:        names.DashboardPrefix + d.Name,
				Namespace:   namespace,
				Labels:      maps.Clone(labels),
				Annotations: map[string]string{names.AnnotationGrafanaFolder: folder},
			},
			Data: map[string]string{d.Name + ".json": string(d.JSON)},
		}))
	}
	return out
}
