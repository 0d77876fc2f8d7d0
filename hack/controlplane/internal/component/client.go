package component

import (
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/cert-manager/cert-manager/internal/apis/config/shared"
	servertls "github.com/cert-manager/cert-manager/pkg/server/tls"
	"github.com/cert-manager/cert-manager/pkg/server/tls/authority"
)

// Kubeconfig returns the path of the kubeconfig to use: explicit if that or an API
// server's host is given, else the first file of the KUBECONFIG environment
// variable that exists. The empty path means the credentials that a pod has.
func Kubeconfig(explicit, host string) string {
	if explicit != "" || host != "" {
		return explicit
	}
	for _, path := range filepath.SplitList(os.Getenv(clientcmd.RecommendedConfigPathEnvVar)) {
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path
		}
	}
	return ""
}

// Hostname returns the name by which this process takes part in an election. A
// container runtime gives a pod's name both as host name and as HOSTNAME; where
// pods share a host only the variable tells them apart.
func Hostname() (string, error) {
	if name := os.Getenv("HOSTNAME"); name != "" {
		return name, nil
	}
	return os.Hostname()
}

// CertificateSource returns what provides the serving certificate that cfg
// describes, or nil if it describes none. manager is the value of the label
// app.kubernetes.io/managed-by on the Secret that keeps a generated CA. The caller
// must start the source.
func CertificateSource(cfg shared.TLSConfig, manager string, client *rest.Config) servertls.CertificateSource {
	switch {
	case cfg.FilesystemConfigProvided():
		return &servertls.FileCertificateSource{CertPath: cfg.Filesystem.CertFile, KeyPath: cfg.Filesystem.KeyFile}
	case cfg.DynamicConfigProvided():
		return &servertls.DynamicSource{
			DNSNames: cfg.Dynamic.DNSNames,
			Authority: &authority.DynamicAuthority{
				SecretNamespace: cfg.Dynamic.SecretNamespace,
				SecretName:      cfg.Dynamic.SecretName,
				SecretLabels:    map[string]string{"app.kubernetes.io/managed-by": manager},
				LeafDuration:    cfg.Dynamic.LeafDuration,
				RESTConfig:      client,
			},
		}
	default:
		return nil
	}
}
