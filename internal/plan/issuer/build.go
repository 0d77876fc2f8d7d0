package issuer

import (
	"fmt"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/build"
)

const group = "cert-manager.io"

// Problem says why one issuer could not be built.
type Problem struct {
	// Issuer is its name.
	Issuer string
	// Reason is a condition reason.
	Reason string
	// Message says what was found, what was expected and what to do.
	Message string
	// Keep are the objects of this issuer. They are not in the part, and must not
	// be pruned for that: certificates may depend on them.
	Keep []desired.Ref
}

// Build the part of the plan with the platform's issuers. resourceNamespace is
// where cert-manager looks for the Secrets of ClusterIssuers. The issuers that
// could not be built are returned beside, and noted in the part.
func Build(platform *v1alpha1.TLSPlatform, facts *observed.Cluster, resourceNamespace string) (desired.Part, []Problem) {
	part := desired.Part{Name: desired.Issuers, Identity: desired.IdentityHub}
	declared := map[string]bool{}
	for _, issuer := range platform.Spec.Issuers {
		declared[issuer.Name] = true
	}
	var problems []Problem
	for i := range platform.Spec.Issuers {
		issuer := &platform.Spec.Issuers[i]
		objects, err := one(issuer, declared, resourceNamespace)
		if err != nil {
			p := Problem{
				Issuer:  issuer.Name,
				Reason:  v1alpha1.ReasonInvalidSpec,
				Message: fmt.Sprintf("issuer %s is left as it is: %v", issuer.Name, err),
				Keep:    keep(issuer, declared, resourceNamespace),
			}
			problems = append(problems, p)
			part.Notes = append(part.Notes, desired.Note{Reason: p.Reason, Message: p.Message})
			continue
		}
		part.Objects = append(part.Objects, objects...)
	}
	if len(platform.Spec.Issuers) > 0 && !facts.APIs.Serves(group, cmv1.ClusterIssuerKind) {
		part.Hold = &desired.Hold{
			Reason:  v1alpha1.ReasonAPIMissing,
			Message: "the cluster does not serve ClusterIssuer (cert-manager.io): issuers are made when cert-manager is there; set components.certManager to Managed or install it",
		}
	}
	desired.Sort(part.Objects)
	return part, problems
}

// one builds the objects of one issuer.
func one(issuer *v1alpha1.Issuer, declared map[string]bool, namespace string) ([]*unstructured.Unstructured, error) {
	if len(issuer.Backends) != 1 {
		return nil, fmt.Errorf("it has %d backends, and exactly one is supported: leave one in spec.issuers[name=%s].backends",
			len(issuer.Backends), issuer.Name)
	}
	backend := &issuer.Backends[0]
	if generates(backend) && declared[names.BootstrapIssuer(issuer.Name)] {
		return nil, fmt.Errorf("its generated CA needs a ClusterIssuer %s, and that is the name of another issuer: rename one of them",
			names.BootstrapIssuer(issuer.Name))
	}
	switch {
	case backend.SelfSigned != nil:
		spec := cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{SelfSigned: &cmv1.SelfSignedIssuer{
			CRLDistributionPoints: backend.SelfSigned.CRLDistributionPoints,
		}}}
		return []*unstructured.Unstructured{clusterIssuer(issuer.Name, issuer.Name, backend.Name, spec)}, nil
	case backend.CA != nil:
		return ca(issuer.Name, backend, namespace)
	case backend.ACME != nil:
		return acme(issuer.Name, backend)
	case backend.Vault != nil:
		return vault(issuer.Name, backend)
	case backend.Venafi != nil:
		return venafi(issuer.Name, backend)
	default:
		return nil, fmt.Errorf("backend %s says nothing about its CA: set one of selfSigned, ca, acme, vault or venafi", backend.Name)
	}
}

// keep lists all objects that an issuer can have. The bootstrap issuer is left
// out when it is an issuer of its own.
func keep(issuer *v1alpha1.Issuer, declared map[string]bool, namespace string) []desired.Ref {
	refs := []desired.Ref{
		{Group: group, Kind: cmv1.ClusterIssuerKind, Name: issuer.Name},
		{Group: group, Kind: cmv1.CertificateKind, Namespace: namespace, Name: names.GeneratedCA(issuer.Name)},
	}
	if bootstrap := names.BootstrapIssuer(issuer.Name); !declared[bootstrap] {
		refs = append(refs, desired.Ref{Group: group, Kind: cmv1.ClusterIssuerKind, Name: bootstrap})
	}
	return refs
}

// clusterIssuer named name, for an issuer of the platform and its backend.
func clusterIssuer(name, issuer, backend string, spec cmv1.IssuerSpec) *unstructured.Unstructured {
	return build.Object(&cmv1.ClusterIssuer{
		TypeMeta: metav1.TypeMeta{APIVersion: cmv1.SchemeGroupVersion.String(), Kind: cmv1.ClusterIssuerKind},
		ObjectMeta: metav1.ObjectMeta{
			Name:        name,
			Labels:      map[string]string{names.LabelIssuer: issuer},
			Annotations: map[string]string{names.AnnotationBackend: backend},
		},
		Spec: spec,
	})
}

func generates(b *v1alpha1.IssuerBackend) bool { return b.CA != nil && b.CA.Generate != nil }

// caBundle checks PEM certificates of the spec; field names them in the error.
func caBundle(field string, bundle []byte) error {
	if len(bundle) == 0 {
		return nil
	}
	if err := build.CheckCertificates(bundle); err != nil {
		return fmt.Errorf("%s is not a list of PEM certificates: %w: put the base64 of the PEM file there", field, err)
	}
	return nil
}
