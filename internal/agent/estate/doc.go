// Package estate watches what the platform applied to a cluster, and reports
// what others changed or deleted and what does not do its work.
//
// The ledger of the cluster says what there has to be. Of each object only a
// hash of the platform's own fields is kept, its health, and the fields as they
// were last in order, to tell which of them somebody took. The contents of
// Secrets are never asked for.
//
// The watches of different kinds are not in step: an object is often seen before
// the ledger that tells of its change, or after it. So a verdict counts once it
// held for a moment.
package estate
