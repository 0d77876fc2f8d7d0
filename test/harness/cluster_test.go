package harness

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// patience bounds each wait; on an idle machine they take a second or two.
const patience = 2 * time.Minute

var (
	pods            = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	serviceAccounts = schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}
	endpointSlices  = schema.GroupVersionResource{Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"}
	deployments     = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	jobs            = schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"}
)

// start returns a run that is stopped with the test, whose artifacts go to a
// folder of the test.
func start(t *testing.T) *Environment {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a control plane")
	}
	env, err := Start(t.Context(), Options{ArtifactsDir: filepath.Join(t.TempDir(), "artifacts")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = env.Stop() }) // what Stop says is a test's own matter
	return env
}

func startCluster(t *testing.T, env *Environment, o ClusterOptions) *Cluster {
	t.Helper()
	begin := time.Now()
	c, err := env.StartCluster(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("cluster %s was usable after %s", o.Name, time.Since(begin).Round(time.Millisecond))
	return c
}

func waitFor(t *testing.T, c *Cluster, gvr schema.GroupVersionResource, namespace, name string, cond Condition) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := WaitFor(ctx, c.Config, gvr, namespace, name, cond); err != nil {
		t.Fatal(err)
	}
}

func kubectl(t *testing.T, c *Cluster, stdin string, args ...string) string {
	t.Helper()
	out, err := c.Kubectl(t.Context(), stdin, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// alive tells whether pid runs; a zombie does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

func pidsOf(c *Cluster) []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	var pids []int
	for _, p := range c.processes {
		pids = append(pids, p.Pid())
	}
	return pids
}

const workload = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: team}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: example.com/unknown:v1}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once, namespace: team}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: once, image: example.com/unknown:v1}]}
`

func TestTwoClustersSideBySide(t *testing.T) {
	env := start(t)
	names := []string{"a", "b"}
	clusters := make([]*Cluster, len(names))
	errs := make([]error, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() { clusters[i], errs[i] = env.StartCluster(t.Context(), ClusterOptions{Name: name}) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, c := range clusters {
		pids = append(pids, pidsOf(c)...)
	}
	if want := 2 * 5; len(pids) != want {
		t.Errorf("got %d processes, want %d", len(pids), want)
	}

	for _, c := range clusters {
		t.Run("cluster "+c.Name+" makes workloads available", func(t *testing.T) {
			kubectl(t, c, "", "create", "namespace", "team")
			waitFor(t, c, serviceAccounts, "team", "default", Exists)
			kubectl(t, c, workload, "apply", "-f", "-")
			waitFor(t, c, deployments, "team", "web", ConditionIs("Available", "True"))
			waitFor(t, c, jobs, "team", "once", ConditionIs("Complete", "True"))
		})
	}
	t.Run("they share nothing", func(t *testing.T) {
		kubectl(t, clusters[0], "", "create", "namespace", "only-in-a")
		if out, err := clusters[1].Kubectl(t.Context(), "", "get", "namespace", "only-in-a"); err == nil {
			t.Errorf("cluster b has it as well: %s", out)
		}
	})
	t.Run("a name is taken once", func(t *testing.T) {
		if _, err := env.StartCluster(t.Context(), ClusterOptions{Name: "a"}); err == nil {
			t.Error("a second cluster of that name was started")
		}
	})
	t.Run("stopping leaves nothing", func(t *testing.T) {
		if err := errors.Join(env.Stop(), env.Stop()); err != nil {
			t.Fatal(err)
		}
		for _, pid := range pids {
			if alive(pid) {
				t.Errorf("process %d is left", pid)
			}
		}
		for _, folder := range []string{env.Dir(), env.artifacts} {
			if _, err := os.Stat(folder); !os.IsNotExist(err) {
				t.Errorf("folder %s is left (%v)", folder, err)
			}
		}
		if _, err := env.StartCluster(t.Context(), ClusterOptions{Name: "late"}); err == nil {
			t.Error("a cluster was started in a run that is over")
		}
	})
}

func TestOneCluster(t *testing.T) {
	env := start(t)
	c := startCluster(t, env, ClusterOptions{Name: "one"})
	t.Run("a wait that is in vain says what it saw", func(t *testing.T) { waitInVain(t, c) })
	t.Run("a wait sees the deletion", func(t *testing.T) { waitSeesDeletion(t, c) })
	t.Run("a ServiceAccount has its own permissions", func(t *testing.T) { serviceAccountKubeconfig(t, c) })
	t.Run("a user comes with groups, and into the audit log", func(t *testing.T) { userKubeconfig(t, c) })
	t.Run("the API server comes back at its address", func(t *testing.T) { restartedAPIServer(t, c) })
	if err := env.Stop(); err != nil {
		t.Error(err)
	}
}

func waitInVain(t *testing.T, c *Cluster) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := WaitFor(ctx, c.Config, deployments, "default", "nobody", ConditionIs("Available", "True"))
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "deployments.apps default/nobody") ||
		!strings.Contains(err.Error(), "no such object") {
		t.Errorf("got error %v, want the deadline, the object, and that there is none", err)
	}
}

func waitSeesDeletion(t *testing.T, c *Cluster) {
	kubectl(t, c, "", "create", "configmap", "brief")
	gvr := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	seen := false
	waitFor(t, c, gvr, "default", "brief", func(object *unstructured.Unstructured) (bool, error) {
		if object != nil && !seen {
			seen = true
			_, err := c.Kubectl(t.Context(), "", "delete", "configmap", "brief", "--wait=false")
			return false, err
		}
		return object == nil, nil
	})
	if !seen {
		t.Error("the object was never seen")
	}
}

func serviceAccountKubeconfig(t *testing.T, c *Cluster) {
	kubeconfig, err := c.KubeconfigForServiceAccount(t.Context(), "default", "default")
	if err != nil {
		t.Fatal(err)
	}
	who := kubectl(t, c, "", "--kubeconfig", kubeconfig, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
	if want := "system:serviceaccount:default:default"; who != want {
		t.Errorf("it is %q, want %q", who, want)
	}
	if _, err := c.Kubectl(t.Context(), "", "--kubeconfig", kubeconfig, "get", "secrets"); err == nil || !strings.Contains(err.Error(), "Forbidden") {
		t.Errorf("reading Secrets: got error %v, want Forbidden", err)
	}
}

func userKubeconfig(t *testing.T, c *Cluster) {
	kubeconfig, err := c.KubeconfigForUser("team:jane", "system:masters")
	if err != nil {
		t.Fatal(err)
	}
	kubectl(t, c, "", "--kubeconfig", kubeconfig, "create", "configmap", "by-jane")
	log, err := os.ReadFile(c.AuditLog())
	if err != nil {
		t.Fatal(err)
	}
	created, noise := false, ""
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, `"verb":"create"`) && strings.Contains(line, `"username":"team:jane"`) && strings.Contains(line, `"name":"by-jane"`) {
			created = true
		}
		if strings.Contains(line, `"username":"system:kube-scheduler"`) {
			noise = line
		}
	}
	if !created {
		t.Error("the audit log does not tell of the creation")
	}
	if noise != "" {
		t.Errorf("the audit log tells of the control plane itself: %s", noise)
	}
}

func restartedAPIServer(t *testing.T, c *Cluster) {
	before, _ := c.Process(apiServer)
	begin := time.Now()
	if err := c.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	stopped := time.Now()
	if _, err := c.Kubectl(t.Context(), "", "get", "namespaces"); err == nil {
		t.Error("the API answers without its server")
	}
	if err := c.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("it stopped in %s and was back after %s", stopped.Sub(begin).Round(time.Millisecond), time.Since(stopped).Round(time.Millisecond))
	if err := c.StartAPIServer(t.Context()); err == nil {
		t.Error("a second API server was started")
	}
	after, ok := c.Process(apiServer)
	if !ok || before == after {
		t.Error("it is the same process")
	}
	kubectl(t, c, "", "get", "configmap", "by-jane")
	kubectl(t, c, "", "create", "namespace", "after")
	waitFor(t, c, serviceAccounts, "after", "default", Exists)
}
