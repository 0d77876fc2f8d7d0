// Package inventory keeps the facts of every certificate of a cluster: what was
// found where, joined with what uses it.
//
// Objects of the API are reduced to facts by functions of values; the bytes that
// they came from are not kept. What changes is marked, so that whoever publishes
// need not look at everything.
package inventory
