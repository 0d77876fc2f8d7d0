package member

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
)

// freeAddress is one that nothing listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// serving runs something that serves, and returns what stops it and gives its
// error.
func serving(t *testing.T, run func(context.Context) error) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	return func() error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(2 * closeTimeout):
			t.Fatal("it does not stop")
			return nil
		}
	}
}

// get asks until something listens.
func get(t *testing.T, c *http.Client, url string) (code int, body string) {
	t.Helper()
	for {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := c.Do(r)
		if err != nil {
			if strings.Contains(err.Error(), "refused") {
				continue
			}
			t.Fatal(err)
		}
		raw, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(raw)
	}
}

func TestProbes(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	stop := serving(t, func(ctx context.Context) error { return serveProbes(ctx, address) })
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusOK, "/metrics": http.StatusNotFound} {
		if code, _ := get(t, &http.Client{}, "http://"+address+path); code != want {
			t.Errorf("GET %s: %d, want %d", path, code, want)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestServingEndsWithWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	asked, release := make(chan struct{}), make(chan struct{})
	stop := serving(t, func(ctx context.Context) error {
		return serve(ctx, address, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(asked)
			<-release
			_, _ = w.Write([]byte("done"))
		}), nil)
	})
	answer := make(chan string, 1)
	go func() {
		_, body := get(t, &http.Client{}, "http://"+address)
		answer <- body
	}()
	<-asked
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	select {
	case err := <-ended:
		t.Fatalf("it ended in the middle of an answer: %v", err)
	case <-time.After(100 * time.Millisecond): // nothing can be waited for here
	}
	close(release)
	if got := <-answer; got != "done" {
		t.Errorf("the answer is %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAnAddressInUseIsAnError(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	address := l.Addr().String()
	if err := serve(t.Context(), address, http.NotFoundHandler(), nil); err == nil || !strings.Contains(err.Error(), address) {
		t.Errorf("serving there: %v", err)
	}
}

func TestNothingIsServedWithoutAnAddress(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func() error{
		"probes": func() error { return serveProbes(t.Context(), none) },
		"metrics": func() error {
			return serveMetrics(t.Context(), AgentOptions{MetricsAddress: none, MetricsSecure: true}, nil)
		},
	} {
		if err := run(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMetricsOverHTTPSAreNotForEverybody(t *testing.T) {
	t.Parallel()
	address, elsewhere := freeAddress(t), freeAddress(t)
	stop := serving(t, func(ctx context.Context) error {
		return serveMetrics(ctx, AgentOptions{
			Config: &rest.Config{Host: "http://" + elsewhere}, MetricsAddress: address, MetricsSecure: true, Log: logr.Discard(),
		}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("series")) }))
	})
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the certificate is self-signed
	}}
	if code, body := get(t, client, "https://"+address+"/metrics"); code != http.StatusUnauthorized || strings.Contains(body, "series") {
		t.Errorf("without a token: %d %q", code, body)
	}
	client.CloseIdleConnections()
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestAnAgentNeedsAnIdentity(t *testing.T) {
	t.Parallel()
	err := RunAgent(t.Context(), AgentOptions{Config: &rest.Config{}})
	if err == nil || !strings.Contains(err.Error(), "POD_NAME") {
		t.Errorf("without one: %v", err)
	}
}
