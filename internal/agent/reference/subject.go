package reference

import (
	"cmp"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// Keys that say that an object is a copy, or that copies are made of it.
const (
	reflectorPrefix  = "reflector.v1.k8s.emberstack.com/"
	reflectorMirror  = reflectorPrefix + "reflects"
	reflectorAllowed = reflectorPrefix + "reflection-allowed"
	reflectorAuto    = reflectorPrefix + "reflection-auto-enabled"

	replicatorPrefix   = "replicator.v1.mittwald.de/"
	replicatorFrom     = replicatorPrefix + "replicate-from"
	replicatorTo       = replicatorPrefix + "replicate-to"
	replicatorMatching = replicatorPrefix + "replicate-to-matching"
	replicatorAllowed  = replicatorPrefix + "replication-allowed"
	// replicatorVersion is on copies that were pushed (replicate/consts.go of
	// mittwald/kubernetes-replicator): they have the name of the original and do
	// not say where that is.
	replicatorVersion = replicatorPrefix + "replicated-from-version"

	syncerPrefix    = "kubed.appscode.com/"
	syncerSync      = syncerPrefix + "sync"
	syncerName      = syncerPrefix + "origin.name"
	syncerNamespace = syncerPrefix + "origin.namespace"
)

// Keys that say who reads or makes an object.
const (
	labelNextKey       = "cert-manager.io/next-private-key"
	labelBundle        = "trust.cert-manager.io/bundle"
	labelClusterBundle = "trust-manager.io/bundle"
	labelKongCA        = "konghq.com/ca-cert"
	labelArgoType      = "argocd.argoproj.io/secret-type"
	labelIstioConfig   = "istio.io/config"
)

// Metadata is what Describe looks at.
type Metadata struct {
	Kind            TargetKind
	Namespace, Name string
	// Type of a Secret.
	Type                string
	Labels, Annotations map[string]string
	// Controller that owns the object, by its ownerReference; empty for none.
	ControllerAPIVersion, ControllerKind, ControllerName string
}

// Relevant says whether Describe looks at this key of labels or annotations.
func Relevant(key string) bool {
	switch key {
	case names.AnnotationOrphan,
		reflectorMirror, reflectorAllowed, reflectorAuto,
		replicatorFrom, replicatorTo, replicatorMatching, replicatorAllowed, replicatorVersion,
		syncerSync, syncerName, syncerNamespace,
		labelNextKey, labelBundle, labelClusterBundle, labelKongCA, labelArgoType, names.LabelOLMManaged, names.LabelOLMOwner,
		labelIstioConfig:
		return true
	}
	return false
}

// Describe keeps what an object's own metadata says about its use. It is nil when
// that is nothing special.
func Describe(m Metadata) *Subject {
	s := Subject{
		Exempt:         bounded(exemption(&m)),
		ReplicatedFrom: strings.Clone(original(&m)),
		Replicates:     replicates(&m),
	}
	if s == (Subject{}) {
		return nil
	}
	return &s
}

// original is the namespace/name of what the object is a copy of.
func original(m *Metadata) string {
	from := cmp.Or(m.Annotations[reflectorMirror], m.Annotations[replicatorFrom])
	if from == "" && m.Labels[syncerName] != "" {
		from = m.Labels[syncerNamespace] + "/" + m.Labels[syncerName]
	}
	if from == "" && m.Annotations[replicatorVersion] != "" {
		return AnyNamespace + "/" + m.Name
	}
	namespace, name, ok := qualifiedOr(from, m.Namespace)
	if !ok || namespace == m.Namespace && name == m.Name {
		return ""
	}
	return namespace + "/" + name
}

// replicates says whether copies are made of the object. What is itself a copy
// may carry these annotations, copied along.
func replicates(m *Metadata) bool {
	return m.Annotations[reflectorAllowed] == "true" || m.Annotations[reflectorAuto] == "true" ||
		m.Annotations[replicatorTo] != "" || m.Annotations[replicatorMatching] != "" ||
		m.Annotations[replicatorAllowed] == "true" || has(m.Annotations, syncerSync)
}

func has(m map[string]string, key string) bool {
	_, found := m[key]
	return found
}
