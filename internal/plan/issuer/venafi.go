package issuer

import (
	"errors"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

func venafi(issuer string, backend *v1alpha1.IssuerBackend) ([]*unstructured.Unstructured, error) {
	out := &cmv1.VenafiIssuer{Zone: backend.Venafi.Zone}
	switch in := backend.Venafi; {
	case in.TPP != nil:
		if err := caBundle("venafi.tpp.caBundle", in.TPP.CABundle); err != nil {
			return nil, err
		}
		out.TPP = &cmv1.VenafiTPP{
			URL:            in.TPP.URL,
			CredentialsRef: cmmeta.LocalObjectReference{Name: in.TPP.CredentialsRef.Name},
			CABundle:       in.TPP.CABundle,
		}
	case in.Cloud != nil:
		out.Cloud = &cmv1.VenafiCloud{
			URL:               in.Cloud.URL,
			APITokenSecretRef: *selector(&in.Cloud.APITokenSecretRef),
		}
	default:
		return nil, errors.New("its venafi backend has neither tpp nor cloud: set one of them")
	}
	spec := cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{Venafi: out}}
	return []*unstructured.Unstructured{clusterIssuer(issuer, issuer, backend.Name, spec)}, nil
}
