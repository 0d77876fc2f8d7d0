// Package apply makes one cluster have what a plan says: it decides for each
// object whether to write it, writes by server-side apply, records what it
// wrote in a ledger that lives in the cluster, removes what the plan no longer
// has, and judges health.
//
// A steady cluster costs nothing. Whether an object drifted is read from its
// metadata alone: the set of fields that our field manager owns is what we
// applied, unless somebody changed or removed one of them. So the engine needs
// a watch on metadata, never on contents, and writes only where the set, or
// the wish, changed.
//
// The ledger is written before the objects, so that losing the hub orphans
// nothing: whatever was applied is listed.
package apply
