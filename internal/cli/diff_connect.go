package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// memberFlags say how the user reaches the clusters of members.
type memberFlags struct {
	contexts   []string
	kubeconfig string
}

// hubConfig is the cluster that kubectl's own flags choose: the hub.
func (c *connection) hubConfig() (*rest.Config, error) {
	return c.finish(clientcmd.NewNonInteractiveDeferredLoadingClientConfig(c.rules, c.overrides))
}

// memberConfig is how the user reaches a member: by a kubeconfig file, by the
// context that was given, or else by the context with the member's name. The
// hub's own cluster is reached as the hub is, unless something else was given.
// What kubectl's flags say of the hub is not used for a member.
func (c *connection) memberConfig(cluster string, f *memberFlags) (*rest.Config, error) {
	chosen, err := f.contextOf(cluster)
	if err != nil {
		return nil, err
	}
	if chosen == "" && f.kubeconfig == "" && cluster == v1alpha1.LocalClusterName {
		return c.hubConfig()
	}
	rules := *c.rules
	if f.kubeconfig != "" {
		rules.ExplicitPath = f.kubeconfig
	}
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(&rules, &clientcmd.ConfigOverrides{
		CurrentContext: chosen, Timeout: c.overrides.Timeout,
	})
	if chosen == "" && f.kubeconfig == "" {
		raw, err := loader.RawConfig()
		if err != nil {
			return nil, fmt.Errorf("reading the kubeconfig: %w", err)
		}
		if raw.Contexts[cluster] == nil {
			return nil, fmt.Errorf("no context of the kubeconfig is called %s: say how you reach that cluster, with --member-context %s=CONTEXT or --member-kubeconfig FILE; there are %s",
				cluster, cluster, strings.Join(slices.Sorted(maps.Keys(raw.Contexts)), ", "))
		}
		loader = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(&rules, &clientcmd.ConfigOverrides{
			CurrentContext: cluster, Timeout: c.overrides.Timeout,
		})
	}
	config, err := c.finish(loader)
	if err != nil {
		return nil, fmt.Errorf("reaching cluster %s: %w", cluster, err)
	}
	return config, nil
}

// contextOf a cluster: CLUSTER=CONTEXT, or CONTEXT alone for every cluster that
// has none of its own.
func (f *memberFlags) contextOf(cluster string) (string, error) {
	var chosen string
	for _, value := range f.contexts {
		name, of, named := strings.Cut(value, "=")
		switch {
		case value == "" || named && (name == "" || of == ""):
			return "", fmt.Errorf("--member-context: %q is neither CONTEXT nor CLUSTER=CONTEXT", value)
		case named && name == cluster:
			return of, nil
		case !named:
			chosen = value
		}
	}
	return chosen, nil
}

func (c *connection) finish(loader clientcmd.ClientConfig) (*rest.Config, error) {
	// Nothing of the library's own logs is of use to the caller of a command.
	log.SetLogger(logr.Discard())
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.UserAgent = c.userAgent
	config.WarningHandler = rest.NoWarnings{}
	return config, nil
}
