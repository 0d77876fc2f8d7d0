// Package fleet knows how to reach clusters and what is in them: a connection
// for each MemberCluster with its own identities, timeouts and rates, and the
// observation of facts that plans are made from, and of the agent's report.
//
// Two identities write to a cluster. The hub's is that of steady state. The
// installer's may write CRDs and cluster roles; it is not a process but a
// ServiceAccount, and the hub requests a token for it only when a component
// has to be written.
package fleet
