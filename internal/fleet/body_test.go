package fleet

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// pipes listens on connections that are made within the process, so that a test
// can have a clock of its own.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements [net.Listener].
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (p *pipes) Close() error { close(p.done); return nil }

// Addr implements [net.Listener].
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8001} }

// serveInBubble runs ask against a server under a clock of its own.
func serveInBubble(t *testing.T, handle http.HandlerFunc, ask func(t *testing.T, c *Connection)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		listener := newPipes()
		server := &http.Server{Handler: handle, ReadHeaderTimeout: time.Hour}
		go func() { _ = server.Serve(listener) }()
		conn, err := NewConnection(Options{
			Name: "prod", Namespace: "ns", Scheme: testScheme, Now: time.Now,
			Config: &rest.Config{Host: "http://127.0.0.1:8001", Dial: listener.dial},
		})
		if err != nil {
			t.Fatalf("connecting: %v", err)
		}
		ask(t, conn)
		conn.Close()
		_ = server.Close()
	})
}

// beginAnswer answers with a header and the start of a body.
func beginAnswer(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte(text))
	_ = http.NewResponseController(w).Flush()
}

func TestAnAnswerThatStops(t *testing.T) {
	t.Parallel()
	serveInBubble(t, func(w http.ResponseWriter, r *http.Request) {
		beginAnswer(w, `{"kind":`)
		<-r.Context().Done()
	}, func(t *testing.T, c *Connection) {
		start := time.Now()
		err := readRaw(t.Context(), c)
		reason, message, transport := Classify(err)
		if reason != v1alpha1.ReasonTimeout || !transport || !strings.Contains(message, "within 30s") || time.Since(start) > bodyLimit {
			t.Errorf("got %s (transport %v) after %s: %s", reason, transport, time.Since(start), message)
		}
	})
}

func readRaw(ctx context.Context, c *Connection) error {
	return c.Discovery.RESTClient().Get().AbsPath("/api/v1/nodes").MaxRetries(0).Do(ctx).Error()
}

func TestAWatchMayBeSilent(t *testing.T) {
	t.Parallel()
	const silence = time.Hour
	serveInBubble(t, func(w http.ResponseWriter, r *http.Request) {
		beginAnswer(w, "")
		select {
		case <-time.After(silence):
			beginAnswer(w, `{"type":"DELETED","object":{"apiVersion":"meta.k8s.io/v1","kind":"PartialObjectMetadata","metadata":{"name":"a"}}}`+"\n")
		case <-r.Context().Done():
		}
	}, func(t *testing.T, c *Connection) {
		w, err := c.Metadata.Resource(crdResource).Watch(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatalf("watching: %v", err)
		}
		defer w.Stop()
		if event := <-w.ResultChan(); event.Type != "DELETED" {
			t.Errorf("got %+v", event)
		}
		if health := c.Health(); !health.Reachable {
			t.Errorf("a silent watch makes the cluster %+v", health)
		}
	})
}
