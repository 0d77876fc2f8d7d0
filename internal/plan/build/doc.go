// Package build has what the builders of the plan's parts share: turning a typed
// object into one that owns only the fields that are set, and checking the PEM
// certificates that people put into a spec.
package build
