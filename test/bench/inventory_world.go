package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
	"github.com/tlsplatform/tls-platform-operator/test/scenarios"
)

// agentAccount is the ServiceAccount of what is measured, by which the audit log
// knows its requests.
const agentAccount = "bench-agent"

// inventoryWorld is a cluster for the inventory's figures.
type inventoryWorld struct {
	*scenarios.World
	watcher    client.WithWatch
	loader     *loader
	kubeconfig string // of agentAccount
	shipped    string // program
	paused     []int  // processes
	say        func(string)
}

func newInventoryWorld(ctx context.Context, say func(string)) (*inventoryWorld, error) {
	ctrl.SetLogger(klog.Background()) // controller-runtime's client complains without one
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	env, err := harness.Start(ctx, harness.Options{})
	if err != nil {
		return nil, fmt.Errorf("preparing the run: %w", err)
	}
	w := &inventoryWorld{World: &scenarios.World{Env: env, Root: root}, say: say}
	err = w.buildShipped(ctx)
	if err == nil {
		err = w.start(ctx)
	}
	if err != nil {
		env.MarkFailed()
		return nil, errors.Join(err, w.stop())
	}
	return w, nil
}

// start starts the cluster and prepares everything but the load.
func (w *inventoryWorld) start(ctx context.Context) error {
	w.say("starting a cluster")
	var err error
	if w.Cluster, err = w.Env.StartCluster(ctx, harness.ClusterOptions{Name: "inventory"}); err != nil {
		return fmt.Errorf("starting a cluster: %w", err)
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return fmt.Errorf("building a scheme: %w", err)
	}
	if w.watcher, err = client.NewWithWatch(w.Cluster.Config, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("building a client: %w", err)
	}
	w.Client = w.watcher
	if err := w.install(ctx); err != nil {
		return err
	}
	if w.loader, err = newLoader(w.Cluster.Config, time.Now().Truncate(time.Second)); err != nil {
		return err
	}
	if err := w.loader.prepare(ctx); err != nil {
		return fmt.Errorf("creating namespaces: %w", err)
	}
	if err := w.waitForRootCAs(ctx); err != nil {
		return err
	}
	return w.pauseControllers()
}

// install applies the CRDs, and makes what the hub makes in a member cluster.
// The account may do everything: rights are not what is measured.
func (w *inventoryWorld) install(ctx context.Context) error {
	if _, err := w.Cluster.Kubectl(ctx, "", "apply", "--server-side", "-k", filepath.Join(w.Root, "config", "crd")); err != nil {
		return fmt.Errorf("applying the CRDs: %w", err)
	}
	if _, err := w.Cluster.Kubectl(ctx, "", "wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"); err != nil {
		return fmt.Errorf("waiting for the CRDs: %w", err)
	}
	for _, o := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: scenarios.SystemNamespace}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: scenarios.SystemNamespace, Name: agentAccount}},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: agentAccount},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: scenarios.SystemNamespace, Name: agentAccount}},
		},
		&v1alpha1.TLSAgent{
			ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.AgentName},
			Spec:       v1alpha1.TLSAgentSpec{Hub: v1alpha1.HubReference{UID: "bench"}, Cluster: "bench"},
		},
	} {
		if err := w.Client.Create(ctx, o); err != nil {
			return fmt.Errorf("creating %T %s: %w", o, o.GetName(), err)
		}
	}
	var err error
	w.kubeconfig, err = w.Cluster.KubeconfigForServiceAccount(ctx, scenarios.SystemNamespace, agentAccount)
	return err
}

// waitForRootCAs waits for the ConfigMap that the control plane puts into every
// namespace: it is part of the inventory, and shall be the same at every run.
func (w *inventoryWorld) waitForRootCAs(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		var list metav1.PartialObjectMetadataList
		list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMapList"))
		if err := w.Client.List(ctx, &list, client.MatchingFields{"metadata.name": "kube-root-ca.crt"}); err != nil {
			return fmt.Errorf("listing ConfigMaps: %w", err)
		}
		if len(list.Items) >= loadNamespaces {
			return nil
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("waiting for the ConfigMaps of %d namespaces: %w", loadNamespaces, err)
		}
	}
}

// pauseControllers stops what is not measured and would take part of the
// machine: the garbage collector of the cluster looks at every object.
func (w *inventoryWorld) pauseControllers() error {
	for _, name := range []string{"kube-controller-manager", "kube-scheduler", "kwok"} {
		p, ok := w.Cluster.Process(name)
		if !ok {
			return fmt.Errorf("pausing %s: it does not run", name)
		}
		if err := syscall.Kill(p.Pid(), syscall.SIGSTOP); err != nil {
			return fmt.Errorf("pausing %s: %w", name, err)
		}
		w.paused = append(w.paused, p.Pid())
	}
	return nil
}

// stop ends everything. What was paused goes on first, to end in good order.
func (w *inventoryWorld) stop() error {
	for _, pid := range w.paused {
		_ = syscall.Kill(pid, syscall.SIGCONT) // else it is killed
	}
	return w.Stop()
}

// forget removes what an agent left behind, so that the next one starts as the
// first in its cluster.
func (w *inventoryWorld) forget(ctx context.Context) error {
	system := client.InNamespace(scenarios.SystemNamespace)
	if err := w.Client.DeleteAllOf(ctx, &v1alpha1.CertificateSlice{}, system); err != nil {
		return fmt.Errorf("deleting the CertificateSlices: %w", err)
	}
	if _, err := w.Cluster.Kubectl(ctx, "", "-n", scenarios.SystemNamespace, "delete", "leases", "--all"); err != nil {
		return fmt.Errorf("deleting the Leases: %w", err)
	}
	return nil
}

// file is one in the folder of the run.
func (w *inventoryWorld) file(name string) string { return filepath.Join(w.Env.Dir(), name) }

func (w *inventoryWorld) childLog(kind string) string {
	return filepath.Join(w.Env.LogsDir(), kind+".log")
}

// moduleRoot is the folder of go.mod, at or above the working folder.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the checkout: %w", err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("finding the checkout: run this inside of it")
		}
	}
}

// freeAddress is one on loopback that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}
