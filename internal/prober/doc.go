// Package prober shakes hands with served addresses and says what certificate
// they serve. It knows nothing of Kubernetes and of keys: endpoints come as
// values, results leave as values.
//
// Names and addresses come from objects that anybody in a cluster may write, so
// a probe could be aimed at something that only the prober reaches. Therefore
// nothing is dialled unless the Policy allows the network; a name is resolved
// once, all its addresses are checked, and what was checked is what is dialled,
// which leaves nothing to DNS rebinding. The dialler checks the address again.
//
// Peers are hostile too: each stage has a time limit, what is read is counted,
// and their text is cleaned and cut before it is kept.
//
// Nothing is verified and nothing is sent after the handshake. A result says
// what is served, not that it should be trusted. Versions since TLS 1.0 and all
// cipher suites of Go are offered: an old server's certificate is worth knowing
// precisely because the server is old, and Result.Obsolete tells of it.
package prober
