// Package served says what is really served: it takes addresses from the objects
// of a cluster and from what was declared, has them probed, compares what they
// serve with what the agent found stored, and publishes the result beside the
// agent's list.
//
// It has no right to read Secrets. What is stored it knows from the agent's
// CertificateSlices: fingerprints and names, never keys.
//
// Addresses come from objects that many people may write. So an endpoint is
// probed once however many objects name it, at most so often, and only in the
// networks that were allowed; what one object may name is bounded.
package served
