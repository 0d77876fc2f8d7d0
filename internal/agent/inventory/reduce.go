package inventory

import (
	"path"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/wire"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// Annotations and labels of cert-manager, trust-manager and Helm.
const (
	certManagerName   = "cert-manager.io/certificate-name"
	certManagerIssuer = "cert-manager.io/issuer-name"
	certManagerKind   = "cert-manager.io/issuer-kind"
	certManagerGroup  = "cert-manager.io/issuer-group"
	trustBundle       = "trust.cert-manager.io/bundle"
	managedByLabel    = "app.kubernetes.io/managed-by"
	// directInjection is on the Secret in which a webhook keeps the CA of its own
	// certificate, and renews it.
	directInjection = "cert-manager.io/allow-direct-injection"
)

// Types of Secrets.
const (
	typeTLS = "kubernetes.io/tls"
	// typeIstioCA is that of istio-ca-secret.
	typeIstioCA = "istio.io/ca-root"
)

// Wanted says which labels and annotations Reducers look at. Others, such as
// kubectl's copy of the whole object with its keys, are not even copied.
func Wanted(key []byte) bool {
	switch string(key) {
	case directInjection, certManagerName, certManagerIssuer, certManagerKind, certManagerGroup, trustBundle, managedByLabel,
		names.AnnotationOwner, names.AnnotationPurpose, names.AnnotationLayer:
		return true
	}
	return reference.Relevant(string(key))
}

// Reducer makes facts of objects. It is safe for concurrent use.
type Reducer struct {
	parser *certificate.Parser
	// Keys are data keys that hold certificates beside the well-known ones.
	Keys []v1alpha1.KeyPattern
	// Keystores say where the passwords of keystores are.
	Keystores []v1alpha1.Keystore
	// Passwords finds passwords in other Secrets; nil for none.
	Passwords Passwords
	// Refs are the passwords that the Certificate of a Secret names; nil for none.
	Refs func(namespace, secret string) *KeystoreRefs
}

// NewReducer returns a Reducer that looks at the well-known keys alone.
func NewReducer(parser *certificate.Parser) *Reducer { return &Reducer{parser: parser} }

// declared says whether a key was declared to hold certificates.
func (r *Reducer) declared(kind Kind, namespace, name, key string) bool {
	for _, p := range r.Keys {
		want := p.Kind
		if want == "" {
			want = KindSecret.String()
		}
		if want == kind.String() && matches(p.Namespace, namespace) && matches(p.Name, name) && matches(p.Key, key) {
			return true
		}
	}
	return false
}

// matches a pattern in which * stands for any number of characters; an empty one
// matches all.
func matches(pattern, s string) bool {
	if pattern == "" || pattern == "*" {
		return true
	}
	// path.Match gives ? and [ a meaning of their own.
	pattern = strings.NewReplacer(`\`, `\\`, `?`, `\?`, `[`, `\[`).Replace(pattern)
	ok, err := path.Match(pattern, s)
	return err == nil && ok
}

// base makes an Object of what all kinds have.
func base(kind Kind, o *wire.Object) *Object {
	object := &Object{
		Place:   Place{kind, o.Namespace, o.Name},
		UID:     o.UID,
		Type:    o.Type,
		Owner:   o.Annotations[names.AnnotationOwner],
		Purpose: o.Annotations[names.AnnotationPurpose],
		Layer:   layerOf(o.Annotations[names.AnnotationLayer]),
	}
	meta := reference.Metadata{
		Kind: reference.Secret, Namespace: o.Namespace, Name: o.Name, Type: o.Type, Labels: o.Labels, Annotations: o.Annotations,
	}
	if kind == KindConfigMap {
		meta.Kind = reference.ConfigMap
	}
	if c := o.Controller; c != nil {
		meta.ControllerAPIVersion, meta.ControllerKind, meta.ControllerName = c.APIVersion, c.Kind, c.Name
	}
	object.Subject = reference.Describe(meta)
	object.Manager, object.ManagerName = managerOf(o, object.Subject)
	if issuer := o.Annotations[certManagerIssuer]; issuer != "" {
		ref := issuerRef(issuer, o.Annotations[certManagerKind], o.Annotations[certManagerGroup])
		object.Issuer = &ref
	}
	return object
}

// managerOf says who renews what is in an object, as far as its metadata tells.
func managerOf(o *wire.Object, s *reference.Subject) (manager Manager, by string) {
	switch {
	case o.Annotations[certManagerName] != "":
		return ManagedByCertManager, o.Annotations[certManagerName]
	case o.Labels[trustBundle] != "":
		return ManagedByTrustManager, o.Labels[trustBundle]
	case s != nil && s.ReplicatedFrom != "":
		return ManagedByReplication, s.ReplicatedFrom
	case o.Controller != nil:
		return ManagedByController, o.Controller.Kind + "/" + o.Controller.Name
	case o.Annotations[directInjection] == "true":
		return ManagedByController, "the webhook that uses it"
	case o.Labels[managedByLabel] == "Helm":
		return ManagedByHelm, ""
	default:
		return ManagedByHand, ""
	}
}

// Secret reduces a Secret; nil when it holds no certificate and should hold none.
// Private keys are never looked at.
func (r *Reducer) Secret(o *wire.Object) *Object {
	object := base(KindSecret, o)
	mesh, issues := meshOf(o)
	if mesh != "" && (issues || object.Manager == ManagedByHand) && object.Manager != ManagedByCertManager {
		object.Manager = ManagedByMesh
	}
	done := map[string]bool{}
	for _, pair := range chains(o) {
		chain := o.Get(pair.chain)
		if chain == nil && o.Type != typeTLS {
			continue
		}
		record := Record{Key: pair.chain, Mesh: mesh}
		record.Value, record.Trust = r.parser.Chain(chain, o.Get(pair.trust))
		record.Role = servingOrAuthority(record.Value)
		object.Records = append(object.Records, record)
		done[pair.chain], done[pair.trust], done[pair.key] = true, true, true
	}
	for _, e := range o.Data {
		key := string(e.Key)
		if done[key] || strings.HasSuffix(key, ".key") {
			continue
		}
		if format := keystoreFormat(key, e.Value); format != certificate.FormatUnknown {
			value := r.keystore(o, key, e.Value, format)
			object.Records = append(object.Records, Record{Key: intern(key), Role: roleOf(value), Value: value, Mesh: mesh})
			continue
		}
		object.Records = r.value(object, object.Records, intern(key), e.Value, mesh)
	}
	if len(object.Records) == 0 {
		return nil
	}
	return object
}

// pair are keys that belong together.
type pair struct{ chain, key, trust string }

// chains are the well-known pairs that a Secret has.
func chains(o *wire.Object) []pair {
	pairs := make([]pair, 0, 2)
	if o.Type == typeTLS || o.Get("tls.crt") != nil {
		pairs = append(pairs, pair{"tls.crt", "tls.key", "ca.crt"})
	}
	switch {
	case o.Get("ca-cert.pem") != nil && o.Get("ca-key.pem") != nil: // Istio
		pairs = append(pairs, pair{"ca-cert.pem", "ca-key.pem", "root-cert.pem"})
	case o.Get("crt.pem") != nil && o.Get("key.pem") != nil: // Linkerd before kubernetes.io/tls
		pairs = append(pairs, pair{"crt.pem", "key.pem", "ca.crt"})
	case o.Get("tls.crt") == nil && o.Get("ca.crt") != nil && o.Get("ca.key") != nil: // Cilium, kubeadm
		pairs = append(pairs, pair{"ca.crt", "ca.key", ""})
	}
	return pairs
}

func servingOrAuthority(b *certificate.Bundle) Role {
	if first := b.First(); first != nil && first.IsCA {
		return Authority
	}
	return Serving
}

// value adds a record for one value of a Secret or ConfigMap, when it holds
// certificates or was declared to.
func (r *Reducer) value(o *Object, records []Record, key string, value []byte, mesh string) []Record {
	declared := r.declared(o.Kind, o.Namespace, o.Name, key)
	if !declared && !certificate.LooksLikeCertificate(value) {
		return records
	}
	bundle := r.parser.Bundle(value)
	record := Record{Key: key, Value: bundle, Mesh: mesh, Role: roleOf(bundle)}
	if o.Kind != KindSecret && bundle.PrivateKey {
		record.Role = Bundle
	}
	return append(records, record)
}

// roleOf a value that does not say by its key what it is for.
func roleOf(b *certificate.Bundle) Role {
	first := b.First()
	switch {
	case b.PrivateKey:
		return servingOrAuthority(b)
	case b.Count == 1 && first != nil && !first.IsCA && !first.SelfIssued:
		return Serving
	default:
		return Bundle
	}
}

// ConfigMap reduces a ConfigMap; nil when it holds no certificate.
func (r *Reducer) ConfigMap(o *wire.Object) *Object {
	var records []Record
	object := &Object{Place: Place{KindConfigMap, o.Namespace, o.Name}}
	mesh := trustOf(o.Name)
	for _, e := range o.Data {
		records = r.value(object, records, intern(string(e.Key)), e.Value, mesh)
	}
	if len(records) == 0 {
		return nil
	}
	object = base(KindConfigMap, o)
	object.Records = records
	switch {
	case object.Manager != ManagedByHand:
	case mesh != "":
		object.Manager = ManagedByMesh
	case kubernetesOwn(o):
		object.Manager, object.ManagerName = ManagedByController, "Kubernetes"
	}
	return object
}

// kubernetesOwn says whether Kubernetes itself keeps a ConfigMap: the roots that
// its controller manager puts into every namespace, and what the API server
// tells aggregated servers.
func kubernetesOwn(o *wire.Object) bool {
	return o.Name == "kube-root-ca.crt" ||
		o.Namespace == "kube-system" && o.Name == "extension-apiserver-authentication"
}
