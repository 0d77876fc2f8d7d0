package apply

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
)

// LiveObject is what the watch knows of one object that carries our label.
type LiveObject struct {
	// UID of the object.
	UID types.UID
	// ResourceVersion of the last event.
	ResourceVersion string
	// Fields is the hash of the fields that the part's manager owns.
	Fields string
	// Deleting is true once the object has a deletion timestamp.
	Deleting bool
}

// Action is what to do with one object.
type Action int

const (
	// Skip leaves the object: it is as it was written.
	Skip Action = iota
	// Create writes an object that the ledger does not know. It has to be looked
	// up first, since somebody else may own it.
	Create
	// Update writes a changed wish over an object of ours.
	Update
	// Repair writes the same wish again: the object was changed or deleted.
	Repair
)

// Decide says what to do with an object whose wish has the given digest.
// entry is what the ledger says and live what the watch says; nil is nothing.
// fresh is the resource version of our own last write, for a watch that lags.
func Decide(digest string, entry *ledger.Entry, live *LiveObject, fresh string) Action {
	switch {
	case entry == nil || entry.UID == "":
		return Create
	case live == nil && fresh != "":
		return Skip // just written, and not seen by the watch yet
	case live == nil:
		return Repair
	case live.Deleting:
		return Skip // it comes back as missing once it is gone
	case entry.Digest != digest:
		return Update
	case older(live.ResourceVersion, fresh):
		return Skip
	case live.UID != entry.UID || live.Fields != entry.Fields:
		return Repair
	default:
		return Skip
	}
}

// older compares resource versions, which are comparable as numbers of any
// length (KEP-5504).
func older(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

// decideRelease says which release shall be in force, given the wanted one, the
// state so far, whether what is applied is healthy, and the clock. It returns
// the new state and whether the wanted release is applied (false: the last
// healthy one is). It is pure; now is used for Since and for the deadline.
func decideRelease(state ledger.ReleaseState, want desired.Release, verdict releaseVerdict) (ledger.ReleaseState, bool) {
	if want.Key == state.Failed {
		return state, false
	}
	// Whoever asks for something else may ask for the failed one again later.
	state.Failed, state.FailedVersion, state.FailedMessage = "", "", ""
	if want.Key != state.Current.Key {
		state.Current, state.Since = want, verdict.now
		return state, true
	}
	switch {
	case verdict.healthy:
		healthy := state.Current
		state.Healthy = &healthy
	case state.Healthy == nil || state.Healthy.Key == state.Current.Key:
		// Nothing to go back to, or it was healthy before: not an upgrade's fault.
	case verdict.now.Sub(state.Since) >= verdict.timeout:
		state.Failed, state.FailedVersion, state.FailedMessage = want.Key, want.Version, verdict.message
		state.Current, state.Since = *state.Healthy, verdict.now
		return state, false
	}
	return state, true
}

// releaseVerdict is what is known when a release is decided on.
type releaseVerdict struct {
	now     time.Time
	timeout time.Duration
	healthy bool
	message string
}
