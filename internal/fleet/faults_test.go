package fleet

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// closedPort is an address that nothing listens on.
func closedPort(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func TestProbeNamesTheFault(t *testing.T) {
	t.Parallel()
	forbidden := func(w http.ResponseWriter, _ *http.Request) bool {
		reply(w, http.StatusForbidden, failure(http.StatusForbidden, metav1.StatusReasonForbidden, "cannot get path /version"))
		return true
	}
	status := func(code int) func(w http.ResponseWriter, _ *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(code)
			return true
		}
	}
	tests := map[string]struct {
		handle    func(w http.ResponseWriter, r *http.Request) bool
		change    func(t *testing.T, c *cluster, config *rest.Config)
		reachable bool
		reason    string
		says      string
	}{
		"an API server": {reachable: true, reason: v1alpha1.ReasonAvailable},
		"a CA that is not the server's": {
			change: func(t *testing.T, _ *cluster, config *rest.Config) { config.CAData = otherCA(t) },
			reason: v1alpha1.ReasonUntrusted, says: "certificate-authority-data",
		},
		"a name that is not the server's": {
			change: func(_ *testing.T, _ *cluster, config *rest.Config) { config.ServerName = "prod.example" },
			reason: v1alpha1.ReasonUntrusted, says: "tls-server-name",
		},
		"an expired token": {
			change: func(_ *testing.T, c *cluster, _ *rest.Config) { c.accept("another") },
			reason: v1alpha1.ReasonUnauthorized, says: "refuses the credential",
		},
		"a closed port": {
			change: func(t *testing.T, _ *cluster, config *rest.Config) { config.Host = "https://" + closedPort(t) },
			reason: v1alpha1.ReasonUnreachable, says: "connection refused",
		},
		"a name that does not exist": {
			change: func(_ *testing.T, _ *cluster, config *rest.Config) { config.Host = "https://cluster.invalid:6443" },
			reason: v1alpha1.ReasonUnreachable, says: "cluster.invalid",
		},
		"a port without TLS": {
			change: func(t *testing.T, _ *cluster, config *rest.Config) {
				plain := httptest.NewServer(http.NotFoundHandler())
				t.Cleanup(plain.Close)
				config.Host = "https://" + plain.Listener.Addr().String()
			},
			reason: v1alpha1.ReasonNotKubernetes, says: "does not speak TLS",
		},
		"a web page":                {handle: html(http.StatusOK), reason: v1alpha1.ReasonNotKubernetes, says: "not an API server"},
		"a web page that refuses":   {handle: html(http.StatusForbidden), reason: v1alpha1.ReasonNotKubernetes, says: "403"},
		"a web page of its absence": {handle: html(http.StatusNotFound), reason: v1alpha1.ReasonNotKubernetes, says: "404"},
		"a redirect": {
			handle: func(w http.ResponseWriter, r *http.Request) bool {
				http.Redirect(w, r, "https://login.example/", http.StatusFound)
				return true
			},
			reason: v1alpha1.ReasonNotKubernetes, says: "302",
		},
		"a proxy without its API server": {handle: html(http.StatusBadGateway), reason: v1alpha1.ReasonUnreachable, says: "502"},
		"a version that is not told":     {handle: forbidden, reachable: true, reason: v1alpha1.ReasonForbidden, says: "system:public-info-viewer"},
		"an API server under load":       {handle: status(http.StatusTooManyRequests), reachable: true, reason: v1alpha1.ReasonAvailable},
		"a connection that is cut": {
			handle: func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) },
			reason: v1alpha1.ReasonUnreachable, says: "ended the connection",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, tt.handle)
			config, err := ParseKubeconfig(c.kubeconfig(t, secretText))
			if err != nil {
				t.Fatalf("reading the kubeconfig: %v", err)
			}
			if tt.change != nil {
				tt.change(t, c, config)
			}
			conn := connectWith(t, config)
			err = conn.Probe(t.Context())
			health := conn.Health()
			if (err == nil) != tt.reachable || health.Reachable != tt.reachable || health.Reason != tt.reason {
				t.Fatalf("got %v and %+v, want reachable %v for %s", err, health, tt.reachable, tt.reason)
			}
			if !strings.Contains(health.Message, tt.says) || strings.Contains(health.Message, secretText) {
				t.Errorf("the message is %q, want %q in it", health.Message, tt.says)
			}
			if reason, _, transport := Classify(err); err != nil && (reason != tt.reason || !transport) {
				t.Errorf("classified as %s, transport %v", reason, transport)
			}
		})
	}
}

// otherCA is a certificate of another server than those of the tests.
func otherCA(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/other-ca.pem")
	if err != nil {
		t.Fatalf("reading: %v", err)
	}
	return raw
}

// TestHangingServers runs under a clock of its own, so that the limits take no
// time.
func TestHangingServers(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.EnableHTTP2 = true
	server.StartTLS()
	certificates := server.TLS.Certificates
	server.Close()
	tests := map[string]struct {
		serve  func(net.Conn)
		ask    func(ctx context.Context, c *Connection) error
		reason string
		says   string
		within time.Duration
	}{
		"nobody answers the TLS handshake": {
			serve: func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, ask: probe,
			reason: v1alpha1.ReasonTimeout, within: probeLimit,
		},
		"nobody answers a probe": {serve: deaf(certificates), ask: probe, reason: v1alpha1.ReasonTimeout, says: "does not answer within 5s", within: probeLimit},
		"nobody answers a request": {
			serve: deaf(certificates), ask: readNamespace,
			reason: v1alpha1.ReasonTimeout, says: "does not answer within 15s", within: readLimit,
		},
		"nobody answers the start of a watch": {
			serve: deaf(certificates),
			ask: func(ctx context.Context, c *Connection) error {
				_, err := c.Metadata.Resource(crdResource).Watch(ctx, metav1.ListOptions{})
				return err
			},
			reason: v1alpha1.ReasonTimeout, says: "does not answer", within: readLimit,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				config := &rest.Config{
					Host: "https://127.0.0.1:6443", BearerToken: secretText,
					TLSClientConfig: rest.TLSClientConfig{Insecure: true}, // the test is about time
					Dial: func(context.Context, string, string) (net.Conn, error) {
						ours, theirs := net.Pipe()
						go tt.serve(theirs)
						return ours, nil
					},
				}
				conn, err := NewConnection(Options{Name: "prod", Namespace: "ns", Config: config, Scheme: testScheme, Now: time.Now})
				if err != nil {
					t.Fatalf("connecting: %v", err)
				}
				defer conn.Close()
				start := time.Now()
				err = tt.ask(t.Context(), conn)
				reason, message, transport := Classify(err)
				if reason != tt.reason || !transport || !strings.Contains(message, tt.says) {
					t.Errorf("got %s (transport %v): %s", reason, transport, message)
				}
				if took := time.Since(start); took > tt.within {
					t.Errorf("it took %s, want at most %s", took, tt.within)
				}
				again := time.Now()
				if err := readNamespace(t.Context(), conn); err == nil || time.Since(again) > 0 {
					t.Errorf("a second request took %s and ended with %v", time.Since(again), err)
				}
			})
		})
	}
}

func probe(ctx context.Context, c *Connection) error { return c.Probe(ctx) }

func readNamespace(ctx context.Context, c *Connection) error {
	return c.Hub.Get(ctx, types.NamespacedName{Name: "kube-system"}, &corev1.Namespace{})
}

// deaf completes the TLS handshake and reads on without a word.
func deaf(certificates []tls.Certificate) func(net.Conn) {
	return func(c net.Conn) {
		secure := tls.Server(c, &tls.Config{Certificates: certificates, MinVersion: tls.VersionTLS12})
		_, _ = io.Copy(io.Discard, secure)
	}
}

func TestASickClusterCostsOneRequest(t *testing.T) {
	t.Parallel()
	c := newCluster(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/version" {
			return false
		}
		panic(http.ErrAbortHandler)
	})
	conn := c.connect(t)
	first := conn.Discovery.RESTClient().Get().AbsPath("/api/v1").Do(t.Context()).Error()
	for range 5 {
		err := conn.Discovery.RESTClient().Get().AbsPath("/api/v1").Do(t.Context()).Error()
		var sick *UnreachableError
		if !errors.As(err, &sick) || sick.Cluster != "prod" || !sick.Since.Equal(testNow) {
			t.Fatalf("got %v", err)
		}
	}
	if n := c.count("GET /api/v1"); n != 1 {
		t.Errorf("%d requests reached the cluster, want 1 (the first ended with %v)", n, first)
	}
	if err := conn.Probe(t.Context()); err != nil || !conn.Health().Reachable {
		t.Errorf("after a probe: %v, %+v", err, conn.Health())
	}
	_ = conn.Discovery.RESTClient().Get().AbsPath("/api/v1").Do(t.Context()).Error()
	if n := c.count("GET /api/v1"); n != 2 {
		t.Errorf("%d requests reached the cluster after a probe, want 2", n)
	}
}

func TestWhatIsNoFaultOfTheCluster(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{}, 8)
	c := newCluster(t, func(w http.ResponseWriter, r *http.Request) bool {
		switch r.URL.Path {
		case "/slow":
			entered <- struct{}{}
			<-r.Context().Done()
		case "/failing":
			reply(w, http.StatusInternalServerError, failure(http.StatusInternalServerError, metav1.StatusReasonInternalError, "a webhook failed"))
		case "/forbidden":
			reply(w, http.StatusForbidden, failure(http.StatusForbidden, metav1.StatusReasonForbidden, "cannot get secrets"))
		default:
			return false
		}
		return true
	})
	tests := map[string]struct {
		path   string
		cancel bool
		reason string
	}{
		"the caller gave up":  {path: "/slow", cancel: true, reason: ""},
		"an internal error":   {path: "/failing", reason: v1alpha1.ReasonApplyFailed},
		"a lack of rights":    {path: "/forbidden", reason: v1alpha1.ReasonForbidden},
		"what does not exist": {path: "/nothing", reason: v1alpha1.ReasonApplyFailed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := c.connect(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tt.cancel {
				go func() {
					<-entered
					cancel()
				}()
			}
			err := conn.Discovery.RESTClient().Get().AbsPath(tt.path).MaxRetries(0).Do(ctx).Error()
			if reason, message, transport := Classify(err); err == nil || reason != tt.reason || transport {
				t.Errorf("got %q (transport %v): %s", reason, transport, message)
			}
			if err := conn.Discovery.RESTClient().Get().AbsPath("/version").Do(t.Context()).Error(); err != nil {
				t.Errorf("the next request ends with %v", err)
			}
		})
	}
}

func TestSinceIsWhenItBegan(t *testing.T) {
	t.Parallel()
	now := testNow
	b := newBreaker("prod", "https://prod.example", func() time.Time { now = now.Add(time.Minute); return now })
	type seen struct {
		what  string
		since time.Duration
	}
	at := func() time.Duration { return b.current().Since.Sub(testNow) }
	var got []seen
	b.answered(v1alpha1.ReasonAvailable, "", false)
	got = append(got, seen{"answered", at()})
	b.answered(v1alpha1.ReasonAvailable, "", true)
	got = append(got, seen{"answered again", at()})
	_ = b.trip(v1alpha1.ReasonTimeout, "slow", false)
	got = append(got, seen{"failed", at()})
	_ = b.trip(v1alpha1.ReasonUnreachable, "gone", false)
	b.answered(v1alpha1.ReasonAvailable, "", false) // a request that was under way
	got = append(got, seen{"failed again as " + b.current().Reason, at()})
	_ = b.trip(v1alpha1.ReasonUnreachable, "gone", true)
	got = append(got, seen{"probed as " + b.current().Reason, at()})
	b.answered(v1alpha1.ReasonAvailable, "", true)
	got = append(got, seen{"healed", at()})
	want := []seen{
		{"answered", 2 * time.Minute}, {"answered again", 2 * time.Minute}, {"failed", 3 * time.Minute},
		{"failed again as Timeout", 3 * time.Minute}, {"probed as Unreachable", 3 * time.Minute}, {"healed", 4 * time.Minute},
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
}

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	conn := newCluster(t, lease).connect(t)
	renewed, holder, err := conn.Heartbeat(t.Context())
	if err != nil || holder != "agent-0" || !renewed.Equal(testNow.Add(-2*time.Second)) {
		t.Errorf("got %s by %q, %v", renewed, holder, err)
	}
	renewed, _, err = newCluster(t, nil).connect(t).Heartbeat(t.Context())
	if err != nil || !renewed.IsZero() {
		t.Errorf("without a Lease: %s, %v", renewed, err)
	}
}

func TestClosedConnections(t *testing.T) {
	t.Parallel()
	conn := newCluster(t, nil).connect(t)
	conn.Close()
	if err := conn.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "is closed") {
		t.Errorf("a probe of a closed connection: %v", err)
	}
	if err := readNamespace(t.Context(), conn); apierrors.IsNotFound(err) || err == nil {
		t.Errorf("a request of a closed connection: %v", err)
	}
}
