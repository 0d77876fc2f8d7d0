package trust

import (
	"cmp"
	"errors"
	"fmt"

	trustv1alpha1 "github.com/cert-manager/trust-manager/pkg/apis/trust/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/build"
)

const (
	group = "trust.cert-manager.io"
	// defaultKey is what the API fills in, for specs that did not pass through an
	// API server.
	defaultKey = "ca-bundle.crt"
	// caKey of the Secret of a generated CA. It is self-signed, so its own
	// certificate is the root; ca.crt would be the same.
	caKey = "tls.crt"
)

// Problem says why one bundle could not be built.
type Problem struct {
	// Bundle is its name.
	Bundle string
	// Reason is a condition reason.
	Reason string
	// Message says what was found, what was expected and what to do.
	Message string
	// Keep is the object of this bundle. It is not in the part, and must not be
	// pruned for that: applications trust it.
	Keep []desired.Ref
}

// Build the part of the plan with the platform's trust bundles. The Secrets of
// generated CAs are in the trust namespace, which is that of cert-manager. The
// bundles that could not be built are returned beside, and noted in the part.
func Build(platform *v1alpha1.TLSPlatform, facts *observed.Cluster) (desired.Part, []Problem) {
	part := desired.Part{Name: desired.Trust, Identity: desired.IdentityHub}
	if platform.Spec.Trust == nil || len(platform.Spec.Trust.Bundles) == 0 {
		return part, nil
	}
	generated := map[string]bool{}
	for _, issuer := range platform.Spec.Issuers {
		generated[issuer.Name] = len(issuer.Backends) == 1 && issuer.Backends[0].CA != nil && issuer.Backends[0].CA.Generate != nil
	}
	var problems []Problem
	for i := range platform.Spec.Trust.Bundles {
		in := &platform.Spec.Trust.Bundles[i]
		object, err := bundle(in, generated)
		if err != nil {
			p := Problem{
				Bundle:  in.Name,
				Reason:  v1alpha1.ReasonInvalidSpec,
				Message: fmt.Sprintf("bundle %s is left as it is: %v", in.Name, err),
				Keep:    []desired.Ref{{Group: group, Kind: trustv1alpha1.BundleKind, Name: in.Name}},
			}
			problems = append(problems, p)
			part.Notes = append(part.Notes, desired.Note{Reason: p.Reason, Message: p.Message})
			continue
		}
		part.Objects = append(part.Objects, object)
	}
	if !facts.APIs.Serves(group, trustv1alpha1.BundleKind) {
		part.Hold = &desired.Hold{
			Reason:  v1alpha1.ReasonAPIMissing,
			Message: "the cluster does not serve Bundle (trust.cert-manager.io): bundles are made when trust-manager is there; set components.trustManager to Managed or install it",
		}
	}
	desired.Sort(part.Objects)
	return part, problems
}

func bundle(in *v1alpha1.TrustBundle, generated map[string]bool) (*unstructured.Unstructured, error) {
	sources, defaults := make([]trustv1alpha1.BundleSource, 0, len(in.Sources)), 0
	for i := range in.Sources {
		out, err := source(&in.Sources[i], generated)
		if err != nil {
			return nil, fmt.Errorf("sources[%d]: %w", i, err)
		}
		if out.UseDefaultCAs != nil {
			defaults++
		}
		sources = append(sources, out)
	}
	if len(sources) == 0 {
		return nil, errors.New("it has no sources: add at least one")
	}
	if defaults > 1 {
		return nil, fmt.Errorf("%d sources have useDefaultCAs, and trust-manager takes one: remove the others", defaults)
	}
	return build.Object(&trustv1alpha1.Bundle{
		TypeMeta:   metav1.TypeMeta{APIVersion: trustv1alpha1.SchemeGroupVersion.String(), Kind: trustv1alpha1.BundleKind},
		ObjectMeta: metav1.ObjectMeta{Name: in.Name},
		Spec: trustv1alpha1.BundleSpec{
			Sources: sources,
			Target: trustv1alpha1.BundleTarget{
				ConfigMap: &trustv1alpha1.TargetTemplate{Key: cmp.Or(in.Key, defaultKey)},
				// Always written out: without one, this version of trust-manager
				// selects every namespace and the next one refuses the bundle.
				NamespaceSelector: in.NamespaceSelector.DeepCopy(),
			},
		},
	}), nil
}

func source(in *v1alpha1.TrustSource, generated map[string]bool) (trustv1alpha1.BundleSource, error) {
	switch {
	case in.Issuer != "":
		hasCA, declared := generated[in.Issuer]
		if !declared {
			return trustv1alpha1.BundleSource{}, fmt.Errorf("issuer %q is not in spec.issuers: name an issuer of this platform", in.Issuer)
		}
		if !hasCA {
			return trustv1alpha1.BundleSource{}, fmt.Errorf("issuer %q has no generated CA whose certificate could be taken: use a secret, configMap or inLine source with its root", in.Issuer)
		}
		return trustv1alpha1.BundleSource{Secret: selector(names.GeneratedCA(in.Issuer), caKey)}, nil
	case in.ConfigMap != nil:
		return trustv1alpha1.BundleSource{ConfigMap: selector(in.ConfigMap.Name, in.ConfigMap.Key)}, nil
	case in.Secret != nil:
		return trustv1alpha1.BundleSource{Secret: selector(in.Secret.Name, in.Secret.Key)}, nil
	case in.InLine != "":
		if err := build.CheckCertificates([]byte(in.InLine)); err != nil {
			return trustv1alpha1.BundleSource{}, fmt.Errorf("inLine is not a list of PEM certificates: %w: put the certificates there and nothing else", err)
		}
		return trustv1alpha1.BundleSource{InLine: in.InLine}, nil
	case in.UseDefaultCAs != nil:
		return trustv1alpha1.BundleSource{UseDefaultCAs: in.UseDefaultCAs}, nil
	default:
		return trustv1alpha1.BundleSource{}, errors.New("it is empty: set one of issuer, configMap, secret, inLine or useDefaultCAs")
	}
}

func selector(name, key string) *trustv1alpha1.SourceObjectKeySelector {
	return &trustv1alpha1.SourceObjectKeySelector{Name: name, Key: key}
}
