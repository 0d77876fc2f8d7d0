// Package agent plans what the agent of a cluster needs there: its identity and
// rights, its pod, and the TLSAgent that says what is asked of it.
//
// They are two parts, since two identities write them: the installer what runs
// the agent (it may write roles), and the hub the TLSAgent, which changes with
// spec.inventory in steady state. Neither depends on cert-manager: an inventory
// is of use, and most of all, in a cluster where nothing manages certificates.
package agent
