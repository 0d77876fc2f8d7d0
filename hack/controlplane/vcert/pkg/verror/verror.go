package verror

import "errors"

// ServerUnavailableError says that the service could not be reached.
var ServerUnavailableError = errors.New("server unavailable") //nolint:revive,staticcheck // the library's name
