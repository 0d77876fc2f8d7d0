package preview

import (
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
)

// Action is what the hub would do with one object.
type Action string

const (
	// Create says that the object does not exist and would be made.
	Create Action = "Create"
	// Update says that the object would be changed.
	Update Action = "Update"
	// Unchanged says that the object is as it is wanted.
	Unchanged Action = "Unchanged"
	// Prune says that the object is no longer wanted and would be deleted.
	Prune Action = "Prune"
	// Keep says that the object is not wanted, or is of a part that is held, and
	// stays all the same.
	Keep Action = "Keep"
	// Conflict says that the object is somebody else's. The hub would leave it
	// alone; the diff shows what taking it over would change.
	Conflict Action = "Conflict"
	// Refused says that the API server refuses the object, as it would refuse it
	// to the hub.
	Refused Action = "Refused"
	// Unknown says that the API server could not be asked.
	Unknown Action = "Unknown"
)

// Actions in the order in which they are counted and shown.
var Actions = []Action{Create, Update, Prune, Conflict, Refused, Unknown, Keep, Unchanged}

// Changes says whether an action leaves the cluster other than it is, or might.
func (a Action) Changes() bool {
	switch a {
	case Unchanged, Keep:
		return false
	case Create, Update, Prune, Conflict, Refused, Unknown:
		return true
	default:
		return true
	}
}

// Change is what the hub would do with one object, and why.
type Change struct {
	// Object that is meant.
	Object desired.Ref `json:"object"`
	// Part of the plan that it belongs to.
	Part desired.PartName `json:"part"`
	// Action that the hub would take.
	Action Action `json:"action"`
	// Owner says whose the object is now: "Helm release ns/name", "OLM name",
	// "TLSPlatform name", "plain"; empty when it does not exist.
	Owner string `json:"owner,omitempty"`
	// Managers are the field managers of the object as it is, sorted, without the
	// manager of the part itself.
	Managers []string `json:"managers,omitempty"`
	// Note says why, and what to do.
	Note string `json:"note,omitempty"`
	// Unchecked says why the API server could not be asked about an object that
	// would be created; its diff is then the wish. Empty when it was asked.
	Unchecked string `json:"unchecked,omitempty"`
	// Diff in unified form from what is there to what would be; empty for none.
	Diff string `json:"diff,omitempty"`
}

// Count says how many changes there are of each action.
func Count(changes []Change) map[Action]int {
	counts := map[Action]int{}
	for i := range changes {
		counts[changes[i].Action]++
	}
	return counts
}
