package reference

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// defaultCertManagerNamespace is where cert-manager and trust-manager read what
// cluster-wide objects name, unless their flags say otherwise.
const defaultCertManagerNamespace = "cert-manager"

// typedKinds have functions of their own; a row for one of them makes sources
// under another name, so that neither replaces the other.
var typedKinds = []string{
	"CertificateRequest", "ConfigMap", "CronJob", "CustomResourceDefinition", "DaemonSet", "Deployment", "Ingress", "Job",
	"APIService", "MutatingWebhookConfiguration", "Pod", "ReplicaSet", "Secret", "Service", "StatefulSet",
	"ValidatingWebhookConfiguration",
}

// Table says where objects of other kinds than the core ones name a target.
type Table struct {
	rows map[schema.GroupKind][]compiled
	// names of sources by kind: the kind, with its group where another group has
	// the same kind.
	names                  map[schema.GroupKind]string
	clusterResource, trust string
}

// NewTable makes a table of the built-in rows and those of the user. A row that
// can't be understood is left out, and an error names it; the rest works.
func NewTable(user []v1alpha1.Reference) (*Table, []error) {
	t := &Table{
		rows:            map[schema.GroupKind][]compiled{},
		names:           map[schema.GroupKind]string{},
		clusterResource: defaultCertManagerNamespace,
		trust:           defaultCertManagerNamespace,
	}
	taken := map[string]bool{}
	for _, kind := range typedKinds {
		taken[kind] = true
	}
	var errs []error
	add := func(row Row) error {
		p, err := parsePath(row.Path)
		if err != nil {
			return err
		}
		gk := row.groupKind()
		t.name(gk, taken)
		t.rows[gk] = append(t.rows[gk], compiled{Row: row, path: p})
		return nil
	}
	for _, row := range builtIn() {
		if err := add(row); err != nil {
			errs = append(errs, fmt.Errorf("built-in row of %s: %w", row.groupKind(), err))
		}
	}
	for gk := range granters {
		t.name(gk, taken)
	}
	for i := range user {
		row, err := rowOf(&user[i])
		if err == nil {
			err = add(row)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("reference %d of %s: %w", i, row.groupKind(), err))
		}
	}
	return t, errs
}

func (t *Table) name(gk schema.GroupKind, taken map[string]bool) {
	if _, found := t.names[gk]; found {
		return
	}
	name := gk.Kind
	if taken[name] {
		name = qualifiedKind(gk)
	}
	taken[name] = true
	t.names[gk] = name
}

func qualifiedKind(gk schema.GroupKind) string {
	return gk.Kind + "." + cmp.Or(gk.Group, "core")
}

// SetClusterResourceNamespace sets where cert-manager looks for what
// ClusterIssuers name (its flag --cluster-resource-namespace).
func (t *Table) SetClusterResourceNamespace(namespace string) { t.clusterResource = namespace }

// SetTrustNamespace sets where trust-manager reads the sources of its bundles
// (its flag --trust-namespace).
func (t *Table) SetTrustNamespace(namespace string) { t.trust = namespace }

// Kinds that have rows, sorted by group and kind.
func (t *Table) Kinds() []schema.GroupKind {
	return slices.SortedFunc(maps.Keys(t.names), func(a, b schema.GroupKind) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind, b.Kind))
	})
}

// Describes says whether the kind has a row.
func (t *Table) Describes(gk schema.GroupKind) bool {
	_, found := t.names[gk]
	return found
}

// SourceKind is the kind as in Source.Kind: with its group where another group
// has the same kind.
func (t *Table) SourceKind(gk schema.GroupKind) string {
	if name, found := t.names[gk]; found {
		return name
	}
	return qualifiedKind(gk)
}

// Reduce keeps what an object names. The object is decoded JSON.
func (t *Table) Reduce(gk schema.GroupKind, object map[string]any) Reduced {
	namespace, name := text(object, "metadata", "namespace"), text(object, "metadata", "name")
	r := Reduced{Source: Source{Kind: t.SourceKind(gk), Namespace: namespace, Name: name}}
	c := collector{namespace: namespace}
	selector := workloadSelector(object)
	workload := false
	rows := t.rows[gk]
	for i := range rows {
		row := &rows[i]
		row.path.each(object, func(value any, around map[string]any) bool {
			if !row.applies(around) {
				return true
			}
			made := t.reference(row, namespace, value, around)
			if made.Target.Name == "" {
				return true
			}
			if row.Namespace == InWorkload && made.Target.Namespace == "" {
				if len(selector) == 0 {
					made.Target.Namespace, made.Certain = AnyNamespace, false
				}
				workload = true
			}
			c.put(made)
			return len(c.references) < maxReferences
		})
	}
	r.References = c.references
	if workload {
		r.Selector = selector
	}
	if grants, found := granters[gk]; found {
		r.Grants = grants(t, namespace, object)
	}
	return r
}

// workloadSelector is the selector of an object as key=value, sorted.
func workloadSelector(object map[string]any) []string {
	spec, _ := object["spec"].(map[string]any)
	fields, _ := spec["selector"].(map[string]any)
	var selector []string
	for key, value := range fields {
		if value, ok := value.(string); ok {
			selector = append(selector, key+"="+value)
		}
	}
	slices.Sort(selector)
	return selector
}

// text of a field, empty when there is none.
func text(object map[string]any, fields ...string) string {
	for _, field := range fields[:len(fields)-1] {
		object, _ = object[field].(map[string]any)
	}
	value, _ := object[fields[len(fields)-1]].(string)
	return value
}
