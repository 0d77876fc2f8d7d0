// Package exposition serves the inventory to Prometheus.
//
// A large cluster has tens of thousands of series, and each scrape renders all
// of them. No metric objects are built: text goes from the inventory into one
// buffer, a shard at a time. The inventory is locked while a shard is rendered,
// never while a client reads.
//
// Texts of certificates and annotations come from strangers. A label value is
// bounded, valid UTF-8 and printable. Those that tell objects apart stay
// different when they are shortened, so that no series comes twice.
package exposition
