package desired

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// PartName names one part of a plan.
type PartName string

// The parts of a plan, in the order in which they are applied.
const (
	Access       PartName = "access"
	CertManager  PartName = "cert-manager"
	TrustManager PartName = "trust-manager"
	Issuers      PartName = "issuers"
	Policy       PartName = "policy"
	Trust        PartName = "trust"
	Monitoring   PartName = "monitoring"
	Agent        PartName = "agent"
	Inventory    PartName = "inventory"
)

// Order in which parts are applied; they are removed the other way round.
var Order = []PartName{Access, CertManager, TrustManager, Issuers, Policy, Trust, Monitoring, Agent, Inventory}

// Identity says under which identity a part is written.
type Identity string

const (
	// IdentityHub is the identity of steady state.
	IdentityHub Identity = "hub"
	// IdentityInstaller may write what charts need (CRDs, cluster roles) and is
	// used only while a component differs from its plan.
	IdentityInstaller Identity = "installer"
)

// Plan is what one cluster shall have.
type Plan struct {
	// Parts in the order in which they are applied.
	Parts []Part
}

// Part is a group of objects with one field manager, one identity and one
// outcome.
type Part struct {
	// Name of the part.
	Name PartName
	// DependsOn are parts that must be healthy before this one is applied.
	DependsOn []PartName
	// Identity that the part is written under.
	Identity Identity
	// Objects in the order in which they are applied.
	Objects []*unstructured.Unstructured
	// Digests of objects, where they are known already.
	Digests map[*unstructured.Unstructured]string
	// Adopt takes over objects that exist already and belong to others.
	Adopt bool
	// Release is set for parts that come from a chart.
	Release *Release
	// Hold, when set, says why the part is left as it is in the cluster:
	// nothing is applied and nothing is pruned.
	Hold *Hold
	// HealthTimeout is how long a release may take to become healthy.
	HealthTimeout time.Duration
	// External is set for a component that the platform only observes; then
	// there is nothing to apply.
	External *External
	// Problems say what the spec asks for and can't be built; the rest of the
	// part is applied all the same.
	Problems []Note
	// Keep are objects that are not in Objects because of a Problem, and must not
	// be pruned for that.
	Keep []Ref
	// Notes are shown with the part's condition although it is healthy: what is
	// skipped or not covered.
	Notes []Note
}

// Release describes a rendered chart.
type Release struct {
	// Version of the chart.
	Version string `json:"version"`
	// AppVersion is the version of what the chart installs.
	AppVersion string `json:"appVersion,omitempty"`
	// Digest of the chart's manifest, sha256:….
	Digest string `json:"digest,omitempty"`
	// Key identifies the inputs of the rendering: chart, version, values.
	Key string `json:"key"`
	// Namespace that the component runs in.
	Namespace string `json:"namespace,omitempty"`
	// KubeVersionRange is the chart's own constraint; empty for none.
	KubeVersionRange string `json:"kubeVersionRange,omitempty"`
}

// External is the state of a component that somebody else runs.
type External struct {
	// Ready says whether other parts may build on it.
	Ready bool
	// Optional is true when nobody asked for the component: then its absence is
	// no fault.
	Optional bool
	// Version that was found.
	Version string
	// Reason is a condition reason, Message says what was found.
	Reason, Message string
}

// Hold says why a part is left as it is.
type Hold struct {
	// Reason is a condition reason.
	Reason string
	// Message says what was found, what was expected and what to do.
	Message string
	// Terminal is true when only a change by a person can help.
	Terminal bool
}

// Note says something about a part that is otherwise fine.
type Note struct {
	// Reason is a condition reason.
	Reason string
	// Message says what is skipped or not covered, and what to do.
	Message string
}

// Part returns the part of that name, nil when the plan has none.
func (p *Plan) Part(name PartName) *Part {
	for i := range p.Parts {
		if p.Parts[i].Name == name {
			return &p.Parts[i]
		}
	}
	return nil
}

// Ref identifies an object in one cluster, whatever the version of its API.
type Ref struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// RefOf an object.
func RefOf(o *unstructured.Unstructured) Ref {
	gvk := o.GroupVersionKind()
	return Ref{Group: gvk.Group, Kind: gvk.Kind, Namespace: o.GetNamespace(), Name: o.GetName()}
}

// GroupKind of the object.
func (r Ref) GroupKind() schema.GroupKind {
	return schema.GroupKind{Group: r.Group, Kind: r.Kind}
}

// String is Kind namespace/name, as people write it.
func (r Ref) String() string {
	if r.Namespace == "" {
		return r.Kind + " " + r.Name
	}
	return r.Kind + " " + r.Namespace + "/" + r.Name
}
