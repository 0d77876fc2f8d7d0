package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// Selectors of the dashboard's variables.
const (
	byCertificate = `cluster=~"$cluster", namespace=~"$namespace", issuer_name=~"$issuer"`
	byCluster     = `cluster=~"$cluster"`
)

// once is a metric without what differs between two replicas of cert-manager.
func once(metric, selector string) string {
	return fmt.Sprintf("max without (instance, pod, container, endpoint, service, node) (%s{%s})", metric, selector)
}

// remaining lifetime of the selected certificates in seconds. cert-manager
// exports 0 where there is no certificate yet.
func remaining() string {
	return "((" + once(names.MetricCertificateNotAfter, byCertificate) + " > 0) - time())"
}

// countOf an expression, 0 when it has no series.
func countOf(expr string) string { return "count(" + expr + ") or vector(0)" }

// Certificates is the overview of certificates and issuers, by cert-manager's own
// metrics.
func Certificates() (dashboard.Dashboard, error) {
	builder := dashboard.NewDashboardBuilder("TLS platform / Certificates").
		Uid(names.DashboardCertificatesUID).
		Description("Certificates, issuers and cert-manager itself, by cert-manager's own metrics. Only Certificates of cert-manager are here; what else serves TLS is not.").
		Tags([]string{"tls-platform", "cert-manager"}).
		Readonly().
		Refresh("1m").
		Time("now-6h", "now").
		Timezone("browser").
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("prometheus")).
		WithVariable(labelVariable("cluster", "Cluster", names.MetricCertificateReady, "cluster")).
		WithVariable(labelVariable("namespace", "Namespace", names.MetricCertificateReady+`{cluster=~"$cluster"}`, "namespace")).
		WithVariable(labelVariable("issuer", "Issuer", names.MetricCertificateReady+`{cluster=~"$cluster", namespace=~"$namespace"}`, "issuer_name"))
	id := uint32(0)
	for _, section := range []struct {
		title  string
		y      uint32
		panels []cog.Builder[dashboard.Panel]
	}{
		{"Now", 0, overview(1)},
		{"Expiry", 5, expiry(6)},
		{"Readiness", 16, readiness(17)},
		{"ACME", 26, acme(27)},
		{"cert-manager", 36, controllers(37)},
	} {
		id++
		builder.WithRow(dashboard.NewRowBuilder(section.title).Id(id).GridPos(at(0, section.y, 24, 1)))
		for _, p := range section.panels {
			id++
			builder.WithPanel(identified{p, id})
		}
	}
	return builder.Build()
}

// identified gives a panel its number.
type identified struct {
	cog.Builder[dashboard.Panel]
	id uint32
}

// Build the panel.
func (i identified) Build() (dashboard.Panel, error) {
	p, err := i.Builder.Build()
	p.Id = &i.id
	return p, err
}

func overview(y uint32) []cog.Builder[dashboard.Panel] {
	good, bad := steps("text"), steps("green", from(1, "red"))
	return []cog.Builder[dashboard.Panel]{
		number(about{"Certificates", "Certificates of cert-manager in the selection.", unitCount, at(0, y, 4, 4)}, good,
			query{expr: countOf(once(names.MetricCertificateReady, byCertificate+`, condition="True"`))}),
		number(about{"Not ready", "Certificates whose Ready condition is not True.", unitCount, at(4, y, 4, 4)}, bad,
			query{expr: countOf(once(names.MetricCertificateReady, byCertificate+`, condition!="True"`) + " == 1")}),
		number(about{"Expired", "Certificates whose end is in the past. Clients refuse them.", unitCount, at(8, y, 4, 4)}, bad,
			query{expr: countOf(remaining() + " <= 0")}),
		number(about{"Renewal overdue", "Certificates that should have been renewed by now and were not.", unitCount, at(12, y, 4, 4)}, bad,
			query{expr: countOf("(" + once(names.MetricCertificateRenewal, byCertificate) + " > 0) < time()")}),
		number(about{"ClusterIssuers not ready", "ClusterIssuers whose Ready condition is not True. Nothing is issued through them.", unitCount, at(16, y, 4, 4)}, bad,
			query{expr: countOf(once(names.MetricClusterIssuerReady, byCluster+`, condition!="True"`) + " == 1")}),
		number(about{"cert-manager controllers", "Controllers of cert-manager that are scraped. With none, nothing on this page is up to date.", unitCount, at(20, y, 4, 4)},
			steps("red", from(1, "green")),
			query{expr: countOf(names.MetricCertManagerClockSeconds + "{" + byCluster + "}")}),
	}
}

func expiry(y uint32) []cog.Builder[dashboard.Panel] {
	const day = 86400
	between := func(low, high int) string {
		return countOf(fmt.Sprintf("(%s > %d) <= %d", remaining(), low*day, high*day))
	}
	return []cog.Builder[dashboard.Panel]{
		bars(about{"Certificates by remaining lifetime", "How many certificates end within which time, whatever their lifetime is.", unitCount, at(0, y, 8, 10)},
			query{countOf(remaining() + " <= 0"), "expired"},
			query{between(0, 1), "within a day"},
			query{between(1, 7), "1 to 7 days"},
			query{between(7, 30), "7 to 30 days"},
			query{between(30, 90), "30 to 90 days"},
			query{countOf(fmt.Sprintf("%s > %d", remaining(), 90*day)), "over 90 days"}),
		rows(about{"Next to expire", "The twenty certificates that end first, with the time that is left. A short time is normal for short-lived certificates.", unitSeconds, at(8, y, 16, 10)},
			"Left", []string{"cluster", "namespace", "name", "issuer_kind", "issuer_name"}, false,
			steps("red", from(day, "orange"), from(7*day, "yellow"), from(30*day, "green")),
			query{expr: "bottomk(20, " + remaining() + ")"}),
	}
}

func readiness(y uint32) []cog.Builder[dashboard.Panel] {
	return []cog.Builder[dashboard.Panel]{
		lines(about{"Certificates by readiness", "Certificates by the status of their Ready condition. A gap is a change of cert-manager's leader.", unitCount, at(0, y, 12, 9)},
			query{"sum by (condition) (" + once(names.MetricCertificateReady, byCertificate) + ")", "Ready={{condition}}"}),
		rows(about{"ClusterIssuers", "Whether each ClusterIssuer is ready: 1 for yes, 0 for no.", unitCount, at(12, y, 6, 9)},
			"Ready", []string{"cluster", "name"}, false, steps("red", from(1, "green")),
			query{expr: once(names.MetricClusterIssuerReady, byCluster+`, condition="True"`)}),
		rows(about{"Issuers", "Whether each Issuer of a namespace is ready: 1 for yes, 0 for no.", unitCount, at(18, y, 6, 9)},
			"Ready", []string{"cluster", "namespace", "name"}, false, steps("red", from(1, "green")),
			query{expr: once(names.MetricIssuerReady, byCluster+`, namespace=~"$namespace", condition="True"`)}),
	}
}

func acme(y uint32) []cog.Builder[dashboard.Panel] {
	rate := func(selector string) string {
		return "sum by (cluster, host) (rate(" + names.MetricACMERequests + "{" + byCluster + selector + "}[$__rate_interval]))"
	}
	failed := rate(`, status=~"4..|5..|999"`)
	return []cog.Builder[dashboard.Panel]{
		lines(about{"Requests", "Requests to ACME servers by host.", unitPerSec, at(0, y, 8, 9)},
			query{rate(""), "{{cluster}} {{host}}"}),
		lines(about{"Failed requests", "Share of the requests to ACME servers that failed. Status 999 is a request without an answer; single 4xx answers are normal.", unitPercent, at(8, y, 8, 9)},
			query{failed + " / " + rate(""), "{{cluster}} {{host}}"}),
		lines(about{"Latency", "Duration of requests to ACME servers: the 90th percentile that cert-manager reports, the worst of all actions.", unitSeconds, at(16, y, 8, 9)},
			query{"max by (cluster, host) (" + names.MetricACMERequestSeconds + "{" + byCluster + `, quantile="0.9"})`, "{{cluster}} {{host}}"}),
	}
}

func controllers(y uint32) []cog.Builder[dashboard.Panel] {
	rate := func(metric string) string {
		return "sum by (cluster, controller) (rate(" + metric + "{" + byCluster + "}[$__rate_interval]))"
	}
	jobs := names.JobCertManager + "|" + names.JobWebhook + "|" + names.JobCAInjector + "|" + names.JobTrust
	return []cog.Builder[dashboard.Panel]{
		lines(about{"Runs of controllers", "How often cert-manager's controllers run.", unitPerSec, at(0, y, 8, 9)},
			query{rate(names.MetricControllerSyncs), "{{cluster}} {{controller}}"}),
		lines(about{"Failed runs of controllers", "How often a run of a controller of cert-manager fails. It is tried again; steady failures are a fault.", unitPerSec, at(8, y, 8, 9)},
			query{rate(names.MetricControllerSyncErrors), "{{cluster}} {{controller}}"}),
		lines(about{"Components up", "Instances of each component that answer Prometheus.", unitCount, at(16, y, 8, 9)},
			query{`sum by (cluster, job) (up{` + byCluster + `, job=~"` + jobs + `"})`, "{{cluster}} {{job}}"}),
	}
}
