// Package agent observes one cluster: it reads everything that holds or uses a
// certificate, keeps facts, serves them as metrics and publishes them as objects.
//
// What it does is asked for by the TLSAgent of the cluster, which the hub writes.
// A change of that object starts a new session: all kinds are listed again under
// the new rules, while the facts of the old one stay until the new ones replace
// them.
//
// The agent talks to its own API server alone. It has no right to write anything
// but its report, its pages and its Lease.
package agent
