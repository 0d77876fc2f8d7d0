package inventory

import (
	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// Request reduces a CertificateRequest that no Certificate made; nil for all
// others. csi-driver and istio-csr put what they are given into no Secret: the
// request is all that is to be seen of it. The csi-driver makes the Pod its
// owner.
func (r *Reducer) Request(c *cmv1.CertificateRequest) *Object {
	if len(c.Status.Certificate) == 0 {
		return nil
	}
	pod := ""
	for _, o := range c.OwnerReferences {
		if o.Kind == "Certificate" {
			return nil
		}
		if o.Kind == "Pod" {
			pod = o.Name
		}
	}
	if pod == "" {
		return nil
	}
	issuer := issuerRef(c.Spec.IssuerRef.Name, c.Spec.IssuerRef.Kind, c.Spec.IssuerRef.Group)
	record := Record{Key: "status.certificate", Role: Serving}
	record.Value, record.Trust = r.parser.Chain(c.Status.Certificate, c.Status.CA)
	return &Object{
		Place:       Place{KindCertificateRequest, c.Namespace, c.Name},
		UID:         string(c.UID),
		Records:     []Record{record},
		Manager:     ManagedByCSI,
		ManagerName: "Pod/" + pod,
		Issuer:      &issuer,
		Owner:       c.Annotations[names.AnnotationOwner],
		Purpose:     c.Annotations[names.AnnotationPurpose],
		Layer:       layerOf(c.Annotations[names.AnnotationLayer]),
	}
}
