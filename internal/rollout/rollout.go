package rollout

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// defaultDeadline is the progressDeadline of the API.
const defaultDeadline = 10 * time.Minute

// State says how far a member is with the revision that it was told to have.
type State string

const (
	// Progressing says that it is not there yet, and nothing is known to be wrong.
	Progressing State = "Progressing"
	// Ready says that everything was applied and is healthy.
	Ready State = "Ready"
	// Failed says that it can't get there without a change.
	Failed State = "Failed"
)

// Member is what is known of one cluster.
type Member struct {
	// Name of the MemberCluster.
	Name string
	// Labels of the MemberCluster.
	Labels map[string]string
	// Revision that it was told to have, empty for none.
	Revision string
	// Since is when it was told.
	Since time.Time
	// State of that revision, as last seen.
	State State
	// Message says what is wrong, when something is.
	Message string
	// Reachable is whether its API server answers.
	Reachable bool
	// ReachabilitySince is since when Reachable is what it is: the transition time
	// of the condition Connected. A member that is neither reachable nor has a time
	// is not known yet, as all are after a restart of the hub. Its turn does not
	// come before it is known; if it was told already, it counts as at work, and is
	// never late.
	ReachabilitySince time.Time
	// WasReady is whether it ever was Ready with the revision.
	WasReady bool
}

// Spec says in what order members get a change. It is made by SpecFrom.
type Spec struct {
	// Canary selects the members that come first; nil for none.
	Canary labels.Selector
	// MaxUnavailable is how many members, as a number or a share of all rounded
	// up, may be at work at the same time, at least 1.
	MaxUnavailable intstr.IntOrString
	// Deadline is how long a member may take until it is Ready.
	Deadline time.Duration
}

// Input is everything that a decision depends on.
type Input struct {
	// Target is the revision that all members shall have.
	Target string
	// Stable is the revision that all had before, empty for none.
	Stable string
	// Spec of the rollout; nil for all at once.
	Spec *Spec
	// Members that are selected. All that earlier decisions assigned has to be
	// visible here, or more than MaxUnavailable may be at work.
	Members []Member
	// Now is the time of the decision.
	Now time.Time
}

// Decision says what to do, and how far the rollout is.
type Decision struct {
	// Assign is the revision that members shall have from now on. Only changes
	// are listed.
	Assign map[string]string
	// Phase of the rollout.
	Phase v1alpha1.RolloutPhase
	// Wave counts from 1, the canaries being the first; 0 without members.
	Wave int32
	// Updated is the number of members that have Target and are Ready.
	Updated int32
	// Total is the number of members.
	Total int32
	// Message says what the rollout waits for, or where it failed.
	Message string
	// Failed are the members that stopped the rollout, by name.
	Failed []string
	// Waiting are the members whose turn has not come, by name.
	Waiting []string
	// Stable is the stable revision after this decision: Target once complete.
	Stable string
	// Next is when time alone changes the decision; nil for never.
	Next *time.Time
}

// SpecFrom makes a Spec of the API's. It returns nil for nil, and fills in the
// API's defaults: one member at a time, ten minutes. A selector or a number that
// can't be read is an error.
func SpecFrom(r *v1alpha1.Rollout) (*Spec, error) {
	if r == nil {
		return nil, nil
	}
	spec := &Spec{MaxUnavailable: intstr.FromInt32(1), Deadline: defaultDeadline}
	if r.Canary != nil {
		selector, err := metav1.LabelSelectorAsSelector(r.Canary)
		if err != nil {
			return nil, fmt.Errorf("delivery.rollout.canary: %w", err)
		}
		spec.Canary = selector
	}
	if r.MaxUnavailable != nil {
		spec.MaxUnavailable = *r.MaxUnavailable
		if _, err := scaled(spec.MaxUnavailable, 100); err != nil {
			return nil, fmt.Errorf("delivery.rollout.maxUnavailable: %w", err)
		}
	}
	if r.ProgressDeadline != nil {
		spec.Deadline = r.ProgressDeadline.Duration
	}
	return spec, nil
}

// scaled returns a number, or a share of total rounded up.
func scaled(value intstr.IntOrString, total int) (int, error) {
	return intstr.GetScaledValueFromIntOrPercent(&value, total, true)
}
