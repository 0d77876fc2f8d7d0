// Package monitoring builds what is delivered for Prometheus and Grafana:
// ServiceMonitors for the components, a PrometheusRule over cert-manager's own
// metrics, and ConfigMaps with dashboards. It is pure.
//
// A cluster without the kinds of prometheus-operator is normal: those objects
// are left out, a note says so, and they come when the kinds do.
//
// How the alerts are written:
//
//   - cert-manager exports 0 for a time that is not there; every comparison with
//     a time filters that out first.
//   - Expiry is a share of the certificate's own lifetime together with a bound in
//     days, so that a certificate for six days and one for ten years both alert
//     when somebody should look, and neither all the time.
//   - Expiry does not ask whether the certificate is ready: it must not go silent
//     in the moment in which the certificate expires.
//   - After a change of leader the old leader's series stay for five minutes. The
//     rules take the maximum over what tells the two apart.
//   - Ratios ask for a least number of events: issuance is rare, and one failed
//     request of one is no outage.
package monitoring
