package harness

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// tokenLife, in seconds, outlasts a demo that is left running for a day.
const tokenLife = int64(24 * 60 * 60)

// LoadConfig returns the client configuration of a kubeconfig file, without a
// rate limit on the client's side.
func LoadConfig(kubeconfig string) (*rest.Config, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("loading kubeconfig %s: %w", kubeconfig, err)
	}
	cfg.QPS = -1
	return cfg, nil
}

// KubeconfigForServiceAccount returns the path of a kubeconfig that carries a
// token of the ServiceAccount, good for a day.
func (c *Cluster) KubeconfigForServiceAccount(ctx context.Context, namespace, name string) (string, error) {
	client, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return "", fmt.Errorf("making a client for cluster %s: %w", c.Name, err)
	}
	life := tokenLife
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &life}}
	token, err := client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("requesting a token of ServiceAccount %s/%s in cluster %s: %w", namespace, name, c.Name, err)
	}
	return c.writeKubeconfig("sa-"+namespace+"-"+name, clientcmdapi.AuthInfo{Token: token.Status.Token})
}

// KubeconfigForUser returns the path of a kubeconfig with a client certificate
// of the user in the groups. What the user may do is RBAC's matter.
func (c *Cluster) KubeconfigForUser(user string, groups ...string) (string, error) {
	pair, err := c.pki.ca.client(user, groups...)
	if err != nil {
		return "", err
	}
	return c.writeKubeconfig(fileName("user-"+user), certificateUser(pair))
}

func (c *Cluster) writeKubeconfig(name string, user clientcmdapi.AuthInfo) (string, error) {
	path := filepath.Join(c.dir, name+".kubeconfig")
	config := c.kubeconfig(c.server(), c.pki.ca.pem.cert, name, user)
	if err := clientcmd.WriteToFile(config, path); err != nil {
		return "", fmt.Errorf("writing kubeconfig %s: %w", path, err)
	}
	return path, nil
}

// kubeconfig returns one with a single context.
func (c *Cluster) kubeconfig(server string, ca []byte, name string, user clientcmdapi.AuthInfo) clientcmdapi.Config {
	return clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{c.Name: {Server: server, CertificateAuthorityData: ca}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{name: &user},
		Contexts:       map[string]*clientcmdapi.Context{c.Name: {Cluster: c.Name, AuthInfo: name}},
		CurrentContext: c.Name,
	}
}

// fileName makes a user's name, which can hold colons and slashes, fit for a file.
func fileName(user string) string { return strings.NewReplacer("/", "-", ":", "-").Replace(user) }
