package fleet

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// serveVariable makes the test binary serve a cluster, so that the memory of the
// server is that of another process.
const serveVariable = "FLEET_TEST_SERVE"

func TestServeACluster(t *testing.T) {
	if os.Getenv(serveVariable) == "" {
		t.Skip("serves a cluster for BenchmarkConnectionMemory")
	}
	c := newCluster(t, func(w http.ResponseWriter, r *http.Request) bool {
		return lease(w, r) || namespaces(w, r) || agents(w, r)
	})
	fmt.Printf("%s %s\n", c.URL, base64.StdEncoding.EncodeToString(c.ca()))
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // until the benchmark ends
}

// namespaces serves kind Namespace, as a handler.
func namespaces(w http.ResponseWriter, r *http.Request) bool {
	switch r.URL.Path {
	case "/api/v1":
		reply(w, http.StatusOK, metav1.APIResourceList{GroupVersion: "v1", APIResources: []metav1.APIResource{
			{Name: "namespaces", SingularName: "namespace", Kind: "Namespace"}, {Name: "namespaces/status", Kind: "Namespace"},
			{Name: "serviceaccounts", SingularName: "serviceaccount", Kind: "ServiceAccount", Namespaced: true},
			{Name: "serviceaccounts/token", Kind: "TokenRequest", Group: "authentication.k8s.io", Version: "v1", Namespaced: true},
		}})
	case "/api/v1/namespaces/kube-system":
		reply(w, http.StatusOK, map[string]any{
			"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "kube-system", "uid": "uid-1"},
		})
	default:
		return false
	}
	return true
}

// agents serves kind TLSAgent and a watch without events, as a handler.
func agents(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case r.URL.Path == "/apis/tlsplatform.io/v1alpha1":
		reply(w, http.StatusOK, metav1.APIResourceList{GroupVersion: v1alpha1.GroupVersion.String(), APIResources: []metav1.APIResource{
			{Name: "tlsagents", SingularName: "tlsagent", Kind: "TLSAgent"},
		}})
	case r.URL.Path != "/apis/tlsplatform.io/v1alpha1/tlsagents":
		return false
	case r.URL.Query().Get("sendInitialEvents") == "true":
		reply(w, http.StatusUnprocessableEntity, failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, "sendInitialEvents is forbidden"))
	case r.URL.Query().Get("watch") == "true":
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	default:
		reply(w, http.StatusOK, v1alpha1.TLSAgentList{
			TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "TLSAgentList"},
			ListMeta: metav1.ListMeta{ResourceVersion: "7"},
			Items:    []v1alpha1.TLSAgent{*report("7", 40)},
		})
	}
	return true
}

// BenchmarkConnectionMemory reports what one connection costs the hub after a
// few requests, with its network connection open: heap and stacks, in KiB. One
// case is a member at rest, with the watch on its TLSAgent; one is a member that
// the installer just worked in.
func BenchmarkConnectionMemory(b *testing.B) {
	requests := func(c *Connection) error {
		_, _, err := c.Heartbeat(b.Context())
		return errors.Join(err, c.Probe(b.Context()), readNamespace(b.Context(), c))
	}
	watch := func(c *Connection) error {
		_, err := c.WatchAgent(b.Context(), func() {})
		return err
	}
	install := func(c *Connection) error {
		installer, err := c.clientAs(secretText, "installer")
		if err != nil {
			return err
		}
		c.installer = installerOf(installer)
		return installer.Get(b.Context(), types.NamespacedName{Name: "kube-system"}, &corev1.Namespace{})
	}
	cases := map[string][]func(*Connection) error{
		"requests": {requests}, "at-rest": {requests, watch}, "installing": {requests, watch, install},
	}
	address, ca := serveElsewhere(b)
	for name, steps := range cases {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				measure(b, address, ca, steps)
			}
		})
	}
}

func installerOf(c client.Client) installer {
	return installer{client: c, expires: testNow.Add(time.Hour)}
}

func measure(b *testing.B, address string, ca []byte, steps []func(*Connection) error) {
	b.Helper()
	const connections = 200
	conns := make([]*Connection, connections)
	before := memory()
	for i := range conns {
		config, err := ParseKubeconfig(kubeconfig(b, func(_ *api.Config, cl *api.Cluster, u *api.AuthInfo) {
			cl.Server, cl.CertificateAuthorityData, u.Token = address, ca, secretText
		}))
		if err != nil {
			b.Fatal(err)
		}
		conns[i] = connectWith(b, config)
		for _, step := range steps {
			if err := step(conns[i]); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(memory()-before)/connections/1024, "KiB/conn")
	for _, c := range conns {
		c.Close()
	}
}

// serveElsewhere runs TestServeACluster in another process and returns its
// address and CA.
func serveElsewhere(b *testing.B) (address string, ca []byte) {
	b.Helper()
	command := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestServeACluster$", "-test.v")
	command.Env = append(os.Environ(), serveVariable+"=1")
	stop, err := command.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = stop.Close(); _ = command.Wait() })
	text := ""
	for lines := bufio.NewScanner(out); address == "" && lines.Scan(); {
		if at := strings.Index(lines.Text(), "https://"); at >= 0 {
			address, text, _ = strings.Cut(lines.Text()[at:], " ")
		}
	}
	if ca, err = base64.StdEncoding.DecodeString(text); err != nil {
		b.Fatal(err)
	}
	return address, ca
}

// memory in use, without what only waits for collection.
func memory() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) + int64(m.StackInuse)
}
