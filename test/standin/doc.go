// Package standin serves many clusters that look like members of a fleet: each
// at its own address, with TLS, bearer tokens, discovery, server-side apply,
// watches and a small world that makes what is applied healthy. It is for
// scale alone: 500 real API servers do not fit into one machine. What it
// answers is compared with a real API server in fidelity_test.go.
//
// It does less than an API server where the operator does not look: nothing is
// validated or defaulted, everybody who has a token may do everything, and a
// list is answered from the present whatever resource version was asked for.
// Field ownership is computed by the API server's own code.
//
// Objects are kept as the JSON that is sent, in two parts: identity and labels,
// and the rest. Equal parts of different clusters are kept once, so that a
// definition costs the same for 500 clusters as for one.
package standin
