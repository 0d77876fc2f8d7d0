// Package verror holds the error by which an unreachable service is known.
package verror

import "errors"

// ServerUnavailableError says that the service could not be reached.
var ServerUnavailableError = errors.New("server unavailable") //nolint:revive,staticcheck // the library's name
