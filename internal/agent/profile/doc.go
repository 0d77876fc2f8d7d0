// Package profile makes the profile of a cluster: which components run there,
// which CAs its issuers stand for, which policies judge certificates, which
// bundles are distributed, and with which settings cert-manager runs, whoever
// declared it.
//
// Reducers make a small record of an object, pure functions of its value. A
// Store keeps the records and makes a ClusterProfile of them that is the same
// for the same objects, in whatever order they were read, and that can be
// compared between clusters. All texts come from outside: they are bounded and
// without control characters.
package profile
