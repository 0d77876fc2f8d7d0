// Package resolve finds out what a plan needs beside the spec and the facts: the
// rendered charts of the components, and the versions that count as running. The
// hub and those who preview what the hub would do ask here, so that both plan
// from the same.
package resolve
