package monitoring

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/plantest"
)

var (
	facts = plantest.Facts("ServiceMonitor.monitoring.coreos.com", "PrometheusRule.monitoring.coreos.com")
	both  = Namespaces{CertManager: "cert-manager", TrustManager: "trust"}
	agent = Namespaces{Agent: "tls-platform-system"}
)

func platform(o *v1alpha1.Observability) *v1alpha1.TLSPlatform {
	return &v1alpha1.TLSPlatform{Spec: v1alpha1.TLSPlatformSpec{Observability: o}}
}

func labels() *v1alpha1.MonitoringObjects {
	return &v1alpha1.MonitoringObjects{Labels: map[string]string{"release": "kube-prometheus-stack"}}
}

func TestGolden(t *testing.T) {
	tests := map[string]struct {
		in         *v1alpha1.Observability
		namespaces Namespaces
	}{
		"service-monitors":                  {&v1alpha1.Observability{ServiceMonitors: labels()}, both},
		"service-monitors-cert-manager":     {&v1alpha1.Observability{ServiceMonitors: &v1alpha1.MonitoringObjects{}}, Namespaces{CertManager: "cert-manager"}},
		"service-monitors-agent":            {&v1alpha1.Observability{ServiceMonitors: labels()}, agent},
		"prometheus-rule":                   {&v1alpha1.Observability{PrometheusRules: labels()}, both},
		"prometheus-rule-cert-manager-only": {&v1alpha1.Observability{PrometheusRules: labels()}, Namespaces{CertManager: "cert-manager"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			part := Build(platform(tt.in), facts, tt.namespaces)
			plantest.Golden(t, name, &part)
		})
	}
}

func TestDashboardsAreConfigMapsForTheSidecar(t *testing.T) {
	tests := map[string]struct {
		in                       *v1alpha1.Dashboards
		namespace, folder, label string
	}{
		"what is left out has defaults": {&v1alpha1.Dashboards{}, "cert-manager", "TLS platform", "grafana_dashboard"},
		"what is written counts": {&v1alpha1.Dashboards{Namespace: "grafana", Folder: "Certificates", Labels: map[string]string{"mine": ""}},
			"grafana", "Certificates", "mine"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			// Dashboards need no kind of prometheus-operator.
			part := Build(platform(&v1alpha1.Observability{Dashboards: tt.in}), plantest.Facts(), both)
			if len(part.Objects) != 1 || len(part.Notes) != 0 {
				t.Fatalf("%d objects and notes %v, want one ConfigMap", len(part.Objects), part.Notes)
			}
			o := part.Objects[0]
			if o.GetKind() != "ConfigMap" || o.GetName() != "tls-platform-dashboard-certificates" || o.GetNamespace() != tt.namespace {
				t.Errorf("got %s %s/%s", o.GetKind(), o.GetNamespace(), o.GetName())
			}
			if got := o.GetAnnotations()[names.AnnotationGrafanaFolder]; got != tt.folder {
				t.Errorf("folder %q, want %q", got, tt.folder)
			}
			if _, ok := o.GetLabels()[tt.label]; !ok || len(o.GetLabels()) != 1 {
				t.Errorf("labels %v, want %s alone", o.GetLabels(), tt.label)
			}
			data, _ := o.Object["data"].(map[string]any)
			if text, _ := data["certificates.json"].(string); !strings.Contains(text, names.DashboardCertificatesUID) {
				t.Error("certificates.json is not the dashboard")
			}
		})
	}
}

func TestWhatTheClusterDoesNotServeIsLeftOutWithANote(t *testing.T) {
	all := &v1alpha1.Observability{ServiceMonitors: labels(), PrometheusRules: labels(), Dashboards: &v1alpha1.Dashboards{}}
	tests := map[string]struct {
		kinds   []string
		objects int
		note    string
	}{
		"neither kind":         {nil, 1, "ServiceMonitor and PrometheusRule of monitoring.coreos.com are left out"},
		"no rules":             {[]string{"ServiceMonitor.monitoring.coreos.com"}, 3, "PrometheusRule of monitoring.coreos.com are left out"},
		"no monitors":          {[]string{"PrometheusRule.monitoring.coreos.com"}, 2, "ServiceMonitor of monitoring.coreos.com are left out"},
		"both, when they came": {[]string{"ServiceMonitor.monitoring.coreos.com", "PrometheusRule.monitoring.coreos.com"}, 4, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			part := Build(platform(all), plantest.Facts(tt.kinds...), both)
			if len(part.Objects) != tt.objects || part.Hold != nil {
				t.Errorf("%d objects and hold %v, want %d and none", len(part.Objects), part.Hold, tt.objects)
			}
			if (len(part.Notes) == 0) != (tt.note == "") {
				t.Fatalf("notes %v, want %q", part.Notes, tt.note)
			}
			if tt.note != "" && (part.Notes[0].Reason != v1alpha1.ReasonAPIMissing || !strings.HasPrefix(part.Notes[0].Message, tt.note)) {
				t.Errorf("note %+v, want %q", part.Notes[0], tt.note)
			}
		})
	}
}

func TestOnlyWhatIsDeclaredAndInstalledIsDelivered(t *testing.T) {
	all := &v1alpha1.Observability{ServiceMonitors: labels(), PrometheusRules: labels(), Dashboards: &v1alpha1.Dashboards{}}
	tests := map[string]struct {
		in         *v1alpha1.Observability
		namespaces Namespaces
		want       []string
	}{
		"nothing is declared":               {nil, both, nil},
		"nothing is asked for":              {&v1alpha1.Observability{}, both, nil},
		"neither cert-manager nor an agent": {all, Namespaces{}, nil},
		"an agent alone is scraped":         {all, agent, []string{"tls-platform-agent"}},
		"trust-manager and an agent":        {all, Namespaces{TrustManager: "trust", Agent: "a"}, []string{"tls-platform-agent", "tls-platform-trust-manager"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			part := Build(platform(tt.in), facts, tt.namespaces)
			var got []string
			for _, o := range part.Objects {
				got = append(got, o.GetName())
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("objects %v, want %v", got, tt.want)
			}
		})
	}
}

func TestComponentsThatAreThereAreAlertedOn(t *testing.T) {
	tests := map[string]struct {
		in   Namespaces
		want string
	}{
		"cert-manager alone": {Namespaces{CertManager: "a"}, `up{job=~"cert-manager|cert-manager-webhook|cert-manager-cainjector"} == 0`},
		"all":                {Namespaces{CertManager: "a", TrustManager: "b", Agent: "c"}, `up{job=~"cert-manager|cert-manager-webhook|cert-manager-cainjector|trust-manager|tls-platform-agent"} == 0`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, a := range componentAlerts(tt.in) {
				if a.name == names.AlertComponentDown && a.expr != tt.want {
					t.Errorf("the expression is %s, want %s", a.expr, tt.want)
				}
			}
		})
	}
}

// metricName finds the metrics in an expression.
var metricName = regexp.MustCompile(`\bcertmanager_[a-z_]+\b`)

func TestAlertsKeepTheHouseRules(t *testing.T) {
	var all []alert
	all = append(append(append(all, certificateAlerts()...), issuerAlerts()...), componentAlerts(both)...)
	seen := map[string]bool{}
	for _, a := range all {
		t.Run(a.name, func(t *testing.T) {
			if seen[a.name] {
				t.Error("there are two of that name")
			}
			seen[a.name] = true
			if !strings.HasPrefix(a.name, "TLS") {
				t.Error("the name has not the prefix TLS")
			}
			if strings.Contains(a.summary, "{{") {
				t.Errorf("the summary has a value, so that it changes while the alert fires: %s", a.summary)
			}
			if a.severity != critical && a.severity != warning {
				t.Errorf("severity %q", a.severity)
			}
			for _, m := range metricName.FindAllString(a.expr, -1) {
				if !strings.HasSuffix(m, "timestamp_seconds") {
					continue
				}
				if strings.Count(a.expr, "("+m+") > 0)") != strings.Count(a.expr, m) {
					t.Errorf("%s is compared without leaving out 0, which is no time: %s", m, a.expr)
				}
			}
		})
	}
}

// TestMetricsAreThoseOfCertManager holds the names against cert-manager's own
// source.
func TestMetricsAreThoseOfCertManager(t *testing.T) {
	const module = "github.com/cert-manager/cert-manager"
	source := plantest.ModuleFile(t, module, "pkg", "metrics", "metrics.go")
	for _, collector := range []string{"certificate", "issuer", "clusterissuer"} {
		source += plantest.ModuleFile(t, module, "internal", "collectors", collector+"_collector.go")
	}
	for _, metric := range []string{
		names.MetricCertificateNotAfter, names.MetricCertificateNotBefore, names.MetricCertificateRenewal,
		names.MetricCertificateReady, names.MetricIssuerReady, names.MetricClusterIssuerReady,
		names.MetricACMERequests, names.MetricACMERequestSeconds, names.MetricControllerSyncs,
		names.MetricControllerSyncErrors, names.MetricCertManagerClockSeconds,
	} {
		// Some are written in one piece, others as namespace, subsystem and name.
		rest := strings.TrimPrefix(metric, "certmanager_")
		found := false
		for _, written := range []string{metric, rest, strings.TrimPrefix(rest, "http_")} {
			found = found || strings.Contains(source, `"`+written+`"`)
		}
		if !found {
			t.Errorf("cert-manager has no metric %s", metric)
		}
	}
}

// TestServicesOfTheChartsAreSelected holds the selectors against the charts.
func TestServicesOfTheChartsAreSelected(t *testing.T) {
	const certManager, trustManager = "github.com/cert-manager/cert-manager", "github.com/cert-manager/trust-manager"
	for file, wants := range map[string][]string{
		"service.yaml":            {`app.kubernetes.io/component: "controller"`, "name: http-metrics"},
		"webhook-service.yaml":    {`app.kubernetes.io/component: "webhook"`, `targetPort: "http-metrics"`},
		"cainjector-service.yaml": {`app.kubernetes.io/component: "cainjector"`, "name: http-metrics"},
		"deployment.yaml":         {"name: http-metrics"},
		"webhook-deployment.yaml": {"name: http-metrics"},
	} {
		source := plantest.ModuleFile(t, certManager, "deploy", "charts", "cert-manager", "templates", file)
		for _, want := range wants {
			if !strings.Contains(source, want) {
				t.Errorf("%s of the chart of cert-manager has no %s", file, want)
			}
		}
	}
	source := plantest.ModuleFile(t, trustManager, "deploy", "charts", "trust-manager", "templates", "metrics-service.yaml")
	for _, want := range []string{"app.kubernetes.io/component: metrics", "name: metrics"} {
		if !strings.Contains(source, want) {
			t.Errorf("the chart of trust-manager has no %s", want)
		}
	}
}
