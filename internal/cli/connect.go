package cli

import (
	"fmt"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// connection finds the cluster as kubectl does.
type connection struct {
	rules     *clientcmd.ClientConfigLoadingRules
	overrides *clientcmd.ConfigOverrides
	userAgent string
}

// newConnection binds kubectl's flags that choose a cluster and a user.
// --namespace is left to the commands.
func newConnection(cmd *cobra.Command, userAgent string) *connection {
	c := &connection{
		rules:     clientcmd.NewDefaultClientConfigLoadingRules(),
		overrides: &clientcmd.ConfigOverrides{},
		userAgent: userAgent,
	}
	flags := cmd.PersistentFlags()
	names := clientcmd.RecommendedConfigOverrideFlags("")
	names.ContextOverrideFlags.Namespace = clientcmd.FlagInfo{}
	// API servers no longer know basic authentication.
	names.AuthOverrideFlags.Username, names.AuthOverrideFlags.Password = clientcmd.FlagInfo{}, clientcmd.FlagInfo{}
	clientcmd.BindOverrideFlags(c.overrides, flags, names)
	flags.StringVar(&c.rules.ExplicitPath, clientcmd.RecommendedConfigPathFlag, "", "Path to the kubeconfig file to use for CLI requests.")
	return c
}

// open returns a client, and the namespace of the current context. It sends
// nothing yet.
func (c *connection) open() (client.Reader, string, error) {
	// Nothing of the library's own logs is of use to the caller of a command.
	log.SetLogger(logr.Discard())
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(c.rules, c.overrides)
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, "", fmt.Errorf("reading the kubeconfig: %w", err)
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		return nil, "", fmt.Errorf("reading the current namespace: %w", err)
	}
	config.UserAgent = c.userAgent
	// As kubectl: the API server limits its users by itself.
	config.QPS, config.Burst = 50, 300
	config.WarningHandler = rest.NoWarnings{}
	scheme, err := newScheme()
	if err != nil {
		return nil, "", err
	}
	reader, err := client.New(config, client.Options{Scheme: scheme, Mapper: newMapper()})
	if err != nil {
		return nil, "", fmt.Errorf("building a client: %w", err)
	}
	return reader, namespace, nil
}

func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{coordinationv1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("building the scheme: %w", err)
		}
	}
	return scheme, nil
}

// newMapper knows the kinds that are read, so that nothing has to be
// discovered first.
func newMapper() meta.RESTMapper {
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{v1alpha1.GroupVersion, coordinationv1.SchemeGroupVersion})
	mapper.Add(v1alpha1.GroupVersion.WithKind("CertificateSlice"), meta.RESTScopeNamespace)
	mapper.Add(v1alpha1.GroupVersion.WithKind("TLSAgent"), meta.RESTScopeRoot)
	mapper.Add(v1alpha1.GroupVersion.WithKind("MemberCluster"), meta.RESTScopeRoot)
	mapper.Add(v1alpha1.GroupVersion.WithKind("TLSPlatform"), meta.RESTScopeRoot)
	mapper.Add(coordinationv1.SchemeGroupVersion.WithKind("Lease"), meta.RESTScopeNamespace)
	return mapper
}
