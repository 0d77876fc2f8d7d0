package estate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/drift"
	"github.com/tlsplatform/tls-platform-operator/internal/health"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// definition is the kind whose specs are too large to be decoded for a verdict
// that does not depend on them.
const definition = "CustomResourceDefinition"

// Bounds of what is kept of one object.
const (
	maxKept    = 16 << 10 // bytes of the fields last in order
	maxFields  = 8        // paths of a change
	maxBy      = 4        // managers of a change
	maxMessage = 512      // bytes of a message about health
)

// object is what is kept of an object.
type object struct {
	uid      types.UID
	fields   string // hash of ours
	deleting bool
	// owned are our fields as they are, and wanted as they were last in order, in
	// the form of managed fields; nil when they are not kept.
	owned, wanted []byte
	// change says who did what, while the object is not in order.
	change drift.Change
	health health.Verdict
}

// part of a JSON object whose numbers are read as the API machinery does.
type part map[string]any

// UnmarshalJSON implements json.Unmarshaler.
func (p *part) UnmarshalJSON(raw []byte) error {
	return utiljson.Unmarshal(raw, (*map[string]any)(p))
}

// decoded is what is looked at of an object.
type decoded struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     json.RawMessage   `json:"spec"`
	Status   part              `json:"status"`
	Webhooks json.RawMessage   `json:"webhooks"`
}

// decode an object; ok is false for what is none.
func decode(raw []byte) (d *decoded, ok bool) {
	d = &decoded{}
	return d, json.Unmarshal(raw, d) == nil
}

func (d *decoded) name() types.NamespacedName {
	return types.NamespacedName{Namespace: d.Metadata.Namespace, Name: d.Metadata.Name}
}

// judged is the health of an object by the parts that its kind is judged by.
func (d *decoded) judged(gk scope, version string) (health.Verdict, error) {
	if !health.Judged(gk.Kind) {
		return health.Verdict{Ready: true}, nil
	}
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetGroupVersionKind(gk.WithVersion(version))
	u.SetNamespace(d.Metadata.Namespace)
	u.SetName(d.Metadata.Name)
	u.SetGeneration(d.Metadata.Generation)
	u.SetAnnotations(d.Metadata.Annotations)
	u.SetDeletionTimestamp(d.Metadata.DeletionTimestamp)
	if d.Status != nil {
		u.Object["status"] = map[string]any(d.Status)
	}
	if len(d.Spec) > 0 && gk.Kind != definition {
		var spec part
		if err := json.Unmarshal(d.Spec, &spec); err != nil {
			return health.Verdict{}, fmt.Errorf("decoding its spec: %w", err)
		}
		u.Object["spec"] = map[string]any(spec)
	}
	if len(d.Webhooks) > 0 {
		var hooks []any
		if err := utiljson.Unmarshal(d.Webhooks, &hooks); err != nil {
			return health.Verdict{}, fmt.Errorf("decoding its webhooks: %w", err)
		}
		u.Object["webhooks"] = hooks
	}
	v := health.Judge(u)
	if len(v.Message) > maxMessage {
		v.Message = v.Message[:maxMessage]
	}
	return v, nil
}

// reduce an object that was sent as JSON to what is kept of it. manager is ours,
// wanted are our fields when it was last in order.
func reduce(d *decoded, s scope, version, manager string, wanted []byte) *object {
	o := &object{uid: d.Metadata.UID, deleting: d.Metadata.DeletionTimestamp != nil, wanted: wanted}
	var err error
	if o.health, err = d.judged(s, version); err != nil {
		o.health.Message = err.Error()
	}
	owned, err := drift.OwnedFields(d.Metadata.ManagedFields, manager)
	if err == nil {
		o.fields, err = drift.HashOf(owned)
	}
	if err != nil {
		o.fields = "unreadable" // differs from every hash
		return o
	}
	if s.Kind != definition {
		o.owned = kept(owned)
	}
	return o
}

func kept(set *fieldpath.Set) []byte {
	raw, err := set.ToJSON()
	if err != nil || len(raw) > maxKept {
		return nil
	}
	return slices.Clone(raw)
}

// explain tells what others did to our fields.
func explain(entries []metav1.ManagedFieldsEntry, manager string, wanted []byte) drift.Change {
	var set *fieldpath.Set
	if wanted != nil {
		set = &fieldpath.Set{}
		if err := set.FromJSON(bytes.NewReader(wanted)); err != nil {
			set = nil
		}
	}
	c := drift.Explain(set, entries, manager)
	c.Fields = slices.Clone(c.Fields[:min(len(c.Fields), maxFields)])
	c.By = slices.Clone(c.By[:min(len(c.By), maxBy)])
	return c
}

// objectSink takes the objects of one scope.
type objectSink struct {
	estate *Estate
	kind   *kind
	ctx    context.Context //nolint:containedctx // says whether the tail was ended
	seen   map[types.NamespacedName]bool
}

// Begin implements tail.Sink.
func (s *objectSink) Begin() { s.seen = map[types.NamespacedName]bool{} }

// End implements tail.Sink.
func (s *objectSink) End() {
	seen := s.seen
	s.seen = nil
	s.with(func(e *Estate, k *kind) bool {
		for name := range k.objects {
			if !seen[name] {
				delete(k.objects, name)
			}
		}
		k.standing.listed = true
		e.rejudge(k, e.Clock.Now())
		return true
	})
}

// Object implements tail.Sink.
func (s *objectSink) Object(raw []byte) {
	d, ok := decode(raw)
	if !ok {
		return // it stays as it was
	}
	if s.seen != nil {
		s.seen[d.name()] = true
	}
	s.with(func(e *Estate, k *kind) bool { return e.take(k, d.name(), d) })
}

// Deleted implements tail.Sink.
func (s *objectSink) Deleted(raw []byte) {
	d, ok := decode(raw)
	if !ok {
		return
	}
	name := d.name()
	s.with(func(e *Estate, k *kind) bool {
		if old := k.objects[name]; old == nil || old.uid != d.Metadata.UID {
			return false
		}
		delete(k.objects, name)
		return e.book != nil && e.judge(refTo(k, name), e.Clock.Now())
	})
}

// with runs f under the lock, unless the tail was ended, and has a report made
// when it says that there is news.
func (s *objectSink) with(f func(*Estate, *kind) (news bool)) {
	e := s.estate
	e.mu.Lock()
	news := s.ctx.Err() == nil && f(e, s.kind)
	e.dirty = e.dirty || news
	e.mu.Unlock()
	if news {
		e.Changed()
	}
}

func refTo(k *kind, name types.NamespacedName) desired.Ref {
	return desired.Ref{Group: k.Group, Kind: k.Kind, Namespace: name.Namespace, Name: name.Name}
}

// take an object as it is now, and say whether there is something to report. It
// is called under the lock.
func (e *Estate) take(k *kind, name types.NamespacedName, d *decoded) (news bool) {
	ref := refTo(k, name)
	manager := names.FieldManager(d.Metadata.Labels[names.LabelPart])
	var i *item
	if e.book != nil {
		i = e.book.items[ref]
	}
	if i != nil {
		manager = names.FieldManager(string(i.entry.Part))
	}
	old := k.objects[name]
	var wanted []byte
	if old != nil && old.uid == d.Metadata.UID {
		wanted = old.wanted
	}
	o := reduce(d, k.scope, k.resource.Version, manager, wanted)
	k.objects[name] = o
	if i == nil {
		return false
	}
	if verdict := compare(&i.entry, o); verdict == v1alpha1.DriftChanged || verdict == v1alpha1.DriftReplaced {
		o.change = explain(d.Metadata.ManagedFields, manager, wanted)
		// Another change of what is changed already is told with the next report.
		e.dirty = true
	}
	if old == nil || old.health.Ready != o.health.Ready || old.health.Serving != o.health.Serving {
		news = i.concerned() && health.Judged(k.Kind)
	}
	if old != nil && old.health.Message != o.health.Message {
		e.dirty = true
	}
	return e.judge(ref, e.Clock.Now()) || news
}
