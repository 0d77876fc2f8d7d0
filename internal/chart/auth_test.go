package chart_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tlsplatform/tls-platform-operator/internal/chart"
	"github.com/tlsplatform/tls-platform-operator/internal/chart/charttest"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
)

const (
	user     = "robot"
	password = "s3cret"
)

func credentialFor(t *testing.T, host string) chart.Credentials {
	t.Helper()
	credentials, err := chart.ParseDockerConfig([]byte(`{"auths": {"` + host + `": {"username": "` + user + `", "password": "` + password + `"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	return credentials
}

// guarded asks for a password before it lets the handler answer.
func guarded(next http.Handler, lock *locked) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lock.note(r)
		name, pass, ok := r.BasicAuth()
		if lock.closed() && (!ok || name != user || pass != password) {
			w.Header().Set("Www-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// locked says whether a password is asked for and what was sent so far.
type locked struct {
	mu   sync.Mutex
	on   bool
	sent []string
}

func (l *locked) note(r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := r.Header.Get("Authorization"); h != "" {
		l.sent = append(l.sent, h)
	}
}

func (l *locked) closed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.on
}

func (l *locked) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.on, l.sent = true, nil
}

func (l *locked) got() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent
}

func TestPullSecretOpensARegistry(t *testing.T) {
	lock := &locked{}
	host := charttest.Serve(t, guarded(charttest.Handler(), lock))
	charttest.Push(t, host, "charts/small", "1.0.0", charttest.Archive(t, small(nil)))
	lock.close()
	request := desired.ChartRequest{Repository: "oci://" + host + "/charts/small", Version: "1.0.0", KubeVersion: "v1.37.0"}

	refusal(t, chart.Options{}, request, chart.KindUnauthorized, "401", "no credential for it was given", "pullSecretRef")

	client := chart.NewClient(chart.Options{})
	if _, err := client.Render(t.Context(), request, credentialFor(t, host+"/charts")); err != nil {
		t.Errorf("with the credential: %v", err)
	}

	wrong, err := chart.ParseDockerConfig([]byte(`{"auths": {"` + host + `": {"username": "robot", "password": "wrong"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Render(t.Context(), request, wrong)
	var refused *chart.Error
	if !errors.As(err, &refused) || refused.Kind != chart.KindUnauthorized {
		t.Fatalf("with a wrong password: %v", err)
	}
	if !strings.Contains(refused.Message, "the credential of the pull Secret was sent") || strings.Contains(refused.Message, "wrong") {
		t.Errorf("message: %s", refused.Message)
	}

	lock.close()
	if _, err := client.Render(t.Context(), request, credentialFor(t, "other.example.com")); err == nil {
		t.Error("the credential of another host opened the registry")
	}
	if got := lock.got(); len(got) > 0 {
		t.Errorf("the registry got the credential of another host: %q", got)
	}
}

func TestRedirectDoesNotGetTheCredential(t *testing.T) {
	registry := charttest.Handler()
	store, front := &locked{}, &locked{}
	storeHost := charttest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		store.note(r)
		registry.ServeHTTP(w, r)
	}))
	demanding := charttest.Serve(t, guarded(registry, &locked{on: true}))
	var redirectTo atomic.Pointer[string]
	redirectTo.Store(&storeHost)
	frontHost := charttest.Serve(t, guarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if front.closed() && strings.Contains(r.URL.Path, "/blobs/") {
			http.Redirect(w, r, "http://"+*redirectTo.Load()+r.URL.Path, http.StatusTemporaryRedirect)
			return
		}
		registry.ServeHTTP(w, r)
	}), front))
	charttest.Push(t, frontHost, "charts/small", "1.0.0", charttest.Archive(t, small(nil)))
	front.close()
	request := desired.ChartRequest{Repository: "oci://" + frontHost + "/charts/small", Version: "1.0.0", KubeVersion: "v1.37.0"}
	client := chart.NewClient(chart.Options{})

	if _, err := client.Render(t.Context(), request, credentialFor(t, frontHost)); err != nil {
		t.Fatalf("pulling through a redirect: %v", err)
	}
	if got := store.got(); len(got) > 0 {
		t.Errorf("the storage behind the registry got %q", got)
	}
	if len(front.got()) == 0 {
		t.Error("the registry never got the credential, so the test shows nothing")
	}

	redirectTo.Store(&demanding)
	_, err := client.Render(t.Context(), request, credentialFor(t, frontHost))
	var refused *chart.Error
	if !errors.As(err, &refused) || refused.Kind != chart.KindUnauthorized {
		t.Errorf("a storage that demands the registry's password: got %v, want Unauthorized", err)
	}
}

// elsewhere makes a transport that reaches addr whatever host it is asked for.
func elsewhere(t *testing.T, addr string) *http.Transport {
	t.Helper()
	return &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the test's own server
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		},
	}
}

func TestHostsAreSpokenToOverHTTPSUnlessTheyAreLoopback(t *testing.T) {
	registry := charttest.Handler()
	plain := charttest.Serve(t, registry)
	charttest.Push(t, plain, "charts/small", "1.0.0", charttest.Archive(t, small(nil)))
	var downgrade atomic.Bool
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if downgrade.Load() {
			http.Redirect(w, r, "http://"+plain+r.URL.Path, http.StatusTemporaryRedirect)
			return
		}
		registry.ServeHTTP(w, r)
	}))
	t.Cleanup(secure.Close)
	request := desired.ChartRequest{Repository: "oci://registry.example.com/charts/small", Version: "1.0.0", KubeVersion: "v1.37.0"}

	options := chart.Options{Transport: elsewhere(t, secure.Listener.Addr().String())}
	if _, err := chart.NewClient(options).Render(t.Context(), request, chart.Credentials{}); err != nil {
		t.Errorf("over HTTPS: %v", err)
	}
	refusal(t, chart.Options{Transport: elsewhere(t, plain)}, request, chart.KindUnavailable, "registry.example.com")
	downgrade.Store(true)
	refusal(t, options, request, chart.KindUnavailable, "redirect from HTTPS")
}
