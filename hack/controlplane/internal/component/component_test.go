package component

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestKubeconfig(t *testing.T) {
	dir := t.TempDir()
	existing := filepath.Join(dir, "kubeconfig")
	if err := os.WriteFile(existing, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing")
	tests := map[string]struct {
		explicit, host, env, want string
	}{
		"the flag wins over the environment":       {explicit: "/flag", env: existing, want: "/flag"},
		"a host alone keeps the environment out":   {host: "https://127.0.0.1", env: existing},
		"the environment's file":                   {env: existing, want: existing},
		"the environment's first file that exists": {env: missing + string(filepath.ListSeparator) + existing, want: existing},
		"a folder is no kubeconfig":                {env: dir},
		"nothing means the pod's own credentials":  {},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KUBECONFIG", test.env)
			if got := Kubeconfig(test.explicit, test.host); got != test.want {
				t.Errorf("want %q, got %q", test.want, got)
			}
		})
	}
}

func TestHostnamePrefersThePodsName(t *testing.T) {
	t.Setenv("HOSTNAME", "cert-manager-0")
	got, err := Hostname()
	if err != nil || got != "cert-manager-0" {
		t.Errorf(`want "cert-manager-0", got %q and error %v`, got, err)
	}
	t.Setenv("HOSTNAME", "")
	want, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Hostname(); err != nil || got != want {
		t.Errorf("without the variable: want %q, got %q and error %v", want, got, err)
	}
}

func TestServeAnswersAndEndsWithItsContext(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	served := make(chan error, 1)
	go func() {
		served <- Serve(ctx, listener, &http.Server{
			Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") }),
			ReadHeaderTimeout: time.Second,
		})
	}()
	response, err := http.Get("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || string(body) != "here" {
		t.Errorf(`body: want "here", got %q and error %v`, body, err)
	}
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
	cancel()
	select {
	case err := <-served:
		if err != nil {
			t.Errorf("ending: %v", err)
		}
	case <-time.After(2 * shutdownGrace):
		t.Fatal("did not end with its context")
	}
}

func TestServeReportsAListenerThatFails(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Serve(t.Context(), listener, &http.Server{ReadHeaderTimeout: time.Second}); err == nil {
		t.Error("want an error of a closed listener, got none")
	}
}
