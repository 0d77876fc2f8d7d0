// Package member wires the roles that run in every cluster: the agent and the
// prober. They are a program apart from the hub: in a process that reads every
// Secret of a cluster, all code is code that one has to trust with its keys.
package member
