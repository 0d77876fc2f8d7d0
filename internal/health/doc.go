// Package health says whether an object does what it is for: by kstatus for
// workloads, by their own conditions for the objects of cert-manager and
// trust-manager, and by the presence of a CA for webhooks. It is pure, and the
// hub and the agents share it.
package health
