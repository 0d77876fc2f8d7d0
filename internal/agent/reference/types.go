package reference

import (
	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// TargetKind is a kind that can be referenced.
type TargetKind uint8

// Kinds that can be referenced.
const (
	Secret TargetKind = iota
	ConfigMap
	// Certificate is cert-manager's: a reference to it is one to its Secret.
	Certificate
)

var targetKindNames = [...]string{"Secret", "ConfigMap", "Certificate"}

// String is the kind as in the API.
func (k TargetKind) String() string {
	if int(k) < len(targetKindNames) {
		return targetKindNames[k]
	}
	return "unknown"
}

const (
	// AnyNamespace in a Target matches that name in every namespace.
	AnyNamespace = "*"
	// AnyName in a Target stands for the objects that a label selector chooses
	// in that namespace. Which ones is not known, so it makes a verdict there
	// less certain and nothing used.
	AnyName = "*"
)

// Target is what is referenced.
type Target struct {
	Kind            TargetKind
	Namespace, Name string
}

// Source is an object that refers.
type Source struct {
	// Kind is the kind as people know it; where two groups share one, with the
	// group: Gateway, Gateway.networking.istio.io.
	Kind            string
	Namespace, Name string
}

// Reference is one mention of a target.
type Reference struct {
	Target Target
	// Field is the path of the field, or the flag of a container, that names it.
	Field string
	// Layer that the reference puts the certificate in; empty for no say.
	Layer v1alpha1.Layer
	// Certain is false for a guess, such as a container argument that has the
	// form of a Secret's name.
	Certain bool
	// NeedsGrant says that a reference into another namespace holds only while
	// something there permits it.
	NeedsGrant bool
}

// Referrer is a source that refers to a given target.
type Referrer struct {
	Source
	Field   string
	Layer   v1alpha1.Layer
	Certain bool
	// Ungranted says that the reference crosses namespaces without permission,
	// and has no effect.
	Ungranted bool
}
