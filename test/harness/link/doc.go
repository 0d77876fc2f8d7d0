// Package link stands for the network between two clusters: a TCP proxy that can
// be cut, made to hang and slowed down while connections are open.
//
// It forwards bytes and terminates nothing, so the server behind it must have a
// certificate for the proxy's address.
package link
