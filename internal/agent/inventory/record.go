package inventory

import (
	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// Kind of an object that holds certificates.
type Kind uint8

// Kinds that hold certificates.
const (
	KindSecret Kind = iota
	KindConfigMap
	KindMutatingWebhook
	KindValidatingWebhook
	KindAPIService
	KindCustomResourceDefinition
	KindCertificateRequest
	// KindEndpoint is what is served at an address. It is no kind of the API:
	// the prober finds it by shaking hands.
	KindEndpoint
)

var kindNames = [...]string{
	"Secret", "ConfigMap", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "APIService",
	"CustomResourceDefinition", "CertificateRequest", "Endpoint",
}

// String is the kind as in the API.
func (k Kind) String() string { return kindNames[k] }

// Place is an object that holds certificates.
type Place struct {
	Kind            Kind
	Namespace, Name string
}

// Role says what a value is for.
type Role uint8

// Roles.
const (
	// Serving is a certificate with its key, for a server or a client.
	Serving Role = iota
	// Bundle is a list of CAs to trust.
	Bundle
	// Authority is a CA with its key.
	Authority
	// Served is a certificate that a server showed.
	Served
)

var roleNames = [...]string{"Serving", "Bundle", "Authority", "Served"}

// String is the role in a word.
func (r Role) String() string { return roleNames[r] }

// Manager says who renews a certificate.
type Manager string

// Managers.
const (
	ManagedByCertManager  Manager = "cert-manager"
	ManagedByCSI          Manager = "csi-driver"
	ManagedByTrustManager Manager = "trust-manager"
	ManagedByCAInjector   Manager = "ca-injector"
	ManagedByMesh         Manager = "mesh"
	ManagedByController   Manager = "controller"
	ManagedByHelm         Manager = "Helm"
	ManagedByReplication  Manager = "replication"
	ManagedByHand         Manager = "by hand"
	// ManagedByCloud and ManagerUnknown are of what is served and not stored.
	ManagedByCloud Manager = "cloud"
	ManagerUnknown Manager = "unknown"
)

// Record is one value of an object.
type Record struct {
	// Key of the value; of webhooks the webhook's name.
	Key string
	// Role of the value.
	Role Role
	// Value that was read.
	Value *certificate.Bundle
	// Trust is what lies beside as ca.crt, nil for nothing.
	Trust *certificate.Bundle
	// Mesh that the value belongs to (Istio, Linkerd, Cilium), empty for none.
	Mesh string
	// Served says how the value was found, nil for what is stored. It is
	// replaced as a whole, never changed.
	Served *v1alpha1.ServedState
}

// Leading is the certificate that stands for the record: the first, of bundles
// the one that ends first among those that could be read. It is nil when nothing
// could be.
func (r *Record) Leading() *certificate.Certificate {
	first := r.Value.First()
	if r.Role != Bundle {
		return first
	}
	for _, c := range r.Value.Certificates {
		if c.Findings.Has(certificate.Unparseable) {
			continue
		}
		if first.Findings.Has(certificate.Unparseable) || c.NotAfter < first.NotAfter {
			first = c
		}
	}
	return first
}

// IssuerRef is the issuer of a certificate of cert-manager. Defaults are filled
// in: an empty kind is Issuer, an empty group is cert-manager.io.
type IssuerRef struct{ Name, Kind, Group string }

// Object is what is kept of one object that holds certificates. It is replaced
// as a whole, never changed.
type Object struct {
	Place
	// UID of the object.
	UID string
	// Type of a Secret.
	Type string
	// Records of the object, at least one.
	Records []Record
	// Manager as far as the object itself tells, and the name of the object that
	// manages it (of cert-manager the Certificate's, in the same namespace).
	Manager     Manager
	ManagerName string
	// Issuer that the object names, nil for none.
	Issuer *IssuerRef
	// Owner, Purpose and Layer as annotated.
	Owner, Purpose string
	Layer          v1alpha1.Layer
	// Subject is what the judgement about its use has to know.
	Subject *reference.Subject
}

// View is a record with everything that is known about it. It is valid only
// inside of the call that it was given to.
type View struct {
	Object *Object
	Record *Record
	// Cluster-wide facts joined in.
	Layer       v1alpha1.Layer
	Manager     Manager
	ManagerName string // Kind namespace/name
	Issuer      *IssuerRef
	// Renewal in Unix seconds, 0 for none.
	Renewal        int64
	Owner, Purpose string
	// Findings of the record, those that depend on where it is included.
	Findings certificate.Findings
	// Referrers of the object.
	Referrers []reference.Referrer
	// Use is the verdict about its use.
	Use reference.Verdict
	// UnreferencedSince in Unix seconds, 0 when it is used.
	UnreferencedSince int64
	// Orphan says that this is longer than the grace period.
	Orphan bool
}

// Shards is the number of parts that the inventory is kept in. What changes marks
// its shard.
const Shards = 256

// Hash places an object. It is the same in every process; its top 8 bits are the
// object's shard.
func (p Place) Hash() uint64 {
	const prime = 1099511628211
	h := uint64(14695981039346656037) ^ uint64(p.Kind)
	h *= prime
	for _, s := range [...]string{p.Namespace, p.Name} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * prime
		}
		h = (h ^ '/') * prime
	}
	// FNV leaves the top bits of short texts alike (finalizer of MurmurHash3).
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// Shard of the object.
func (p Place) Shard() int { return int(p.Hash() >> 56) }
