package issuer

import (
	"errors"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/build"
)

// defaultCADuration is what the API fills in; it is repeated here for specs that
// did not pass through an API server.
const defaultCADuration = 87600 * time.Hour

func ca(issuer string, backend *v1alpha1.IssuerBackend, namespace string) ([]*unstructured.Unstructured, error) {
	var secret string
	var objects []*unstructured.Unstructured
	switch {
	case backend.CA.Generate != nil:
		secret = names.GeneratedCA(issuer)
		objects = append(objects,
			clusterIssuer(names.BootstrapIssuer(issuer), issuer, backend.Name,
				cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{SelfSigned: &cmv1.SelfSignedIssuer{}}}),
			caCertificate(issuer, backend.CA.Generate, namespace),
		)
	case backend.CA.SecretRef != nil:
		secret = backend.CA.SecretRef.Name
	default:
		return nil, errors.New("its ca backend has neither secretRef nor generate: set one of them")
	}
	spec := cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{CA: &cmv1.CAIssuer{
		SecretName:            secret,
		CRLDistributionPoints: backend.CA.CRLDistributionPoints,
	}}}
	return append(objects, clusterIssuer(issuer, issuer, backend.Name, spec)), nil
}

// caCertificate is the generated CA of an issuer.
func caCertificate(issuer string, generated *v1alpha1.GeneratedCA, namespace string) *unstructured.Unstructured {
	duration := metav1.Duration{Duration: defaultCADuration}
	if generated.Duration != nil {
		duration = *generated.Duration
	}
	return build.Object(&cmv1.Certificate{
		TypeMeta: metav1.TypeMeta{APIVersion: cmv1.SchemeGroupVersion.String(), Kind: cmv1.CertificateKind},
		ObjectMeta: metav1.ObjectMeta{
			Name:      names.GeneratedCA(issuer),
			Namespace: namespace,
			Labels:    map[string]string{names.LabelIssuer: issuer},
			Annotations: map[string]string{
				names.AnnotationOwner:   "tls-platform",
				names.AnnotationPurpose: "CA of issuer " + issuer,
			},
		},
		Spec: cmv1.CertificateSpec{
			IsCA:       true,
			CommonName: generated.CommonName,
			Duration:   &duration,
			SecretName: names.GeneratedCA(issuer),
			Usages:     []cmv1.KeyUsage{cmv1.UsageCertSign, cmv1.UsageCRLSign},
			PrivateKey: &cmv1.CertificatePrivateKey{
				Algorithm: cmv1.ECDSAKeyAlgorithm,
				Size:      256,
				// A renewal with a new key would be a new root, which nobody
				// trusts yet: all that was issued before and after would
				// disagree until every bundle has both. Replacing a root is a
				// rollover, not a renewal.
				RotationPolicy: cmv1.RotationPolicyNever,
			},
			IssuerRef: cmmeta.IssuerReference{
				Name:  names.BootstrapIssuer(issuer),
				Kind:  cmv1.ClusterIssuerKind,
				Group: group,
			},
		},
	})
}
