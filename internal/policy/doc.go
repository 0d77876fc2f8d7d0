// Package policy is the model of the rules: what a DNS pattern means, which
// values cert-manager fills in for fields that are left empty, which issuers a
// platform approves, and which exceptions hold at a given time.
//
// Several engines compile these rules (the API server's admission policies
// today), and what they must agree on is here, once. The room is pure: it has
// no clock and reads nothing.
package policy
