// Package consistency compares the clusters of a fleet with each other, also in
// what nobody declared: versions and owners of components, settings,
// ClusterIssuers and what stands behind them, policies and bundles.
//
// Against a declaration a cluster is right or wrong. Without one there is only
// the majority: what more than half of the clusters have is taken for what is
// meant, and who differs is an outlier. Where there is no majority, the clusters
// are split, and nobody is named for it.
//
// What is not known is never taken for equal, and never for different either: a
// cluster that is not seen is not compared, a list that was cut says nothing of
// what is not on it, and a CA that could not be read equals no other.
//
// The hub writes the outcome to status, and kubectl tls shows it. Both call this
// package, so that they can't disagree.
package consistency
