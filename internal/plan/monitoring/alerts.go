package monitoring

import (
	"fmt"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// once is the series of a metric without what differs between two replicas of
// cert-manager, so that a change of leader neither doubles nor breaks a match.
func once(selector string) string {
	return "max without (instance, pod, container, endpoint, service, node) (" + selector + ")"
}

// when a time that cert-manager exports is there.
func when(metric string) string { return once(metric) + " > 0" }

// remaining lifetime in seconds.
var remaining = "((" + when(names.MetricCertificateNotAfter) + ") - time())"

// lifetime of a certificate in seconds.
var lifetime = "((" + when(names.MetricCertificateNotAfter) + ") - (" + when(names.MetricCertificateNotBefore) + "))"

const subject = `Certificate {{ $labels.namespace }}/{{ $labels.name }} (issuer {{ $labels.issuer_name }})`

func certificateAlerts() []alert {
	return []alert{
		{
			name:        names.AlertCertificateExpired,
			expr:        "(time() - (" + when(names.MetricCertificateNotAfter) + ")) >= 0",
			after:       "1m",
			severity:    critical,
			summary:     "A certificate has expired.",
			description: subject + ` expired {{ $value | humanizeDuration }} ago. Clients refuse it.`,
		},
		{
			name: names.AlertCertificateAboutToExpire,
			// A twentieth of the lifetime, at most a week: 8 h of a six-day
			// certificate, 4.5 days of a 90-day one.
			expr:        remaining + " > 0\nand " + remaining + " < 0.05 * " + lifetime + "\nand " + remaining + " < 7 * 86400",
			after:       "5m",
			severity:    critical,
			summary:     "A certificate is about to expire and was not renewed.",
			description: subject + ` expires in {{ $value | humanizeDuration }}.`,
		},
		{
			name: names.AlertCertificateExpiresSoon,
			// cert-manager renews when a third of the lifetime is left.
			expr:        remaining + " > 0\nand " + remaining + " < 0.2 * " + lifetime + "\nand " + remaining + " < 30 * 86400",
			after:       "15m",
			severity:    warning,
			summary:     "A certificate expires soon and was not renewed.",
			description: subject + ` expires in {{ $value | humanizeDuration }}.`,
		},
		{
			name: names.AlertCertificateRenewalLate,
			// A quarter of the time between the planned renewal and the end has
			// passed without one.
			expr: "(time() - (" + when(names.MetricCertificateRenewal) + "))\n> 0.25 * ((" +
				when(names.MetricCertificateNotAfter) + ") - (" + when(names.MetricCertificateRenewal) + "))",
			after:       "15m",
			severity:    warning,
			summary:     "The renewal of a certificate is overdue.",
			description: subject + ` should have been renewed {{ $value | humanizeDuration }} ago.`,
		},
		{
			name:        names.AlertCertificateNotReady,
			expr:        once(names.MetricCertificateReady+`{condition!="True"}`) + " == 1",
			after:       "15m",
			severity:    warning,
			summary:     "A certificate is not ready.",
			description: subject + ` has had the condition Ready={{ $labels.condition }} for 15 minutes. kubectl describe shows the reason.`,
		},
	}
}

func issuerAlerts() []alert {
	// 999 is what cert-manager counts when no answer came.
	failed := names.MetricACMERequests + `{status=~"4..|5..|999"}`
	perHost := func(selector string) string { return "sum by (cluster, host) (increase(" + selector + "[1h]))" }
	return []alert{
		{
			name:        names.AlertClusterIssuerNotReady,
			expr:        once(names.MetricClusterIssuerReady+`{condition!="True"}`) + " == 1",
			after:       "10m",
			severity:    critical,
			summary:     "A ClusterIssuer is not ready.",
			description: `ClusterIssuer {{ $labels.name }} has had the condition Ready={{ $labels.condition }} for 10 minutes: nothing that refers to it is issued or renewed.`,
		},
		{
			name:        names.AlertIssuerNotReady,
			expr:        once(names.MetricIssuerReady+`{condition!="True"}`) + " == 1",
			after:       "10m",
			severity:    warning,
			summary:     "An Issuer is not ready.",
			description: `Issuer {{ $labels.namespace }}/{{ $labels.name }} has had the condition Ready={{ $labels.condition }} for 10 minutes.`,
		},
		{
			name: names.AlertACMEErrors,
			expr: perHost(failed) + "\n  / " + perHost(names.MetricACMERequests) + " > 0.2\nand " +
				perHost(names.MetricACMERequests) + " >= 10",
			after:       "15m",
			severity:    warning,
			summary:     "Many requests to an ACME server fail.",
			description: `{{ $value | humanizePercentage }} of the requests to {{ $labels.host }} in the last hour failed.`,
		},
	}
}

func componentAlerts(in Namespaces) []alert {
	jobs := []string{names.JobCertManager, names.JobWebhook, names.JobCAInjector}
	if in.TrustManager != "" {
		jobs = append(jobs, names.JobTrust)
	}
	if in.Agent != "" {
		jobs = append(jobs, names.JobAgent)
	}
	perController := func(metric string) string {
		return "sum by (cluster, controller) (increase(" + metric + "[15m]))"
	}
	return []alert{
		{
			name: names.AlertCertManagerAbsent,
			// By its metric and not by its job, so that it holds for a scrape
			// configuration of one's own.
			expr:        "absent(" + names.MetricCertManagerClockSeconds + ")",
			after:       "10m",
			severity:    critical,
			summary:     "cert-manager is not scraped: nothing is known about certificates.",
			description: `No metrics of cert-manager have arrived for 10 minutes. Either it does not run, and nothing is renewed, or it is not scraped, and no other alert about certificates can fire.`,
		},
		{
			name:        names.AlertComponentDown,
			expr:        fmt.Sprintf(`up{job=~"%s"} == 0`, strings.Join(jobs, "|")),
			after:       "10m",
			severity:    warning,
			summary:     "A component of the TLS platform does not answer.",
			description: `{{ $labels.job }} at {{ $labels.instance }} has not answered Prometheus for 10 minutes.`,
		},
		{
			name: names.AlertCertManagerSyncErrors,
			expr: perController(names.MetricControllerSyncErrors) + "\n  / " + perController(names.MetricControllerSyncs) +
				" > 0.5\nand " + perController(names.MetricControllerSyncErrors) + " >= 10",
			after:       "15m",
			severity:    warning,
			summary:     "A controller of cert-manager mostly fails.",
			description: `{{ $value | humanizePercentage }} of the runs of controller {{ $labels.controller }} in the last 15 minutes failed. Its log says why.`,
		},
		{
			name: names.AlertCertManagerClockSkew,
			// Within one instance, so the same labels on both sides.
			expr:        "abs(" + names.MetricCertManagerClockSeconds + " - timestamp(" + names.MetricCertManagerClockSeconds + ")) > 30",
			after:       "10m",
			severity:    warning,
			summary:     "The clock of cert-manager differs from that of Prometheus.",
			description: `The clocks differ by {{ $value | humanizeDuration }}. Certificates are then renewed too late, or issued with a beginning in the future.`,
		},
	}
}
