package monitoring

import (
	"maps"
	"strings"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/build"
)

// Severities, as Alertmanager's defaults and most routes know them.
const (
	critical = "critical"
	warning  = "warning"
)

// alert is one alerting rule.
type alert struct {
	name     string
	expr     string
	after    monitoringv1.Duration
	severity string
	// summary has no values, so that it stays the same while the alert fires.
	summary string
	// description is a template of Prometheus, with labels and values.
	description string
}

// prometheusRule with the alerts for the components that are there.
func prometheusRule(labels map[string]string, in Namespaces) *unstructured.Unstructured {
	return build.Object(&monitoringv1.PrometheusRule{
		TypeMeta:   metav1.TypeMeta{APIVersion: monitoringv1.SchemeGroupVersion.String(), Kind: monitoringv1.PrometheusRuleKind},
		ObjectMeta: metav1.ObjectMeta{Name: names.PrometheusRule, Namespace: in.CertManager, Labels: maps.Clone(labels)},
		Spec: monitoringv1.PrometheusRuleSpec{Groups: []monitoringv1.RuleGroup{
			ruleGroup("tls-platform-certificates", certificateAlerts()),
			ruleGroup("tls-platform-issuers", issuerAlerts()),
			ruleGroup("tls-platform-components", componentAlerts(in)),
		}},
	})
}

func ruleGroup(name string, alerts []alert) monitoringv1.RuleGroup {
	out := monitoringv1.RuleGroup{Name: name}
	for _, a := range alerts {
		out.Rules = append(out.Rules, monitoringv1.Rule{
			Alert:  a.name,
			Expr:   intstr.FromString(a.expr),
			For:    ptr.To(a.after),
			Labels: map[string]string{"severity": a.severity},
			Annotations: map[string]string{
				"summary":     a.summary,
				"description": a.description,
				"runbook_url": names.RunbookBase + strings.ToLower(a.name),
			},
		})
	}
	return out
}
