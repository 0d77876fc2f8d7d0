// Package ledger is the list of what was applied to a cluster. It is kept in the
// cluster itself, written before the objects, so that losing the hub orphans
// nothing; the agent of the cluster reads it to tell drift.
package ledger
