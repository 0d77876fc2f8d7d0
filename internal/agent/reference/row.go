package reference

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// NamespaceRule says how the namespace of a target is found.
type NamespaceRule uint8

// Namespace rules.
const (
	// InSame is the namespace of the object that refers.
	InSame NamespaceRule = iota
	// InField is given by the field namespace beside the name, if there is one.
	InField
	// InValue is part of the value, as namespace/name; without a slash it is the
	// same namespace.
	InValue
	// InAny is not known.
	InAny
	// InSuffix is part of the value, as name.namespace, unless secret_namespacing
	// beside it is false (Ambassador).
	InSuffix
	// InWorkload is the namespace of the Pods that the object selects (Istio).
	InWorkload
	// InClusterResource is where cert-manager looks for what cluster-wide issuers
	// name.
	InClusterResource
	// InTrust is where trust-manager reads its sources.
	InTrust
	// InFixed is the same in every cluster: Row.Fixed.
	InFixed
)

// Row says where objects of one kind name a target.
type Row struct {
	// Group and Kind of the objects that refer.
	Group, Kind string
	// Path of the field with the name; see Reference.Path of the API. [**] goes
	// to any depth.
	Path string
	// Namespace rule, and the namespace for InFixed.
	Namespace NamespaceRule
	Fixed     string
	// Target kind.
	Target TargetKind
	// Layer that the certificates are used in, empty for no say.
	Layer v1alpha1.Layer
	// Name is a template of the target's name: {name} stands for the value.
	// Empty means the value itself.
	Name string
	// Beside is a field next to the name that must have one of the values In; an
	// empty value allows the field to be absent.
	Beside string
	In     []string
	// Selects says that the field is a label selector, not a name.
	Selects bool
	// NeedsGrant says that a reference across namespaces must be permitted.
	NeedsGrant bool
}

// compiled is a row that is ready for use.
type compiled struct {
	Row
	path path
}

// rowOf a reference that people declared.
func rowOf(r *v1alpha1.Reference) (Row, error) {
	row := Row{Group: r.Group, Kind: r.Kind, Path: r.Path, Layer: r.Layer}
	if row.Layer == "" {
		row.Layer = v1alpha1.LayerApplication
	}
	switch r.Namespace {
	case v1alpha1.ReferenceNamespaceSame, "":
	case v1alpha1.ReferenceNamespaceField:
		row.Namespace = InField
	case v1alpha1.ReferenceNamespaceValue:
		row.Namespace = InValue
	case v1alpha1.ReferenceNamespaceAny:
		row.Namespace = InAny
	default:
		return row, fmt.Errorf("namespace %q is not one of Same, Field, Value, Any", r.Namespace)
	}
	return row, nil
}

func (r *Row) groupKind() schema.GroupKind { return schema.GroupKind{Group: r.Group, Kind: r.Kind} }

// applies says whether the field beside the name lets the row apply.
func (r *Row) applies(around map[string]any) bool {
	if r.Beside == "" {
		return true
	}
	value, _ := around[r.Beside].(string)
	return slices.Contains(r.In, value)
}

// reference that a row makes of a value. The name is empty when it makes none:
// when the value is no name, or its namespace none.
func (t *Table) reference(r *compiled, own string, value any, around map[string]any) Reference {
	made := Reference{Field: r.path.text, Layer: r.Layer, Certain: true, NeedsGrant: r.NeedsGrant}
	made.Target.Kind = r.Target
	text, isText := value.(string)
	switch {
	case r.Selects:
		if _, ok := value.(map[string]any); !ok {
			return Reference{}
		}
		text, made.Certain = AnyName, false
	case !isText || text == "":
		return Reference{}
	}
	text = t.locate(&made, r, own, text, around)
	if r.Name != "" && text != "" {
		text = strings.ReplaceAll(r.Name, "{name}", text)
	}
	if !r.Selects && !isSubdomain(text) {
		return Reference{}
	}
	made.Target.Name = text
	return made
}

// locate fills in the namespace of the target, and returns the name that is left.
func (t *Table) locate(made *Reference, r *compiled, own, text string, around map[string]any) string {
	target := &made.Target
	target.Namespace = own
	switch r.Namespace {
	case InSame:
	case InField:
		if namespace, _ := around["namespace"].(string); namespace != "" {
			target.Namespace = namespace
		}
	case InValue:
		namespace, name, ok := qualifiedOr(text, own)
		if !ok {
			return ""
		}
		target.Namespace, text = namespace, name
	case InSuffix:
		text = locateSuffix(target, text, around)
	case InAny:
		target.Namespace = ""
	case InWorkload:
		text = locateCredential(target, text)
		if target.Namespace == "" {
			return text
		}
	case InClusterResource:
		target.Namespace = t.clusterResource
	case InTrust:
		target.Namespace = t.trust
	case InFixed:
		target.Namespace = r.Fixed
	}
	switch {
	case target.Namespace == "":
		target.Namespace, made.Certain = AnyNamespace, false
	case !isLabel(target.Namespace):
		return ""
	}
	return text
}

// locateSuffix splits name.namespace at the last dot, as Ambassador does.
func locateSuffix(target *Target, text string, around map[string]any) string {
	at := strings.LastIndexByte(text, '.')
	if split, set := around["secret_namespacing"].(bool); at > 0 && (split || !set) {
		target.Namespace, text = text[at+1:], text[:at]
	}
	return text
}

// locateCredential understands the forms of a credentialName: name, namespace/
// name, and both after kubernetes://, kubernetes-gateway:// or configmap://
// (istio.io/istio, pilot/pkg/model/credentials). A name alone is left without
// namespace. The name is empty for what is no object.
func locateCredential(target *Target, text string) string {
	target.Namespace = ""
	if scheme, rest, found := strings.Cut(text, "://"); found {
		switch scheme {
		case "kubernetes", "kubernetes-gateway":
		case "configmap":
			target.Kind = ConfigMap
		default:
			return ""
		}
		text = rest
	}
	if strings.IndexByte(text, '/') < 0 {
		return text
	}
	namespace, name, ok := qualified(text)
	if !ok {
		return ""
	}
	target.Namespace = namespace
	return name
}
