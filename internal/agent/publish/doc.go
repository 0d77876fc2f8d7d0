// Package publish writes what the agent found into the API: the whole list as
// CertificateSlices, read on demand, and a report of bounded size as the status
// of the TLSAgent.
//
// The list is cut into pages by the hash of the object that a record belongs to,
// in the manner of extendible hashing: a page covers every object whose hash
// starts with the page's prefix, and splits in two when it grows too large. So a
// change rewrites one page, whatever the size of the cluster, and the place of a
// record is the same after a restart. Nothing of a page stays in memory but its
// digest.
package publish
