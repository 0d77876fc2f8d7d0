// Package verror holds the error by which an unreachable service is known.
package verror
