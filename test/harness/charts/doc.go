// Package charts serves Helm charts from an OCI registry inside the process.
//
// A platform pulls its components' charts from a registry, so a test of it
// needs one, with the real charts in it: those of cert-manager and
// trust-manager lie in their Go modules, unreleased (version v0.0.0), and are
// released here the way upstream's own tooling does it. The registry can be
// stopped and started again on the same port, can ask for a user and a
// password, and can hold charts that were spoilt on purpose, since a registry
// that is down, a missing pull secret and a chart that never becomes healthy
// are what an operator meets.
//
// Packages are reproducible: the same files, version and edits give the same
// digest on every machine, so digests can be pinned in tests.
package charts
