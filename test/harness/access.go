package harness

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tlsplatform/tls-platform-operator/test/harness/link"
)

// AccessNamespace is where Access.Token makes its ServiceAccounts.
const AccessNamespace = metav1.NamespaceSystem

// Link starts a proxy in front of the cluster's API server. It ends with the
// cluster.
func (c *Cluster) Link() (*link.Link, error) {
	ports, err := freePorts(1)
	if err != nil {
		return nil, fmt.Errorf("starting a link to cluster %s: %w", c.Name, err)
	}
	l, err := link.Listen(loopback(ports[0]), loopback(c.apiPorts[0]))
	if err != nil {
		releasePorts(ports)
		return nil, fmt.Errorf("starting a link to cluster %s: %w", c.Name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.usedPorts, c.links = append(c.usedPorts, ports...), append(c.links, l)
	return l, nil
}

// Access makes kubeconfigs of a cluster for somebody outside of it, the good and
// the bad.
type Access struct {
	cluster *Cluster
	server  string
	ca      []byte
}

// Access returns one whose kubeconfigs lead to addr, host:port, such as that of a
// Link; empty means the API server's own.
func (c *Cluster) Access(addr string) Access {
	server := c.server()
	if addr != "" {
		server = "https://" + addr
	}
	return Access{cluster: c, server: server, ca: c.pki.ca.pem.cert}
}

// WithWrongCA returns an Access that takes a CA for the server's that is not.
func (a Access) WithWrongCA() (Access, error) {
	other, err := newAuthority("kubernetes-ca-" + a.cluster.Name) // the same name: only the key tells
	if err != nil {
		return Access{}, err
	}
	a.ca = other.pem.cert
	return a, nil
}

// Certificate returns a kubeconfig with a client certificate of an administrator.
func (a Access) Certificate(user string) ([]byte, error) {
	pair, err := a.cluster.pki.ca.client(user, mastersGroup)
	if err != nil {
		return nil, err
	}
	return a.write(certificateUser(pair))
}

// Token returns a kubeconfig with a token, good for an hour, of a ServiceAccount
// that is an administrator by RBAC. The account is made unless it exists;
// Withdraw ends what it can do.
func (a Access) Token(ctx context.Context, account string) ([]byte, error) {
	client, err := kubernetes.NewForConfig(a.cluster.Config)
	if err != nil {
		return nil, fmt.Errorf("making a client for cluster %s: %w", a.cluster.Name, err)
	}
	meta := metav1.ObjectMeta{Name: account, Namespace: AccessNamespace}
	if _, err := client.CoreV1().ServiceAccounts(AccessNamespace).Create(ctx, &corev1.ServiceAccount{ObjectMeta: meta}, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return nil, fmt.Errorf("creating ServiceAccount %s in cluster %s: %w", account, a.cluster.Name, err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: account},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: AccessNamespace, Name: account}},
	}
	if _, err := client.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return nil, fmt.Errorf("binding ServiceAccount %s in cluster %s: %w", account, a.cluster.Name, err)
	}
	life := int64(time.Hour / time.Second)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &life}}
	token, err := client.CoreV1().ServiceAccounts(AccessNamespace).CreateToken(ctx, account, request, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("requesting a token of ServiceAccount %s in cluster %s: %w", account, a.cluster.Name, err)
	}
	return a.Bearer(token.Status.Token)
}

// Withdraw deletes a ServiceAccount that Token made: its tokens are refused from
// then on, but for the seconds that the API server remembers one.
func (a Access) Withdraw(ctx context.Context, account string) error {
	client, err := kubernetes.NewForConfig(a.cluster.Config)
	if err != nil {
		return fmt.Errorf("making a client for cluster %s: %w", a.cluster.Name, err)
	}
	if err := client.CoreV1().ServiceAccounts(AccessNamespace).Delete(ctx, account, metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("deleting ServiceAccount %s in cluster %s: %w", account, a.cluster.Name, err)
	}
	return nil
}

// Bearer returns a kubeconfig with that token, whatever it is.
func (a Access) Bearer(token string) ([]byte, error) {
	return a.write(clientcmdapi.AuthInfo{Token: token})
}

// Expired returns a kubeconfig with a token that the cluster itself signed for a
// ServiceAccount and that ended an hour ago.
func (a Access) Expired(account string) ([]byte, error) {
	now := time.Now()
	token, err := a.cluster.pki.signToken(AccessNamespace, account, now.Add(-2*time.Hour), now.Add(-time.Hour))
	if err != nil {
		return nil, err
	}
	return a.Bearer(token)
}

// Exec returns a kubeconfig whose credential is what a program prints. The
// program leaves a file named "ran" in the folder.
func (a Access) Exec(dir string) ([]byte, error) {
	return a.write(clientcmdapi.AuthInfo{Exec: &clientcmdapi.ExecConfig{
		APIVersion: "client.authentication.k8s.io/v1", Command: "touch", Args: []string{filepath.Join(dir, "ran")},
		InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
	}})
}

// File returns a kubeconfig whose token is in a file.
func (a Access) File(path string) ([]byte, error) {
	return a.write(clientcmdapi.AuthInfo{TokenFile: path})
}

func (a Access) write(user clientcmdapi.AuthInfo) ([]byte, error) {
	content, err := clientcmd.Write(a.cluster.kubeconfig(a.server, a.ca, "member", user))
	if err != nil {
		return nil, fmt.Errorf("writing a kubeconfig of cluster %s: %w", a.cluster.Name, err)
	}
	return content, nil
}
