// Package gitops writes the plan of a cluster as files, for a Git repository or
// an artifact that something else applies. The same plan is the same bytes.
package gitops
