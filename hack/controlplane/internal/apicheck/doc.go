// Package apicheck is cert-manager's startupapicheck program, which the chart runs
// as a Job after installing: it succeeds once the API server takes cert-manager's
// kinds and reaches its webhook.
package apicheck
