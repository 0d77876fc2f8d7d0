// Package plantest has what the tests of the plan's parts share: golden files of
// parts, and facts of clusters.
package plantest
