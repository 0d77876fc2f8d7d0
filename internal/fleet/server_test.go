package fleet

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

var testScheme = func() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(s))
	utilruntime.Must(apiextensionsv1.AddToScheme(s))
	utilruntime.Must(v1alpha1.AddToScheme(s))
	return s
}()

var testNow = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func testClock() time.Time { return testNow }

// cluster is a server that answers as far as a test needs it.
type cluster struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string
	tokens   map[string]bool // that are accepted; nil for all
	handle   func(w http.ResponseWriter, r *http.Request) bool
}

func newCluster(t testing.TB, handle func(w http.ResponseWriter, r *http.Request) bool) *cluster {
	t.Helper()
	c := &cluster{handle: handle}
	c.Server = httptest.NewUnstartedServer(c)
	c.EnableHTTP2 = true
	c.Config.ErrorLog = log.New(io.Discard, "", 0)
	c.StartTLS()
	t.Cleanup(c.Close)
	return c
}

// ServeHTTP implements [http.Handler].
func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.requests = append(c.requests, r.Method+" "+r.URL.Path)
	tokens, handle := c.tokens, c.handle
	c.mu.Unlock()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case tokens != nil && !tokens[token]:
		reply(w, http.StatusUnauthorized, failure(http.StatusUnauthorized, metav1.StatusReasonUnauthorized, "Unauthorized"))
	case handle != nil && handle(w, r):
	case r.URL.Path == "/version":
		reply(w, http.StatusOK, map[string]string{"major": "1", "minor": "37", "gitVersion": "v1.37.2"})
	default:
		reply(w, http.StatusNotFound, failure(http.StatusNotFound, metav1.StatusReasonNotFound, r.URL.Path))
	}
}

func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	response := answer(code, v)
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(w, response.Body)
}

func (c *cluster) ca() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate().Raw})
}

func (c *cluster) accept(tokens ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokens = map[string]bool{}
	for _, token := range tokens {
		c.tokens[token] = true
	}
}

// count of requests so far that start with prefix.
func (c *cluster) count(prefix string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, r := range c.requests {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

func (c *cluster) kubeconfig(t testing.TB, token string) []byte {
	t.Helper()
	return kubeconfig(t, func(_ *api.Config, cl *api.Cluster, u *api.AuthInfo) {
		cl.Server, cl.CertificateAuthorityData, u.Token = c.URL, c.ca(), token
	})
}

func (c *cluster) connect(t testing.TB) *Connection {
	t.Helper()
	config, err := ParseKubeconfig(c.kubeconfig(t, secretText))
	if err != nil {
		t.Fatalf("reading the kubeconfig: %v", err)
	}
	return connectWith(t, config)
}

func connectWith(t testing.TB, config *rest.Config) *Connection {
	t.Helper()
	conn, err := NewConnection(Options{Name: "prod", Namespace: "ns", Config: config, Scheme: testScheme, Now: testClock})
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// lease of the agent, as a handler.
func lease(w http.ResponseWriter, r *http.Request) bool {
	if !strings.HasSuffix(r.URL.Path, "/leases/tls-platform-agent") {
		return false
	}
	reply(w, http.StatusOK, map[string]any{
		"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
		"spec": map[string]any{"holderIdentity": "agent-0", "renewTime": "2026-11-24T11:59:58.000000Z"},
	})
	return true
}

func html(code int) func(w http.ResponseWriter, r *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(code)
		_, _ = fmt.Fprint(w, "<html>Welcome</html>")
		return true
	}
}
