package scenarios

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
	"github.com/tlsplatform/tls-platform-operator/test/harness/charts"
	"github.com/tlsplatform/tls-platform-operator/test/harness/node"
)

// OperatorImage is the image that config/default installs. The hub installs the
// agent from it too.
const OperatorImage = "ghcr.io/tlsplatform/tls-platform-operator:dev"

// SystemNamespace is where config/default installs the operator.
const SystemNamespace = "tls-platform-system"

// PlatformName is that of config/samples/platform.yaml.
const PlatformName = "platform"

// World is a cluster with a chart registry beside it, ready for the operator.
type World struct {
	// Env is the run that everything belongs to.
	Env *harness.Environment
	// Cluster is the hub's own.
	Cluster *harness.Cluster
	// Registry serves the charts.
	Registry *charts.Registry
	// Digests of the charts that are served, by name.
	Digests map[string]string
	// Client is an administrator's.
	Client client.Client
	// Root is the folder of the checkout.
	Root string
	// Members are the clusters beside the hub's own, by name.
	Members map[string]*Member

	// programs are the paths of the operator's, as built.
	programs programs
}

// programs are the operator's: the hub with the installer, and the agent.
type programs struct{ hub, agent string }

// New builds the operator and starts a cluster and a registry. progress says in
// a line what is being done.
func New(ctx context.Context, name string, progress func(string)) (*World, error) {
	return newWorld(ctx, func(w *World) error { return w.start(ctx, name, progress) })
}

// newWorld starts a world, and stops what was started when that fails.
func newWorld(ctx context.Context, start func(*World) error) (*World, error) {
	ctrl.SetLogger(klog.Background()) // controller-runtime's client complains without one
	root, err := checkout(ctx)
	if err != nil {
		return nil, err
	}
	env, err := harness.Start(ctx, harness.Options{})
	if err != nil {
		return nil, fmt.Errorf("preparing the run: %w", err)
	}
	w := &World{Env: env, Root: root, Members: map[string]*Member{}}
	if err := start(w); err != nil {
		env.MarkFailed()
		return nil, errors.Join(err, w.Stop())
	}
	return w, nil
}

// start starts a world of one cluster.
func (w *World) start(ctx context.Context, name string, progress func(string)) error {
	if err := w.prepare(ctx, progress); err != nil {
		return err
	}
	progress("starting a cluster: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, one node")
	var err error
	w.Cluster, w.Client, err = w.startCluster(ctx, harness.ClusterOptions{Name: name, Images: w.images()})
	return err
}

// prepare builds the operator and serves the charts.
func (w *World) prepare(ctx context.Context, progress func(string)) error {
	progress("building the operator")
	if err := w.buildOperator(ctx); err != nil {
		return err
	}
	progress("serving the charts of cert-manager and trust-manager from a registry")
	var err error
	if w.Registry, err = charts.Serve(); err != nil {
		return fmt.Errorf("serving charts: %w", err)
	}
	if w.Digests, err = w.Registry.PushStandard(ctx); err != nil {
		return fmt.Errorf("pushing charts: %w", err)
	}
	return nil
}

// startCluster starts one cluster and makes an administrator's client of it.
func (w *World) startCluster(ctx context.Context, o harness.ClusterOptions) (*harness.Cluster, client.Client, error) {
	cluster, err := w.Env.StartCluster(ctx, o)
	if err != nil {
		return nil, nil, fmt.Errorf("starting cluster %s: %w", o.Name, err)
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, nil, fmt.Errorf("building a scheme: %w", err)
	}
	c, err := client.New(cluster.Config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, nil, fmt.Errorf("building a client for cluster %s: %w", o.Name, err)
	}
	return cluster, c, nil
}

func (w *World) images() []node.Image { return Images(w.programs.hub, w.programs.agent) }

// Images are those whose pods run as real processes.
func Images(operator, agent string) []node.Image {
	images := append(node.CertManagerImages(charts.CertManagerVersion), node.TrustManagerImages(charts.TrustManagerVersion)...)
	return append(images, node.Image{
		Name: OperatorImage, Binary: operator, Commands: []string{"/tls-platform"},
		Programs: map[string]string{"/tls-platform-agent": agent},
		Ports: []node.Port{
			{Container: 8443, Flag: "--metrics-bind-address", Form: node.HostPort},
			{Container: 8081, Flag: "--health-probe-bind-address", Form: node.HostPort},
		},
	})
}

// buildOperator builds the operator's programs into the run's folder, with the
// flags of every other build here: those of a release would compile all of
// Kubernetes' libraries once more.
func (w *World) buildOperator(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", w.Env.Dir()+string(filepath.Separator), "./cmd/tls-platform", "./cmd/tls-platform-agent")
	cmd.Dir = w.Root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the operator: %w\n%s", err, out)
	}
	w.programs = programs{hub: filepath.Join(w.Env.Dir(), "tls-platform"), agent: filepath.Join(w.Env.Dir(), "tls-platform-agent")}
	return nil
}

// checkout is the root of the module that the working folder is in.
func checkout(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("finding the checkout: %w", err)
	}
	file := strings.TrimSpace(string(out))
	if filepath.Base(file) != "go.mod" {
		return "", errors.New("finding the checkout: run this inside of it")
	}
	return filepath.Dir(file), nil
}

// Stop ends everything and removes the run's folder.
func (w *World) Stop() error {
	var errs []error
	if w.Registry != nil {
		errs = append(errs, w.Registry.Stop())
	}
	return errors.Join(append(errs, w.Env.Stop())...)
}

// Kubectl runs kubectl as an administrator.
func (w *World) Kubectl(ctx context.Context, args ...string) (string, error) {
	return w.Cluster.Kubectl(ctx, "", args...)
}

// Apply applies YAML as an administrator.
func (w *World) Apply(ctx context.Context, yaml string) error {
	if _, err := w.Cluster.Kubectl(ctx, yaml, "apply", "-f", "-"); err != nil {
		return fmt.Errorf("applying: %w", err)
	}
	return nil
}

// InstallOperator does what make deploy does.
func (w *World) InstallOperator(ctx context.Context) error {
	manifests, err := w.Kubectl(ctx, "kustomize", filepath.Join(w.Root, "config", "default"))
	if err != nil {
		return fmt.Errorf("building config/default: %w", err)
	}
	if _, err := w.Cluster.Kubectl(ctx, manifests, "apply", "--server-side", "-f", "-"); err != nil {
		return fmt.Errorf("installing the operator: %w", err)
	}
	if err := w.WaitAvailable(ctx, SystemNamespace, "tls-platform"); err != nil {
		return err
	}
	// It leads and has looked around once it reports on its own cluster.
	return w.Wait(ctx, Members, "", v1alpha1.LocalClusterName, harness.ConditionIs(v1alpha1.ConditionConnected, "True"))
}

// SamplePlatform is config/samples/platform.yaml with one change: charts are
// pulled from the registry of this run. change may alter it further.
func (w *World) SamplePlatform(change func(*v1alpha1.TLSPlatform)) (*v1alpha1.TLSPlatform, error) {
	platform, err := readPlatform(filepath.Join(w.Root, "config", "samples", "platform.yaml"))
	if err != nil {
		return nil, err
	}
	platform.Spec.Components.Registry = w.Mirror()
	if change != nil {
		change(platform)
	}
	return platform, nil
}

// Mirror sends pulls from quay.io to the registry of this run.
func (w *World) Mirror() *v1alpha1.Registry {
	return &v1alpha1.Registry{Mirrors: []v1alpha1.RegistryMirror{{Source: "quay.io/jetstack", Mirror: w.Registry.Host()}}}
}
