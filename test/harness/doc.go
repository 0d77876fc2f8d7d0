// Package harness starts real Kubernetes control planes on loopback, as many
// side by side as are asked for, for tests and for the demo alike.
//
// A cluster is etcd, kube-apiserver, kube-controller-manager, kube-scheduler,
// and one node. The node is two-faced: pods whose images are known run as real
// processes, by the stand-in for a kubelet in package node; all others are
// kwok's, which says that they run without running anything. Both faces report
// to the same Node object, so the scheduler sees one machine.
//
// Pod addresses exist in the API only, so the API server's way into the
// cluster (its egress, which admission webhooks and aggregated APIs take) goes
// through a small CONNECT proxy here, which knows on which loopback port each
// pod's process really listens. Charts therefore run unmodified: a webhook is
// reached through its Service.
//
// A lean cluster is etcd and kube-apiserver alone, for those that only have to be
// an API. A link (package link) is a network in front of a cluster's API server
// that can be cut, made to hang and slowed down, and an Access makes kubeconfigs,
// good and bad, that lead over it.
//
// Nothing here imports testing: errors are returned, waits are watches, and
// what the run leaves behind is nothing, or the logs if something failed.
package harness
