// Package vap compiles the rules of a platform to the API server's own
// ValidatingAdmissionPolicies: one for each kind that is judged, and one binding
// each. It is pure, and the API server needs nothing else to judge by them.
//
// How a policy is made:
//
//   - All rules of a kind are one validation. The API server reports only the
//     first validation that fails, so the findings of all rules are gathered in a
//     variable and the message joins them: who breaks three rules reads three.
//   - A field that is left empty is judged by what cert-manager fills in.
//   - On update a rule judges only when a field changes that it is about, so that
//     what was there before a rule can still be edited, renewed and deleted.
//   - CEL has no clock. The creationTimestamp that the API server sets (it
//     overwrites a forged one) is the time of a create. An exception is compared
//     with it, and is left out of the policy altogether once it has ended.
//   - Text of the platform's owner (patterns, names) goes in as literals, never
//     as code; text of the request goes out shortened and on one line, since a
//     long or broken message is dropped by the API server.
//   - A rule that can't be compiled holds the whole part: the policies that were
//     there stay. Leaving the rule out would weaken the estate without a word.
//
// What this engine can't see: the certificate signing request inside a
// CertificateRequest. The part says so in a note.
package vap
