// Package names holds every name that other systems see or that two rooms must
// agree on: labels, annotations, field managers, object names, metrics, alerts.
// One list, so that an alert can't ask for a metric under another name than the
// one that is served.
package names
