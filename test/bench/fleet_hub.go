package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
	"github.com/tlsplatform/tls-platform-operator/test/harness/charts"
	"github.com/tlsplatform/tls-platform-operator/test/harness/process"
	"github.com/tlsplatform/tls-platform-operator/test/scenarios"
)

// fleetHub is a hub that runs as a process, at home in a real cluster that has
// an API server alone.
type fleetHub struct {
	*scenarios.World
	watcher    client.WithWatch
	hub, agent string // programs
	kubeconfig string // of the hub's ServiceAccount
	process    *process.Process
	starts     int
	say        func(string)
}

func newFleetHub(ctx context.Context, name string, say func(string)) (*fleetHub, error) {
	ctrl.SetLogger(klog.Background()) // controller-runtime's client complains without one
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	env, err := harness.Start(ctx, harness.Options{})
	if err != nil {
		return nil, fmt.Errorf("preparing the run: %w", err)
	}
	h := &fleetHub{World: &scenarios.World{Env: env, Root: root}, say: say}
	if err := h.prepare(ctx, name); err != nil {
		env.MarkFailed()
		return nil, errors.Join(err, h.stop())
	}
	return h, nil
}

func (h *fleetHub) prepare(ctx context.Context, name string) error {
	h.say("building the hub and the agent")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", h.Env.Dir()+string(filepath.Separator), "./cmd/tls-platform", "./cmd/tls-platform-agent")
	cmd.Dir = h.Root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the operator: %w\n%s", err, out)
	}
	h.hub, h.agent = filepath.Join(h.Env.Dir(), "tls-platform"), filepath.Join(h.Env.Dir(), "tls-platform-agent")
	var err error
	if h.Registry, err = charts.Serve(); err != nil {
		return fmt.Errorf("serving charts: %w", err)
	}
	if h.Digests, err = h.Registry.PushStandard(ctx); err != nil {
		return fmt.Errorf("pushing charts: %w", err)
	}
	h.say("starting the hub's own cluster")
	if h.Cluster, err = h.Env.StartCluster(ctx, harness.ClusterOptions{Name: name, Lean: true}); err != nil {
		return fmt.Errorf("starting cluster %s: %w", name, err)
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return fmt.Errorf("building a scheme: %w", err)
	}
	if h.watcher, err = client.NewWithWatch(h.Cluster.Config, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("building a client for cluster %s: %w", name, err)
	}
	h.Client = h.watcher
	return h.install(ctx)
}

// install applies everything of config/default but the Deployment: the hub runs
// as a process of this program, under the identity that it has there.
func (h *fleetHub) install(ctx context.Context) error {
	manifests, err := h.Kubectl(ctx, "kustomize", filepath.Join(h.Root, "config", "default"))
	if err != nil {
		return fmt.Errorf("building config/default: %w", err)
	}
	documents := slices.DeleteFunc(strings.Split(manifests, "\n---\n"), func(d string) bool {
		return strings.Contains(d, "\nkind: Deployment\n")
	})
	if _, err := h.Cluster.Kubectl(ctx, strings.Join(documents, "\n---\n"), "apply", "--server-side", "-f", "-"); err != nil {
		return fmt.Errorf("installing the operator: %w", err)
	}
	if _, err := h.Kubectl(ctx, "wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"); err != nil {
		return fmt.Errorf("waiting for the CRDs: %w", err)
	}
	h.kubeconfig, err = h.Cluster.KubeconfigForServiceAccount(ctx, scenarios.SystemNamespace, names.ServiceAccountHub)
	return err
}

// start starts the hub.
func (h *fleetHub) start(ctx context.Context) error {
	h.starts++
	p, err := process.Start(ctx, process.Spec{
		Name: "hub", Path: h.hub, Dir: h.Env.Dir(), LogFile: filepath.Join(h.Env.LogsDir(), "hub.log"),
		Env: []string{"KUBECONFIG=" + h.kubeconfig, "HOME=" + h.Env.Dir()},
		Args: []string{
			"hub", "--leader-elect=false", "--metrics-bind-address=0", "--health-probe-bind-address=0",
			"--namespace=" + scenarios.SystemNamespace, "--agent-image=" + scenarios.OperatorImage,
		},
	})
	if err != nil {
		return fmt.Errorf("starting the hub: %w", err)
	}
	h.process = p
	return nil
}

// kill ends the hub at once, and returns when it is gone.
func (h *fleetHub) kill() error {
	if h.process == nil {
		return nil
	}
	err := h.process.Kill()
	h.process = nil
	if err != nil {
		return fmt.Errorf("killing the hub: %w", err)
	}
	return nil
}

// alive is an error when the hub ended by itself.
func (h *fleetHub) alive() error {
	select {
	case <-h.process.Done():
		return fmt.Errorf("the hub ended by itself; its log ends:\n%s", h.process.Tail(logTail))
	default:
		return nil
	}
}

// hubGrace is how long the hub gets to end.
const hubGrace = 20 * time.Second

func (h *fleetHub) stop() error {
	var errs []error
	if h.process != nil {
		errs = append(errs, h.process.Stop(hubGrace))
	}
	return errors.Join(append(errs, h.Stop())...)
}
