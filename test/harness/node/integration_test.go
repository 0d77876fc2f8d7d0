package node_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/test/harness"
	"github.com/tlsplatform/tls-platform-operator/test/harness/node"
)

// patience bounds each wait; on an idle machine they take a second or two.
const patience = 3 * time.Minute

var (
	pods            = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	serviceAccounts = schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}
	jobs            = schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"}
)

// run is the one run of all tests here: a control plane takes seconds to start.
var run struct {
	once    sync.Once
	env     *harness.Environment
	cluster *harness.Cluster
	err     error
}

// cluster returns a cluster on which the images of this test binary, and those
// of the standard charts, are real.
func cluster(t *testing.T) *harness.Cluster {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a control plane")
	}
	run.once.Do(func() {
		ctx := context.WithoutCancel(t.Context()) // it outlives the first test
		if run.env, run.err = harness.Start(ctx, harness.Options{}); run.err != nil {
			return
		}
		images := append(testImages(), node.CertManagerImages("v1.21.2")...)
		run.cluster, run.err = run.env.StartCluster(ctx, harness.ClusterOptions{
			Name: "node", Images: append(images, node.TrustManagerImages("v0.25.0")...),
		})
	})
	if run.err != nil {
		t.Fatal(run.err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			run.env.MarkFailed()
		}
	})
	return run.cluster
}

// testImages are programs that are this test binary in another role.
func testImages() []node.Image {
	var images []node.Image
	for _, role := range []string{roleServer, roleTask} {
		images = append(images, node.Image{
			Name: "example.com/" + role + ":v1", Binary: os.Args[0], Env: []string{roleVariable + "=" + role},
			Ports: []node.Port{{Container: 8080, Flag: "--listen", Form: node.HostPort}},
		})
	}
	return images
}

// namespace makes a namespace for the test, in which pods can be created.
func namespace(t *testing.T, c *harness.Cluster) string {
	t.Helper()
	name := strings.ToLower(t.Name())
	name = name[:min(len(name), 60)]
	kubectl(t, c, "", "create", "namespace", name)
	waitFor(t, c, serviceAccounts, name, "default", harness.Exists)
	return name
}

const serverPod = `
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 2
  initContainers:
  - name: prepare
    image: example.com/task:v1
    args: ["--write=/shared/greeting", "--text=from $(POD_NAME)"]
    env: [{name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
    volumeMounts: [{name: shared, mountPath: /shared}]
  containers:
  - name: web
    image: example.com/server:v1
    args: ["--listen=:9090", "--files=/secret,/shared", "--password=$(PASSWORD)"]
    env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: late, key: password}}}]
    ports: [{name: http, containerPort: 9090}]
    readinessProbe: {httpGet: {path: /ready, port: http}}
    volumeMounts: [{name: secret, mountPath: /secret}, {name: shared, mountPath: /shared}]
  volumes:
  - {name: secret, secret: {secretName: late}}
  - {name: shared, emptyDir: {}}
`

const lateSecret = `{apiVersion: v1, kind: Secret, metadata: {name: late}, stringData: {password: %s}}`

func TestAServerIsRunAsItsPodSays(t *testing.T) {
	c := cluster(t)
	ns := namespace(t, c)
	kubectl(t, c, serverPod, "-n", ns, "apply", "-f", "-")

	waitFor(t, c, pods, ns, "web", waiting("initContainerStatuses", "CreateContainerConfigError", `secret "late" not found`))
	kubectl(t, c, fmt.Sprintf(lateSecret, "first"), "-n", ns, "apply", "-f", "-")
	waitFor(t, c, pods, ns, "web", harness.ConditionIs("Ready", "True"))
	url := address(t, c, ns, "web", 9090)

	if got, want := get(t, url+"/whoami"), "system:serviceaccount:"+ns+":default"; got != want {
		t.Errorf("the process is %q to the API server, want %q", got, want)
	}
	if got := get(t, url+"/forbidden"); !strings.Contains(got, "cannot list resource") || !strings.Contains(got, ns+":default") {
		t.Errorf("the process may do what its account may not: %q", got)
	}
	if got := get(t, url+"/file?path=greeting"); got != "from web" {
		t.Errorf("the init container left %q", got)
	}
	if got := get(t, url+"/flag?name=password"); got != "first" {
		t.Errorf("the argument that refers to a variable is %q", got)
	}

	kubectl(t, c, fmt.Sprintf(lateSecret, "second"), "-n", ns, "apply", "-f", "-")
	eventually(t, "the changed secret is in its file", func() bool { return get(t, url+"/file?path=password") == "second" })

	get(t, url+"/set?ready=no")
	waitFor(t, c, pods, ns, "web", harness.ConditionIs("Ready", "False"))
	get(t, url+"/set?ready=yes")
	waitFor(t, c, pods, ns, "web", harness.ConditionIs("Ready", "True"))

	staysUnwritten(t, c, ns, "web", 3*time.Second)

	process, ok := c.Node().Process(ns, "web", "")
	if !ok {
		t.Fatal("the pod has no process")
	}
	kubectl(t, c, "", "-n", ns, "delete", "pod", "web", "--wait=false")
	waitFor(t, c, pods, ns, "web", harness.Absent)
	select {
	case <-process.Done():
	default:
		t.Error("the pod is gone, and its process is not")
	}
	if log := readLog(t, c, ns+"/web/web"); !strings.Contains(log, "ended by terminated") {
		t.Errorf("the process was not asked to end; its log is:\n%s", log)
	}
	if _, ok := c.Node().Route(strings.Split(strings.TrimPrefix(url, "http://"), ":")[0], 9090); ok {
		t.Error("the address of a pod that is gone leads somewhere")
	}
}

func TestACrashIsToldAtOnceAndRepaired(t *testing.T) {
	c := cluster(t)
	ns := namespace(t, c)
	kubectl(t, c, fmt.Sprintf(lateSecret, "x"), "-n", ns, "apply", "-f", "-")
	kubectl(t, c, serverPod, "-n", ns, "apply", "-f", "-")
	waitFor(t, c, pods, ns, "web", harness.ConditionIs("Ready", "True"))

	get(t, address(t, c, ns, "web", 9090)+"/exit")
	waitFor(t, c, pods, ns, "web", waiting("containerStatuses", "CrashLoopBackOff", "exit code 7: going down on purpose"))
	waitFor(t, c, pods, ns, "web", func(pod *unstructured.Unstructured) (bool, error) {
		ready, err := harness.ConditionIs("Ready", "True")(pod)
		if !ready || err != nil {
			return false, err
		}
		s := statuses(pod, "containerStatuses")[0]
		code, _, err := unstructured.NestedInt64(s, "lastState", "terminated", "exitCode")
		return s["restartCount"] == int64(1) && code == 7, err
	})
	if got := get(t, address(t, c, ns, "web", 9090)+"/file?path=greeting"); got != "from web" {
		t.Errorf("after the restart the pod's own folder holds %q", got)
	}
}

const taskJob = `
apiVersion: batch/v1
kind: Job
metadata: {name: %[1]s}
spec:
  backoffLimit: %[3]d
  template:
    spec:
      restartPolicy: %[2]s
      containers:
      - name: task
        image: example.com/task:v1
        args: ["--fail-unless=/state/marker"]
        volumeMounts: [{name: state, mountPath: /state}]
      volumes: [{name: state, emptyDir: {}}]
`

func TestJobsEnd(t *testing.T) {
	c := cluster(t)
	ns := namespace(t, c)
	kubectl(t, c, fmt.Sprintf(taskJob, "again", "OnFailure", 6), "-n", ns, "apply", "-f", "-")
	kubectl(t, c, fmt.Sprintf(taskJob, "never", "Never", 0), "-n", ns, "apply", "-f", "-")
	t.Run("one that is tried again completes", func(t *testing.T) {
		waitFor(t, c, jobs, ns, "again", harness.ConditionIs("Complete", "True"))
	})
	t.Run("one that is not fails", func(t *testing.T) {
		waitFor(t, c, jobs, ns, "never", harness.ConditionIs("Failed", "True"))
	})
}

func TestWhatIsNotSupportedIsSaid(t *testing.T) {
	c := cluster(t)
	ns := namespace(t, c)
	for name, tc := range map[string]struct{ spec, reason, want string }{
		"host": {
			`{containers: [{name: a, image: "example.com/server:v1"}], volumes: [{name: h, hostPath: {path: /etc}}]}`,
			"CreateContainerConfigError", `not supported by this node: the type of volume "h"`,
		},
		"shell": {
			`{containers: [{name: a, image: "example.com/server:v1", command: [sh, -c, "true"]}]}`,
			"CreateContainerConfigError", `doesn't know the command "sh"`,
		},
		"sidecar": {
			`{containers: [{name: a, image: "example.com/server:v1"}, {name: b, image: "example.com/unknown:v1"}]}`,
			"ErrImagePull", `no program for image "example.com/unknown:v1"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			kubectl(t, c, `{apiVersion: v1, kind: Pod, metadata: {name: `+name+`}, spec: `+tc.spec+`}`, "-n", ns, "apply", "-f", "-")
			waitFor(t, c, pods, ns, name, waiting("containerStatuses", tc.reason, tc.want))
		})
	}
}

// waiting is the condition that a container waits for this reason, with a
// message that has this text.
func waiting(field, reason, text string) harness.Condition {
	return func(pod *unstructured.Unstructured) (bool, error) {
		for _, s := range statuses(pod, field) {
			gotReason, _, _ := unstructured.NestedString(s, "state", "waiting", "reason")
			message, _, _ := unstructured.NestedString(s, "state", "waiting", "message")
			if gotReason == reason && strings.Contains(message, text) {
				return true, nil
			}
		}
		return false, nil
	}
}

func statuses(pod *unstructured.Unstructured, field string) []map[string]any {
	if pod == nil {
		return nil
	}
	list, _, _ := unstructured.NestedSlice(pod.Object, "status", field)
	var out []map[string]any
	for _, s := range list {
		out = append(out, s.(map[string]any))
	}
	return out
}

func address(t *testing.T, c *harness.Cluster, ns, pod string, port int) string {
	t.Helper()
	ip := kubectl(t, c, "", "-n", ns, "get", "pod", pod, "-o", "jsonpath={.status.podIP}")
	to, ok := c.Node().Route(ip, port)
	if !ok {
		t.Fatalf("no way to port %d of pod %s (%s)", port, pod, ip)
	}
	return "http://" + to
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// eventually is for what no API object tells of.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

func waitFor(t *testing.T, c *harness.Cluster, gvr schema.GroupVersionResource, ns, name string, cond harness.Condition) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := harness.WaitFor(ctx, c.Config, gvr, ns, name, cond); err != nil {
		t.Fatal(err)
	}
}

// staysUnwritten watches the pod for a while, in which nothing happens to it.
func staysUnwritten(t *testing.T, c *harness.Cluster, ns, name string, d time.Duration) {
	t.Helper()
	version := kubectl(t, c, "", "-n", ns, "get", "pod", name, "-o", "jsonpath={.metadata.resourceVersion}")
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	err := harness.WaitFor(ctx, c.Config, pods, ns, name, func(pod *unstructured.Unstructured) (bool, error) {
		return pod == nil || pod.GetResourceVersion() != version, nil
	})
	if err == nil {
		t.Error("the pod was written although nothing happened to it")
	} else if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func kubectl(t *testing.T, c *harness.Cluster, stdin string, args ...string) string {
	t.Helper()
	out, err := c.Kubectl(t.Context(), stdin, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func readLog(t *testing.T, c *harness.Cluster, container string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Clean(c.Node().Logs()[container]))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
