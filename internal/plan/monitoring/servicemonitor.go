package monitoring

import (
	"maps"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/build"
)

// componentLabel is what the charts tell their Services apart by, whatever the
// release is called. It is therefore good for installs of other people too.
const componentLabel = "app.kubernetes.io/component"

// certManagerJobs by the value of componentLabel on their Services.
var certManagerJobs = []struct{ component, job string }{
	{"controller", names.JobCertManager},
	{"webhook", names.JobWebhook},
	{"cainjector", names.JobCAInjector},
}

// serviceMonitors for the components that are there.
func serviceMonitors(labels map[string]string, in Namespaces) []*unstructured.Unstructured {
	var out []*unstructured.Unstructured
	if in.CertManager != "" {
		out = append(out, certManagerMonitor(labels, in.CertManager))
	}
	if in.TrustManager != "" {
		out = append(out, trustManagerMonitor(labels, in.TrustManager))
	}
	if in.Agent != "" {
		out = append(out, agentMonitor(labels, in.Agent))
	}
	return out
}

func certManagerMonitor(labels map[string]string, namespace string) *unstructured.Unstructured {
	components := make([]string, 0, len(certManagerJobs))
	relabelings := make([]monitoringv1.RelabelConfig, 0, len(certManagerJobs))
	for _, j := range certManagerJobs {
		components = append(components, j.component)
		// A job of our choice: the chart's own differs with the release's name, and
		// for the webhook it would be just "webhook".
		relabelings = append(relabelings, monitoringv1.RelabelConfig{
			SourceLabels: []monitoringv1.LabelName{"__meta_kubernetes_service_label_app_kubernetes_io_component"},
			Regex:        j.component,
			TargetLabel:  "job",
			Replacement:  ptr.To(j.job),
		})
	}
	selector := metav1.LabelSelector{
		MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: "app.kubernetes.io/name", Operator: metav1.LabelSelectorOpIn, Values: []string{"cert-manager", "webhook", "cainjector"}},
			{Key: componentLabel, Operator: metav1.LabelSelectorOpIn, Values: components},
		},
	}
	// The container port has had this name for many versions; the names of the
	// Service ports differ between the components and changed in v1.21.
	endpoint := monitoringv1.Endpoint{TargetPort: ptr.To(intstr.FromString("http-metrics"))}
	return monitor(names.ServiceMonitorCertManager, namespace, labels, selector, endpoint, relabelings)
}

func trustManagerMonitor(labels map[string]string, namespace string) *unstructured.Unstructured {
	selector := metav1.LabelSelector{MatchLabels: map[string]string{
		"app.kubernetes.io/name": "trust-manager",
		componentLabel:           "metrics",
	}}
	relabelings := []monitoringv1.RelabelConfig{{TargetLabel: "job", Replacement: ptr.To(names.JobTrust)}}
	return monitor(names.ServiceMonitorTrustManager, namespace, labels, selector, monitoringv1.Endpoint{Port: "metrics"}, relabelings)
}

func agentMonitor(labels map[string]string, namespace string) *unstructured.Unstructured {
	selector := metav1.LabelSelector{
		MatchLabels:      map[string]string{"app.kubernetes.io/name": "tls-platform"},
		MatchExpressions: []metav1.LabelSelectorRequirement{{Key: componentLabel, Operator: metav1.LabelSelectorOpIn, Values: []string{"agent", "prober"}}},
	}
	// Both count the CAs that they see: sums have to choose one of the jobs.
	relabelings := []monitoringv1.RelabelConfig{
		{TargetLabel: "job", Replacement: ptr.To(names.JobAgent)},
		{
			SourceLabels: []monitoringv1.LabelName{"__meta_kubernetes_service_label_app_kubernetes_io_component"},
			Regex:        "prober", TargetLabel: "job", Replacement: ptr.To(names.JobProber),
		},
	}
	endpoint := monitoringv1.Endpoint{Port: "metrics", Scheme: ptr.To(monitoringv1.Scheme("https"))}
	// Prometheus shows its own token; its replacement, authorization, can only
	// name a Secret. Prometheus needs the ClusterRole tls-platform-metrics-reader.
	endpoint.BearerTokenFile = "/var/run/secrets/kubernetes.io/serviceaccount/token" //nolint:staticcheck // see above
	// The agent signs its certificate at start: it runs in clusters that have no
	// cert-manager.
	endpoint.TLSConfig = &monitoringv1.TLSConfig{SafeTLSConfig: monitoringv1.SafeTLSConfig{InsecureSkipVerify: ptr.To(true)}}
	return monitor(names.ServiceMonitorAgent, namespace, labels, selector, endpoint, relabelings)
}

func monitor(
	name, namespace string, labels map[string]string,
	selector metav1.LabelSelector, endpoint monitoringv1.Endpoint, relabelings []monitoringv1.RelabelConfig,
) *unstructured.Unstructured {
	endpoint.Path = "/metrics"
	// The namespace label of cert-manager's series is that of the certificate.
	// Without this, Prometheus renames it to exported_namespace and puts
	// cert-manager's own in its place, and no alert reaches the right team.
	endpoint.HonorLabels = true
	endpoint.RelabelConfigs = relabelings
	out := build.Object(&monitoringv1.ServiceMonitor{
		TypeMeta:   metav1.TypeMeta{APIVersion: monitoringv1.SchemeGroupVersion.String(), Kind: monitoringv1.ServiceMonitorsKind},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: maps.Clone(labels)},
		Spec: monitoringv1.ServiceMonitorSpec{
			Selector:  selector,
			Endpoints: []monitoringv1.Endpoint{endpoint},
		},
	})
	// Empty means this namespace, which is what it also means left out.
	unstructured.RemoveNestedField(out.Object, "spec", "namespaceSelector")
	return out
}
