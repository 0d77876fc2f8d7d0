package inventory

import (
	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// Managed is what is kept of a Certificate of cert-manager.
type Managed struct {
	// Name of the Certificate; its namespace is that of its Secret.
	Name string
	// Renewal in Unix seconds, 0 when none is planned.
	Renewal int64
	// Owner, Purpose and Layer as annotated.
	Owner, Purpose string
	Layer          v1alpha1.Layer
	// Issuer that it names.
	Issuer IssuerRef
	// Keystores that it makes with passwords from elsewhere, nil for none.
	Keystores *KeystoreRefs
}

// same says that two say the same.
func (m *Managed) same(o *Managed) bool {
	a, b := *m, *o
	a.Keystores, b.Keystores = nil, nil
	return a == b && equal(m.Keystores, o.Keystores)
}

// ReduceCertificate keeps what the inventory wants of a Certificate, and the name
// of its Secret.
func ReduceCertificate(c *cmv1.Certificate) (secret string, m *Managed) {
	m = &Managed{
		Name:      c.Name,
		Owner:     c.Annotations[names.AnnotationOwner],
		Purpose:   c.Annotations[names.AnnotationPurpose],
		Layer:     layerOf(c.Annotations[names.AnnotationLayer]),
		Issuer:    issuerRef(c.Spec.IssuerRef.Name, c.Spec.IssuerRef.Kind, c.Spec.IssuerRef.Group),
		Keystores: keystoreRefs(c),
	}
	if c.Status.RenewalTime != nil {
		m.Renewal = c.Status.RenewalTime.Unix()
	}
	return c.Spec.SecretName, m
}

// issuerRef fills in the defaults of cert-manager: an empty kind is Issuer, an
// empty group its own.
func issuerRef(name, kind, group string) IssuerRef {
	if kind == "" {
		kind = "Issuer"
	}
	if group == "" {
		group = "cert-manager.io"
	}
	return IssuerRef{Name: intern(name), Kind: intern(kind), Group: intern(group)}
}

// layerOf an annotation; empty when it is not the name of a layer.
func layerOf(value string) v1alpha1.Layer {
	switch l := v1alpha1.Layer(value); l {
	case v1alpha1.LayerIngress, v1alpha1.LayerMesh, v1alpha1.LayerApplication:
		return l
	default:
		return ""
	}
}

// Manage records a Certificate. secret is the name of its Secret.
func (i *Inventory) Manage(namespace, secret string, m *Managed) {
	i.mu.Lock()
	defer i.mu.Unlock()
	certificate := name{namespace, m.Name}
	if before, ok := i.secretOf[certificate]; ok && before != secret {
		i.unmanage(certificate)
	}
	key := name{namespace, secret}
	if old := i.managed[key]; old != nil && old.same(m) {
		return
	}
	i.secretOf[certificate] = secret
	i.managed[key] = m
	i.mark(Place{KindSecret, namespace, secret}.Shard())
}

// Unmanage forgets a Certificate.
func (i *Inventory) Unmanage(namespace, certificate string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.unmanage(name{namespace, certificate})
}

func (i *Inventory) unmanage(certificate name) {
	secret, ok := i.secretOf[certificate]
	if !ok {
		return
	}
	delete(i.secretOf, certificate)
	key := name{certificate.namespace, secret}
	// Two Certificates may name one Secret; the last one that was seen counts.
	if m := i.managed[key]; m != nil && m.Name == certificate.name {
		delete(i.managed, key)
		i.mark(Place{KindSecret, key.namespace, key.name}.Shard())
	}
}

// KeepManaged forgets the Certificates that a complete listing did not have.
func (i *Inventory) KeepManaged(listed func(namespace, certificate string) bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for certificate := range i.secretOf {
		if !listed(certificate.namespace, certificate.name) {
			i.unmanage(certificate)
		}
	}
}
