package fleet

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// maxKubeconfig is the size of the largest Secret that an API server stores.
const maxKubeconfig = 1 << 20

// CredentialError says why a kubeconfig is refused or missing.
type CredentialError struct {
	// Reason is a condition reason: CredentialRefused or CredentialMissing.
	Reason string
	// Message says what was found and what to do. It has nothing of the
	// credential in it.
	Message string
}

// Error is the message.
func (e *CredentialError) Error() string { return e.Message }

func refused(format string, args ...any) error {
	return &CredentialError{Reason: v1alpha1.ReasonCredentialRefused, Message: bounded("the kubeconfig " + fmt.Sprintf(format, args...))}
}

// yamlLine finds where a parser gave up. The rest of a parser's message may
// quote the credential.
var yamlLine = regexp.MustCompile(`line \d{1,7}`)

// ParseKubeconfig returns the connection that the current context of a
// kubeconfig asks for. Only what is in the text itself is used: nothing that
// would run a command, or read a file of the hub. Errors are
// of type [CredentialError] and quote nothing of the credential.
func ParseKubeconfig(raw []byte) (*rest.Config, error) {
	cluster, user, err := parseKubeconfig(raw)
	if err != nil {
		return nil, err
	}
	return configOf(cluster, user)
}

// parseKubeconfig returns the current cluster and user, which were checked.
func parseKubeconfig(raw []byte) (*api.Cluster, *api.AuthInfo, error) {
	switch {
	case len(raw) > maxKubeconfig:
		return nil, nil, refused("has %d bytes; at most %d are read, and a kubeconfig for one cluster has a few thousand", len(raw), maxKubeconfig)
	case len(bytes.TrimSpace(raw)) == 0:
		return nil, nil, refused("is empty; put the text of a kubeconfig under the key that the MemberCluster names")
	}
	parsed, err := clientcmd.Load(raw)
	if err != nil {
		at := yamlLine.FindString(err.Error())
		if at != "" {
			at = " (" + at + ")"
		}
		return nil, nil, refused("is not readable as YAML of kind Config%s; check it with kubectl --kubeconfig", at)
	}
	cluster, user, err := current(parsed)
	if err != nil {
		return nil, nil, err
	}
	if err := checkCluster(cluster); err != nil {
		return nil, nil, err
	}
	if err := checkUser(user); err != nil {
		return nil, nil, err
	}
	return cluster, user, nil
}

func current(c *api.Config) (*api.Cluster, *api.AuthInfo, error) {
	if c.CurrentContext == "" {
		return nil, nil, refused("has no current-context; set it with kubectl config use-context")
	}
	context := c.Contexts[c.CurrentContext]
	if context == nil {
		return nil, nil, refused("has current-context %.64q, and no context of that name; kubectl config get-contexts lists what there is", c.CurrentContext)
	}
	cluster, user := c.Clusters[context.Cluster], c.AuthInfos[context.AuthInfo]
	switch {
	case cluster == nil:
		return nil, nil, refused("has a context %.64q for cluster %.64q, and no cluster of that name", c.CurrentContext, context.Cluster)
	case user == nil:
		return nil, nil, refused("has a context %.64q for user %.64q, and no user of that name", c.CurrentContext, context.AuthInfo)
	}
	return cluster, user, nil
}

func checkCluster(c *api.Cluster) error {
	switch {
	case c.CertificateAuthority != "":
		return refused("names a file as certificate-authority, which the hub does not read; put its content into certificate-authority-data (kubectl config view --flatten --minify)")
	case c.InsecureSkipTLSVerify:
		return refused("has insecure-skip-tls-verify, with which anybody in between could take the credential; set certificate-authority-data instead")
	case len(c.CertificateAuthorityData) > 0 && !x509.NewCertPool().AppendCertsFromPEM(c.CertificateAuthorityData):
		return refused("has no certificate in certificate-authority-data; it must be the base64 of PEM")
	}
	if err := checkServer(c.Server); err != nil {
		return err
	}
	_, err := proxyOf(c)
	return err
}

// checkServer wants an address that needs no guess, over TLS.
func checkServer(server string) error {
	u, err := url.Parse(server)
	switch {
	case server == "":
		return refused("has no server address")
	case err != nil || u.Host == "" || u.Hostname() == "":
		return refused("has a server that is not a URL; write https://host:port")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return refused("has a server address with a user, a query or a fragment; write https://host:port")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil // a tunnel or a test in the same pod
	case u.Scheme == "http":
		return refused("has a server address without TLS, over which anybody could read the credential; use https")
	default:
		return refused("has a server address with the scheme %.16q; use https", u.Scheme)
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// insteadOf credentials that are refused.
const insteadOf = "create a ServiceAccount in that cluster and use a token of it"

// checkUser takes a token or a client certificate that stand in the kubeconfig
// itself.
func checkUser(u *api.AuthInfo) error {
	if err := checkFeatures(u); err != nil {
		return err
	}
	switch {
	case u.Token == "" && len(u.ClientCertificateData) == 0 && len(u.ClientKeyData) == 0:
		return refused("has neither a token nor a client certificate; %s", insteadOf)
	case len(u.ClientCertificateData) == 0 != (len(u.ClientKeyData) == 0):
		return refused("has only one of client-certificate-data and client-key-data; both are needed")
	case strings.ContainsFunc(strings.TrimSpace(u.Token), func(r rune) bool { return r <= ' ' || r > '~' }):
		return refused("has a token with blanks, line breaks or other characters that no token has; copy it again")
	}
	if len(u.ClientCertificateData) > 0 {
		if _, err := tls.X509KeyPair(u.ClientCertificateData, u.ClientKeyData); err != nil {
			return refused("has a client certificate and key that can't be read or don't belong together; both must be the base64 of PEM")
		}
	}
	return nil
}

// checkFeatures refuses what would run code or read files in the hub, and what
// API servers no longer take.
func checkFeatures(u *api.AuthInfo) error {
	switch {
	case u.Exec != nil:
		return refused("runs the command %.64q to get a credential (exec), which the hub does not do; %s", u.Exec.Command, insteadOf)
	case u.AuthProvider != nil:
		return refused("has the auth-provider %.64q, which clients no longer support; %s", u.AuthProvider.Name, insteadOf)
	case u.TokenFile != "":
		return refused("names a tokenFile, which the hub does not read; put the token itself under token")
	case u.ClientCertificate != "" || u.ClientKey != "":
		return refused("names a file as client-certificate or client-key, which the hub does not read; use client-certificate-data and client-key-data (kubectl config view --flatten --minify)")
	case u.Username != "" || u.Password != "":
		return refused("has a username and password, which API servers no longer accept; %s", insteadOf)
	case u.Impersonate != "" || u.ImpersonateUID != "" || len(u.ImpersonateGroups) > 0 || len(u.ImpersonateUserExtra) > 0:
		return refused("impersonates another user (as); use a credential of the identity that is meant")
	}
	return nil
}

// configOf a cluster and a user that were checked.
func configOf(c *api.Cluster, u *api.AuthInfo) (*rest.Config, error) {
	config := &rest.Config{
		Host:               c.Server,
		BearerToken:        strings.TrimSpace(u.Token),
		DisableCompression: c.DisableCompression,
		TLSClientConfig: rest.TLSClientConfig{
			ServerName: c.TLSServerName,
			CAData:     c.CertificateAuthorityData,
			CertData:   u.ClientCertificateData,
			KeyData:    u.ClientKeyData,
		},
	}
	proxy, err := proxyOf(c)
	if err != nil {
		return nil, err
	}
	if proxy != nil {
		config.Proxy = http.ProxyURL(proxy)
	}
	return config, nil
}

// proxyOf a cluster, nil for none of its own.
func proxyOf(c *api.Cluster) (*url.URL, error) {
	if c.ProxyURL == "" {
		return nil, nil
	}
	proxy, err := url.Parse(c.ProxyURL)
	if err != nil || proxy.Hostname() == "" || !slices.Contains([]string{"http", "https", "socks5"}, proxy.Scheme) {
		return nil, refused("has a proxy-url that is not http://, https:// or socks5:// with a host")
	}
	return proxy, nil
}

// kubeconfigOf a cluster with a token, as YAML.
func kubeconfigOf(c *api.Cluster, user, token string) ([]byte, error) {
	const name = "member"
	raw, err := clientcmd.Write(api.Config{
		Clusters: map[string]*api.Cluster{name: {
			Server: c.Server, CertificateAuthorityData: c.CertificateAuthorityData, TLSServerName: c.TLSServerName,
			ProxyURL: c.ProxyURL, DisableCompression: c.DisableCompression,
		}},
		AuthInfos:      map[string]*api.AuthInfo{user: {Token: token}},
		Contexts:       map[string]*api.Context{name: {Cluster: name, AuthInfo: user}},
		CurrentContext: name,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding a kubeconfig: %w", err)
	}
	return raw, nil
}

// sameServer says whether both lead to the same API server, by whatever way. A
// token must be sent nowhere else.
func sameServer(a, b *api.Cluster) bool {
	return strings.TrimRight(a.Server, "/") == strings.TrimRight(b.Server, "/") && a.TLSServerName == b.TLSServerName &&
		bytes.Equal(bytes.TrimSpace(a.CertificateAuthorityData), bytes.TrimSpace(b.CertificateAuthorityData))
}
