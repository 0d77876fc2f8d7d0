// Package override makes the estate of one cluster of a fleet: the spec of a
// TLSPlatform with the overrides merged in that select the cluster. It also
// makes the bytes in which a revision of the spec is kept, so that clusters
// whose turn in a rollout has not come can go on with an older one.
//
// An override is a strategic merge patch as kubectl applies it, with three
// differences, all there to make its outcome independent of what it is merged
// into. Of the directives, only "$patch: delete" and "$patch: replace" as items
// of lists are known. The values of charts have no schema to merge by, so they
// are merged as RFC 7386 says. And a field that the API does not have is an
// error, where an API server would drop it.
//
// As with kubectl, items that a patch adds to a list come before those that were
// there. Where the order matters, "$patch: replace" as the first item, and after
// it the whole list, sets it.
package override
