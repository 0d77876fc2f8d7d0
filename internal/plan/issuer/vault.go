package issuer

import (
	"cmp"
	"errors"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// Mount points that the API fills in, for specs that did not pass through an API
// server.
const (
	defaultAppRolePath    = "approle"
	defaultKubernetesPath = "/v1/auth/kubernetes"
)

func vault(issuer string, backend *v1alpha1.IssuerBackend) ([]*unstructured.Unstructured, error) {
	in := backend.Vault
	if err := caBundle("vault.caBundle", in.CABundle); err != nil {
		return nil, err
	}
	auth, err := vaultAuth(&in.Auth)
	if err != nil {
		return nil, err
	}
	object := clusterIssuer(issuer, issuer, backend.Name, cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{
		Vault: &cmv1.VaultIssuer{
			Server:    in.Server,
			Path:      in.Path,
			Namespace: in.Namespace,
			CABundle:  in.CABundle,
			Auth:      auth,
		},
	}})
	// The type has no omitempty here, and an empty reference beside a
	// serviceAccountRef would be owned by us for nothing.
	unstructured.RemoveNestedField(object.Object, "spec", "vault", "auth", "kubernetes", "secretRef")
	return []*unstructured.Unstructured{object}, nil
}

func vaultAuth(in *v1alpha1.VaultAuth) (cmv1.VaultAuth, error) {
	switch {
	case in.TokenSecretRef != nil:
		return cmv1.VaultAuth{TokenSecretRef: selector(in.TokenSecretRef)}, nil
	case in.AppRole != nil:
		return cmv1.VaultAuth{AppRole: &cmv1.VaultAppRole{
			Path:      cmp.Or(in.AppRole.Path, defaultAppRolePath),
			RoleId:    in.AppRole.RoleID,
			SecretRef: *selector(&in.AppRole.SecretRef),
		}}, nil
	case in.Kubernetes != nil:
		return cmv1.VaultAuth{Kubernetes: &cmv1.VaultKubernetesAuth{
			Path:              cmp.Or(in.Kubernetes.MountPath, defaultKubernetesPath),
			Role:              in.Kubernetes.Role,
			ServiceAccountRef: &cmv1.ServiceAccountRef{Name: in.Kubernetes.ServiceAccountName},
		}}, nil
	default:
		return cmv1.VaultAuth{}, errors.New("vault.auth is empty: set one of tokenSecretRef, appRole or kubernetes")
	}
}

func selector(ref *v1alpha1.SecretKeyReference) *cmmeta.SecretKeySelector {
	return &cmmeta.SecretKeySelector{
		LocalObjectReference: cmmeta.LocalObjectReference{Name: ref.Name},
		Key:                  ref.Key,
	}
}
