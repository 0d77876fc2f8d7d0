package issuer

import (
	"errors"
	"fmt"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/json"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

func acme(issuer string, backend *v1alpha1.IssuerBackend) ([]*unstructured.Unstructured, error) {
	in := backend.ACME
	if err := caBundle("acme.caBundle", in.CABundle); err != nil {
		return nil, err
	}
	solvers, err := decodeSolvers(in)
	if err != nil {
		return nil, err
	}
	account := names.ACMEAccount(issuer)
	if in.PrivateKeySecretRef != nil {
		account = in.PrivateKeySecretRef.Name
	}
	out := &cmacme.ACMEIssuer{
		Server:                in.Server,
		Email:                 in.Email,
		Profile:               in.Profile,
		PreferredChain:        in.PreferredChain,
		CABundle:              in.CABundle,
		EnableDurationFeature: in.EnableDurationFeature,
		PrivateKey:            cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: account}},
	}
	if eab := in.ExternalAccountBinding; eab != nil {
		out.ExternalAccountBinding = &cmacme.ACMEExternalAccountBinding{
			KeyID: eab.KeyID,
			Key:   *selector(&eab.KeySecretRef),
		}
	}
	object := clusterIssuer(issuer, issuer, backend.Name, cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{ACME: out}})
	// The solvers go in as they were written: what the user left out stays out,
	// where the Go types would add empty objects.
	if err := unstructured.SetNestedSlice(object.Object, solvers, "spec", "acme", "solvers"); err != nil {
		return nil, fmt.Errorf("putting its solvers into the ClusterIssuer: %w", err)
	}
	return []*unstructured.Unstructured{object}, nil
}

// decodeSolvers checks the solvers against cert-manager's own type, strictly: an
// unknown field would be dropped by the API server, and the challenge would fail
// for no visible reason. It returns them as they were written.
func decodeSolvers(in *v1alpha1.ACMEBackend) ([]any, error) {
	out := make([]any, 0, len(in.Solvers))
	for i, raw := range in.Solvers {
		var typed cmacme.ACMEChallengeSolver
		strict, err := json.UnmarshalStrict(raw.Raw, &typed)
		if err := errors.Join(append(strict, err)...); err != nil {
			return nil, fmt.Errorf("acme.solvers[%d] is not what a ClusterIssuer takes in spec.acme.solvers: %w: correct or remove the field", i, err)
		}
		if (typed.HTTP01 == nil) == (typed.DNS01 == nil) {
			return nil, fmt.Errorf("acme.solvers[%d] must have one of http01 and dns01: set one and remove the other", i)
		}
		var solver map[string]any
		if err := json.UnmarshalCaseSensitivePreserveInts(raw.Raw, &solver); err != nil {
			return nil, fmt.Errorf("reading acme.solvers[%d]: %w", i, err)
		}
		out = append(out, solver)
	}
	if len(out) == 0 {
		return nil, errors.New("acme.solvers is empty: add at least one http01 or dns01 solver")
	}
	return out, nil
}
