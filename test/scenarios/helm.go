package scenarios

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/loader"
	"helm.sh/helm/v4/pkg/cli"
	"helm.sh/helm/v4/pkg/kube"
	"helm.sh/helm/v4/pkg/registry"
)

// HelmInstall installs a chart of the run's registry and waits, as the helm
// command would: for installs that are there before the platform, and as the
// floor that the platform's own installs are measured against.
func (w *World) HelmInstall(ctx context.Context, release, namespace, version string, values map[string]any) error {
	settings := cli.New()
	settings.KubeConfig = w.Cluster.Kubeconfig
	settings.SetNamespace(namespace)
	scratch := filepath.Join(w.Cluster.Dir(), "helm")
	rc, err := registry.NewClient(registry.ClientOptPlainHTTP(), registry.ClientOptCredentialsFile(filepath.Join(scratch, "credentials.json")))
	if err != nil {
		return fmt.Errorf("building a registry client: %w", err)
	}
	config := action.NewConfiguration()
	if err := config.Init(settings.RESTClientGetter(), namespace, "secret"); err != nil {
		return fmt.Errorf("preparing helm: %w", err)
	}
	config.RegistryClient = rc
	pulled, err := rc.Pull(fmt.Sprintf("%s/charts/%s:%s", w.Registry.Host(), release, version))
	if err != nil {
		return fmt.Errorf("pulling chart %s: %w", release, err)
	}
	chart, err := loader.LoadArchive(bytes.NewReader(pulled.Chart.Data))
	if err != nil {
		return fmt.Errorf("loading chart %s: %w", release, err)
	}
	install := action.NewInstall(config)
	install.ReleaseName, install.Namespace, install.CreateNamespace = release, namespace, true
	install.WaitStrategy, install.WaitForJobs, install.Timeout = kube.StatusWatcherStrategy, true, 3*time.Minute
	if _, err := install.RunWithContext(ctx, chart, values); err != nil {
		return fmt.Errorf("installing chart %s by helm: %w", release, err)
	}
	return nil
}
