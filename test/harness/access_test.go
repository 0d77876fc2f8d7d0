package harness

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// A lean cluster is an API server and nothing else, and what is given to others
// as a kubeconfig of it is good or bad as its name says.
func TestALeanClusterAndTheKubeconfigsOfIt(t *testing.T) {
	t.Parallel()
	c := startCluster(t, start(t), ClusterOptions{Name: "lean", Lean: true})
	for _, name := range []string{controllerManager, scheduler, kwok} {
		if _, ok := c.Process(name); ok {
			t.Errorf("%s runs in a lean cluster", name)
		}
	}
	l, err := c.Link()
	if err != nil {
		t.Fatal(err)
	}
	access := c.Access(l.Addr())
	wrongCA, err := access.WithWrongCA()
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		make func() ([]byte, error)
		want string // empty means that it works
	}{
		"a client certificate":      {func() ([]byte, error) { return access.Certificate("operator") }, ""},
		"a ServiceAccount's token":  {func() ([]byte, error) { return access.Token(t.Context(), "operator") }, ""},
		"a token that is over":      {func() ([]byte, error) { return access.Expired("operator") }, "Unauthorized"},
		"a token that is no token":  {func() ([]byte, error) { return access.Bearer("nonsense") }, "Unauthorized"},
		"a CA that is not its own":  {func() ([]byte, error) { return wrongCA.Certificate("operator") }, "certificate signed by unknown authority"},
		"a token file that is gone": {func() ([]byte, error) { return access.File("/no/such/token") }, "/no/such/token"},
	} {
		t.Run(name, func(t *testing.T) {
			kubeconfig, err := tc.make()
			if err != nil {
				t.Fatal(err)
			}
			err = ask(t.Context(), kubeconfig)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("asking gave error %v, want %q", err, tc.want)
			}
		})
	}
	t.Run("a cut link", func(t *testing.T) {
		kubeconfig, err := access.Certificate("operator")
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Cut(); err != nil {
			t.Fatal(err)
		}
		if err := ask(t.Context(), kubeconfig); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("asking over a cut link gave %v", err)
		}
		if err := l.Pass(); err != nil {
			t.Fatal(err)
		}
		if err := ask(t.Context(), kubeconfig); err != nil {
			t.Errorf("asking over a healed link gave %v", err)
		}
	})
}

func ask(ctx context.Context, kubeconfig []byte) error {
	config, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil {
		return err
	}
	config.Timeout = 10 * time.Second
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	_, err = client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	return err
}
