// Package dashboards has the Grafana dashboards: builders in Go, and the JSON
// that they make, which people import and the operator delivers. A test keeps
// the two equal, and the operator carries the JSON only.
//
// The JSON is the classic schema (v1): Grafana's provisioning from files and by
// the sidecar refuses the newer one.
//
// Every dashboard has one datasource variable, takes the cluster, namespace and
// issuer as variables that also match series without such a label, uses
// $__rate_interval for rates, can't be edited in place, and says for every panel
// what it shows and in which unit.
package dashboards
