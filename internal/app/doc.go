// Package app wires the roles of the operator's binary from the rooms below:
// flags, manager, clients, controllers. It decides nothing.
package app
