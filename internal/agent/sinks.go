package agent

import (
	"encoding/json"
	"fmt"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/internal/agent/estate"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/wire"
)

// facts is the part of a Sink that keeps records in the inventory.
type facts struct {
	inv    *inventory.Inventory
	origin inventory.Origin
	pass   uint32
	ended  func()
}

func (f *facts) Begin() { f.pass = f.inv.Pass() }

func (f *facts) End() {
	f.inv.Sweep(f.origin, f.pass)
	if f.ended != nil {
		f.ended()
	}
}

func (f *facts) set(o *inventory.Object, p inventory.Place) {
	if o == nil {
		f.inv.Keep(p, f.origin)
		return
	}
	f.inv.Set(o, f.origin, f.pass)
}

// dataSink keeps Secrets or ConfigMaps.
type dataSink struct {
	facts
	kind   inventory.Kind
	reader wire.Reader
	reduce func(*wire.Object) *inventory.Object
	read   func(*wire.Reader, []byte) *wire.Object
}

func newDataSink(f facts, kind inventory.Kind, r *inventory.Reducer) *dataSink {
	s := &dataSink{facts: f, kind: kind, reader: wire.Reader{Wanted: inventory.Wanted, Intern: inventory.Intern}}
	if kind == inventory.KindSecret {
		s.reduce, s.read = r.Secret, (*wire.Reader).Secret
	} else {
		s.reduce, s.read = r.ConfigMap, (*wire.Reader).ConfigMap
	}
	return s
}

func (s *dataSink) Object(raw []byte) {
	o := s.read(&s.reader, raw)
	s.set(s.reduce(o), inventory.Place{Kind: s.kind, Namespace: o.Namespace, Name: o.Name})
}

func (s *dataSink) Deleted(raw []byte) {
	id := wire.IdentityOf(raw)
	s.inv.Delete(inventory.Place{Kind: s.kind, Namespace: id.Namespace, Name: id.Name}, id.UID, s.origin)
}

// edges is the part of a Sink that keeps what objects refer to.
type edges struct {
	inv  *inventory.Inventory
	kind string // of the sources
	seen map[reference.Source]bool
}

func (e *edges) begin() {
	e.seen = nil
	if len(e.inv.Sources(e.kind)) > 0 {
		e.seen = map[reference.Source]bool{}
	}
}

func (e *edges) refer(r reference.Reduced) {
	if e.seen != nil {
		e.seen[r.Source] = true
	}
	e.inv.Refer(r)
}

func (e *edges) end() {
	if e.seen == nil {
		return
	}
	for _, s := range e.inv.Sources(e.kind) {
		if !e.seen[s] {
			e.inv.Unrefer(s)
		}
	}
	e.seen = nil
}

// message is a kind of the API server itself.
type message interface {
	Unmarshal(raw []byte) error
	metav1.Object
}

// typedSink decodes kinds of the API server. Objects that can't be decoded are
// counted.
type typedSink[T message] struct {
	edges
	facts  *facts // nil for kinds that hold no certificates
	fresh  func() T
	refer  func(T) reference.Reduced
	record func(T) *inventory.Object
	place  inventory.Kind
	broken func(error)
	seen   func(T, bool) // told of every object; may be nil
	// sums add up what the objects are like; it may be nil.
	sums *sums[T]
}

// sums tell a digest of the objects of a kind.
type sums[T message] struct {
	digest *estate.Digest
	of     func(T) (sum uint64, counts bool)
}

func (s *typedSink[T]) Begin() {
	if s.sums != nil {
		s.sums.digest.Begin()
	}
	s.begin()
	if s.facts != nil {
		s.facts.Begin()
	}
}

func (s *typedSink[T]) End() {
	s.end()
	if s.facts != nil {
		s.facts.End()
	}
	if s.sums != nil {
		s.sums.digest.End()
	}
}

// count adds an object to the digest, or takes it out.
func (s *typedSink[T]) count(object T, exists bool) {
	if s.sums == nil {
		return
	}
	key := object.GetNamespace() + "/" + object.GetName()
	if sum, counts := s.sums.of(object); exists && counts {
		s.sums.digest.Set(key, sum)
		return
	}
	s.sums.digest.Delete(key)
}

func (s *typedSink[T]) decode(raw []byte) (T, bool) {
	object := s.fresh()
	if err := object.Unmarshal(raw); err != nil {
		s.broken(fmt.Errorf("decoding a %s: %w", s.kind, err))
		return object, false
	}
	return object, true
}

func (s *typedSink[T]) Object(raw []byte) {
	object, ok := s.decode(raw)
	if !ok {
		return
	}
	s.edges.refer(s.refer(object))
	if s.facts != nil {
		s.facts.set(s.record(object), inventory.Place{Kind: s.place, Name: object.GetName()})
	}
	s.count(object, true)
	if s.seen != nil {
		s.seen(object, true)
	}
}

func (s *typedSink[T]) Deleted(raw []byte) {
	object, ok := s.decode(raw)
	if !ok {
		return
	}
	s.inv.Unrefer(s.refer(object).Source)
	if s.facts != nil {
		s.inv.Delete(inventory.Place{Kind: s.place, Name: object.GetName()}, string(object.GetUID()), s.facts.origin)
	}
	s.count(object, false)
	if s.seen != nil {
		s.seen(object, false)
	}
}

// tableSink keeps what custom resources refer to, and hands them on to whoever
// wants more of them.
type tableSink struct {
	edges
	table  *reference.Table
	gk     schema.GroupKind
	broken func(error)
	more   tail.Sink // may be nil
}

func (s *tableSink) Begin() {
	s.begin()
	if s.more != nil {
		s.more.Begin()
	}
}

func (s *tableSink) End() {
	s.end()
	if s.more != nil {
		s.more.End()
	}
}

func (s *tableSink) reduce(raw []byte) (reference.Reduced, bool) {
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		s.broken(fmt.Errorf("decoding a %s: %w", s.gk, err))
		return reference.Reduced{}, false
	}
	return s.table.Reduce(s.gk, object), true
}

func (s *tableSink) Object(raw []byte) {
	if r, ok := s.reduce(raw); ok {
		s.refer(r)
	}
	if s.more != nil {
		s.more.Object(raw)
	}
}

func (s *tableSink) Deleted(raw []byte) {
	if r, ok := s.reduce(raw); ok {
		s.inv.Unrefer(r.Source)
	}
	if s.more != nil {
		s.more.Deleted(raw)
	}
}

// certificateSink keeps the Certificates of cert-manager.
type certificateSink struct {
	inv      *inventory.Inventory
	broken   func(error)
	keystore func(namespace, secret string) // told of Secrets with keystores
	listed   map[[2]string]bool
}

func (s *certificateSink) Begin() { s.listed = map[[2]string]bool{} }

func (s *certificateSink) End() {
	listed := s.listed
	s.listed = nil
	s.inv.KeepManaged(func(namespace, name string) bool { return listed[[2]string{namespace, name}] })
}

func (s *certificateSink) Object(raw []byte) {
	var c cmv1.Certificate
	if err := json.Unmarshal(raw, &c); err != nil {
		s.broken(fmt.Errorf("decoding a Certificate: %w", err))
		return
	}
	if s.listed != nil {
		s.listed[[2]string{c.Namespace, c.Name}] = true
	}
	secret, managed := inventory.ReduceCertificate(&c)
	s.inv.Manage(c.Namespace, secret, managed)
	if managed.Keystores != nil {
		s.keystore(c.Namespace, secret)
	}
}

func (s *certificateSink) Deleted(raw []byte) {
	var c metav1.PartialObjectMetadata
	if err := json.Unmarshal(raw, &c); err != nil {
		s.broken(fmt.Errorf("decoding a Certificate: %w", err))
		return
	}
	s.inv.Unmanage(c.Namespace, c.Name)
}

// requestSink keeps the CertificateRequests of the csi-driver.
type requestSink struct {
	facts
	reducer *inventory.Reducer
	broken  func(error)
}

func (s *requestSink) Object(raw []byte) {
	var c cmv1.CertificateRequest
	if err := json.Unmarshal(raw, &c); err != nil {
		s.broken(fmt.Errorf("decoding a CertificateRequest: %w", err))
		return
	}
	s.set(s.reducer.Request(&c), inventory.Place{Kind: inventory.KindCertificateRequest, Namespace: c.Namespace, Name: c.Name})
}

func (s *requestSink) Deleted(raw []byte) {
	var c metav1.PartialObjectMetadata
	if err := json.Unmarshal(raw, &c); err != nil {
		s.broken(fmt.Errorf("decoding a CertificateRequest: %w", err))
		return
	}
	s.inv.Delete(inventory.Place{Kind: inventory.KindCertificateRequest, Namespace: c.Namespace, Name: c.Name}, string(c.UID), s.origin)
}

// apiServiceSink keeps the caBundles of APIServices, which are read as JSON: their
// Go types are another module's.
type apiServiceSink struct {
	edges
	facts
	reducer *inventory.Reducer
	broken  func(error)
	changed func()
}

type apiService struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		CABundle []byte `json:"caBundle"`
	} `json:"spec"`
}

func (s *apiServiceSink) Begin() {
	s.begin()
	s.facts.Begin()
}

func (s *apiServiceSink) End() {
	s.end()
	s.facts.End()
}

func (s *apiServiceSink) Object(raw []byte) {
	var a apiService
	if err := json.Unmarshal(raw, &a); err != nil {
		s.broken(fmt.Errorf("decoding an APIService: %w", err))
		return
	}
	s.refer(reference.ReduceInjected(s.kind, a.Name, a.Annotations))
	s.set(s.reducer.APIService(&a.ObjectMeta, a.Spec.CABundle), inventory.Place{Kind: inventory.KindAPIService, Name: a.Name})
	s.changed()
}

func (s *apiServiceSink) Deleted(raw []byte) {
	var a apiService
	if err := json.Unmarshal(raw, &a); err != nil {
		s.broken(fmt.Errorf("decoding an APIService: %w", err))
		return
	}
	s.edges.inv.Unrefer(reference.Source{Kind: s.kind, Name: a.Name})
	s.facts.inv.Delete(inventory.Place{Kind: inventory.KindAPIService, Name: a.Name}, string(a.UID), s.origin)
	s.changed()
}

// holds says that the kind holds certificates too.
func (s *typedSink[T]) holds(kind inventory.Kind, f facts, record func(T) *inventory.Object) {
	s.place, s.facts, s.record = kind, &f, record
}
