// Package cli is the kubectl plugin "kubectl tls": it reads the list of
// certificates that the agent of a cluster publishes, and shows it to people.
//
// It reads CertificateSlices, the TLSAgent and the agent's Lease, and nothing
// else: no Secret, and no object that uses one. What it says is what the agent
// has found, so it also says how old that is and what the agent could not read.
//
// Reading is in load.go and connect.go. Everything else is pure: filters,
// explanations and printers are functions of records with the time passed in.
//
// Texts in the records come from certificates and from names of objects, which
// strangers may choose. Every printer cleans them of what a terminal would act
// on, whatever the agent has done already.
package cli
