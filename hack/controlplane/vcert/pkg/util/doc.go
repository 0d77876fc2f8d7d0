// Package util holds the hint at an issuer that a request carries.
package util
