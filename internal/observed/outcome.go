package observed

import (
	"time"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// PartState says how far one part of a plan got in one cluster.
type PartState string

const (
	// PartReady says that the part is applied and healthy.
	PartReady PartState = "Ready"
	// PartProgressing says that the part is applied and not healthy yet.
	PartProgressing PartState = "Progressing"
	// PartUnhealthy says that the part was healthy and no longer is.
	PartUnhealthy PartState = "Unhealthy"
	// PartWaiting says that the part waits for another.
	PartWaiting PartState = "Waiting"
	// PartHeld says that the plan left the part as it is in the cluster.
	PartHeld PartState = "Held"
	// PartFailed says that the API server refused something.
	PartFailed PartState = "Failed"
	// PartEmpty says that nothing is declared.
	PartEmpty PartState = "Empty"
)

// Part is the outcome of one part in one cluster.
type Part struct {
	// Name of the part.
	Name string
	// State it is in.
	State PartState
	// Reason is a condition reason.
	Reason string
	// Message says what was found, what was expected and what to do.
	Message string
	// Terminal is true when only a person can help.
	Terminal bool
	// External is true for a component that somebody else runs.
	External bool
	// Notes say what is skipped or not covered although the part is fine.
	Notes []string
	// Version and Digest of the release in force, for components.
	Version, Digest string
	// Unhealthy objects with what is wrong, at most ten.
	Unhealthy []Finding
	// Repaired objects in this run, for events.
	Repaired []Finding
	// Changed says how many objects were written in this run.
	Changed int
}

// Finding is one sentence about one object.
type Finding struct {
	// Object as Kind namespace/name.
	Object string
	// APIVersion, Kind, Namespace and Name of the object; set for repairs.
	APIVersion, Kind, Namespace, Name string
	// Message says what was found.
	Message string
	// Serving is true when the object does its work all the same, as a workload
	// does while it is rolled out.
	Serving bool
}

// Outcome is what one run did to one cluster and found there, and what is known
// of the cluster besides.
type Outcome struct {
	// Cluster is the name of the MemberCluster.
	Cluster string
	// Revision of the spec that the run was for.
	Revision string
	// Unreachable is true when the cluster did not answer as an API server should.
	// Err says why.
	Unreachable bool
	// Since is when what Err says began; zero for unknown.
	Since time.Time
	// Silent says that the cluster's agent does not renew its Lease; empty when it
	// does, or when that is not known.
	Silent string
	// Waiting says why the cluster does not have the last change of the spec yet;
	// empty when it was told to.
	Waiting string
	// Behind are components that run another version than was declared, as
	// "cert-manager v1.20.2, declared v1.21.2".
	Behind []string
	// Facts that the plan was made from.
	Facts Cluster
	// Parts in the order of the plan.
	Parts []Part
	// Issuers that were declared, with their state.
	Issuers []Issuer
	// Agent is the last report of the cluster's agent without its lists, nil
	// when there is no TLSAgent.
	Agent *v1alpha1.TLSAgentStatus
	// AgentGeneration is the generation of the TLSAgent that the report is of.
	AgentGeneration int64
	// Objects that the ledger has.
	Objects int
	// Drifted counts objects that others changed and that are left so.
	Drifted int
	// Retained says what stays although it is no longer declared, and why.
	Retained []string
	// Err says that the cluster as a whole could not be worked on.
	Err *Failure
	// Recheck asks for another run after this time; zero for none.
	Recheck time.Duration
}

// Failure says why a cluster could not be worked on.
type Failure struct {
	// Reason is a condition reason.
	Reason string
	// Message says what was found and what to do.
	Message string
	// Terminal is true when only a person can help.
	Terminal bool
}

// Issuer is the state of one declared issuer in a cluster.
type Issuer struct {
	// Name of the issuer and of its Backend.
	Name, Backend string
	// Ready repeats the ClusterIssuer's condition.
	Ready bool
	// Reason and Message of that condition.
	Reason, Message string
}

// Part returns the outcome of that part, nil when there is none.
func (o *Outcome) Part(name string) *Part {
	for i := range o.Parts {
		if o.Parts[i].Name == name {
			return &o.Parts[i]
		}
	}
	return nil
}
