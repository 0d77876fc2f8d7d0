// Package certificate holds the shape of a request for a certificate and of its
// result.
package certificate
