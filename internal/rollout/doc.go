// Package rollout decides which clusters of a fleet get a change of the spec
// next, and when to stop. It is a function of values: what it needs to know is in
// the status of the clusters, so a hub that was restarted in the middle of a
// rollout decides as the one before it. It keeps nothing, and asks no clock.
//
// Canaries come first, then all others, in the order of their names. At most
// maxUnavailable clusters are at work on the change at the same time; the next
// one gets it when one of those is healthy. One that fails with it stops the
// rollout, until the spec is changed, the cluster turns healthy, or it is no
// longer selected.
//
// A cluster that can't be reached when its turn comes is passed over, and gets the
// change in its turn once it is back. One that was lost after it was told may well be a victim of the change, so it counts
// like one at work, up to the deadline and as failed after that. While no cluster
// at all can be reached, nobody's turn comes: more likely it is the hub that is cut
// off, and all clusters would get the change at once when it is back. Nor does the
// turn of a cluster come of which nothing is known yet, as after a restart of the
// hub.
package rollout
