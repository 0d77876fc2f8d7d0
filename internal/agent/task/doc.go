// Package task follows what the hub asks of a cluster: the one TLSAgent. The agent
// and the prober both do as it says.
package task
