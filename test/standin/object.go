package standin

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
	"unique"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// text is JSON that is kept once, however many clusters have it.
type text = unique.Handle[string]

// object is one version of a stored object. It is never changed.
type object struct {
	namespace, name string
	// meta are the members of metadata that clients write, without braces.
	meta text
	// rest are the members beside apiVersion, kind and metadata, without braces.
	rest    text
	uid     types.UID
	version uint64
	// generation is zero for kinds that have none.
	generation int64
	created    time.Time
	deleting   *time.Time
	managed    []ownership
}

// ownership is one entry of managedFields.
type ownership struct {
	manager     string
	operation   metav1.ManagedFieldsOperationType
	apiVersion  string
	subresource string
	time        time.Time
	fields      text
}

func (o *object) key() string { return keyOf(o.namespace, o.name) }

func keyOf(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}

// Members of metadata that the server keeps apart from what clients write.
var serverMembers = []string{
	"uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
	"managedFields", "selfLink",
}

// split makes an object of what a client wrote. Identity and times are not
// taken from it, but ownership is.
func split(u *unstructured.Unstructured) (*object, error) {
	o := &object{namespace: u.GetNamespace(), name: u.GetName()}
	rest := maps.Clone(u.Object)
	for _, member := range []string{"apiVersion", "kind", "metadata"} {
		delete(rest, member)
	}
	var err error
	if o.meta, err = members(withoutServerMembers(u)); err != nil {
		return nil, err
	}
	if o.rest, err = members(rest); err != nil {
		return nil, err
	}
	for _, e := range u.GetManagedFields() {
		own := ownership{
			manager: unique.Make(e.Manager).Value(), operation: e.Operation,
			apiVersion: unique.Make(e.APIVersion).Value(), subresource: unique.Make(e.Subresource).Value(),
		}
		if e.Time != nil {
			own.time = e.Time.Time
		}
		own.fields = unique.Make("{}")
		if e.FieldsV1 != nil {
			own.fields = unique.Make(e.FieldsV1.GetRawString())
		}
		o.managed = append(o.managed, own)
	}
	return o, nil
}

func withoutServerMembers(u *unstructured.Unstructured) map[string]any {
	all, _ := u.Object["metadata"].(map[string]any)
	kept := map[string]any{}
	for name, value := range all {
		if !slices.Contains(serverMembers, name) && value != nil {
			kept[name] = value
		}
	}
	return kept
}

// members encodes a map without its braces.
func members(m map[string]any) (text, error) {
	raw, err := json.Marshal(m)
	if err != nil {
		return text{}, fmt.Errorf("encoding: %w", err)
	}
	return unique.Make(string(raw[1 : len(raw)-1])), nil
}

// append writes the object as JSON. partial leaves out all but metadata, as
// PartialObjectMetadata.
func (o *object) append(to []byte, r *resource, partial bool) []byte {
	to = appendType(to, r, partial)
	return o.appendContent(to, partial)
}

// appendItem writes the object as an item of a list, where the API server's own
// kinds don't say again what they are.
func (o *object) appendItem(to []byte, r *resource, partial bool) []byte {
	if r.builtin && !partial {
		return o.appendContent(append(to, '{'), partial)
	}
	return o.append(to, r, partial)
}

func appendType(to []byte, r *resource, partial bool) []byte {
	apiVersion, kind := r.apiVersion(), r.kind
	if partial {
		apiVersion, kind = metav1.SchemeGroupVersion.String(), "PartialObjectMetadata"
	}
	to = append(to, `{"apiVersion":"`...)
	to = append(to, apiVersion...)
	to = append(to, `","kind":"`...)
	to = append(to, kind...)
	return append(to, `",`...)
}

func (o *object) appendContent(to []byte, partial bool) []byte {
	to = append(to, `"metadata":{`...)
	to = o.appendMeta(to)
	to = append(to, '}')
	if rest := o.rest.Value(); rest != "" && !partial {
		to = append(to, ',')
		to = append(to, rest...)
	}
	return append(to, '}')
}

func (o *object) appendMeta(to []byte) []byte {
	if meta := o.meta.Value(); meta != "" {
		to = append(to, meta...)
		to = append(to, ',')
	}
	to = append(to, `"uid":"`...)
	to = append(to, o.uid...)
	if o.version > 0 {
		to = append(to, `","resourceVersion":"`...)
		to = strconv.AppendUint(to, o.version, 10)
	}
	to = append(to, '"')
	if o.generation > 0 {
		to = append(to, `,"generation":`...)
		to = strconv.AppendInt(to, o.generation, 10)
	}
	to = append(to, `,"creationTimestamp":"`...)
	to = o.created.UTC().AppendFormat(to, time.RFC3339)
	to = append(to, '"')
	if o.deleting != nil {
		to = append(to, `,"deletionTimestamp":"`...)
		to = o.deleting.UTC().AppendFormat(to, time.RFC3339)
		to = append(to, `","deletionGracePeriodSeconds":0`...)
	}
	return o.appendManaged(to)
}

func (o *object) appendManaged(to []byte) []byte {
	if len(o.managed) == 0 {
		return to
	}
	to = append(to, `,"managedFields":[`...)
	for i, m := range o.managed {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(to, `{"manager":`...)
		to = strconv.AppendQuote(to, m.manager)
		to = append(to, `,"operation":"`...)
		to = append(to, m.operation...)
		to = append(to, `","apiVersion":"`...)
		to = append(to, m.apiVersion...)
		to = append(to, `","time":"`...)
		to = m.time.UTC().AppendFormat(to, time.RFC3339)
		to = append(to, `","fieldsType":"FieldsV1","fieldsV1":`...)
		to = append(to, m.fields.Value()...)
		if m.subresource != "" {
			to = append(to, `,"subresource":"`...)
			to = append(to, m.subresource...)
			to = append(to, '"')
		}
		to = append(to, '}')
	}
	return append(to, ']')
}

// decode returns the object as clients see it.
func (o *object) decode(r *resource) (*unstructured.Unstructured, error) {
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(o.append(nil, r, false)); err != nil {
		return nil, fmt.Errorf("decoding %s %s: %w", r.kind, o.key(), err)
	}
	return u, nil
}

// labels and finalizers of an object, read from its metadata.
func (o *object) described() (d struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Finalizers  []string          `json:"finalizers"`
},
) {
	// What split wrote can be read.
	_ = json.Unmarshal([]byte("{"+o.meta.Value()+"}"), &d)
	return d
}

// sameAs says whether an object says the same as before: who wrote when does
// not count.
func (o *object) sameAs(before *object) bool {
	return o.meta == before.meta && o.rest == before.rest && (o.deleting == nil) == (before.deleting == nil) &&
		slices.EqualFunc(o.managed, before.managed, func(a, b ownership) bool {
			a.time, b.time = time.Time{}, time.Time{}
			return a == b
		})
}
