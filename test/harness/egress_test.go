package harness

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// routes is a Router by table.
type routes map[string]string

func (r routes) Route(host string, port int) (string, bool) {
	addr, ok := r[fmt.Sprintf("%s:%d", host, port)]
	return addr, ok
}

func startTestEgress(t *testing.T) *egressProxy {
	t.Helper()
	e, err := startEgressProxy(filepath.Join(t.TempDir(), "e.sock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.stop(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// connect asks the proxy for a tunnel, as the API server does.
func connect(t *testing.T, e *egressProxy, target string) (net.Conn, *bufio.Reader, *http.Response) {
	t.Helper()
	conn, err := net.Dial("unix", e.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", target); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	return conn, reader, response
}

func TestEgressLeadsPodAddressesToLoopback(t *testing.T) {
	pod := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "pod answers "+r.URL.Path)
	}))
	t.Cleanup(pod.Close)
	e := startTestEgress(t)
	e.setRouter(routes{"10.244.0.5:10250": pod.Listener.Addr().String()})

	conn, reader, response := connect(t, e, "10.244.0.5:10250") //nolint:bodyclose // the answer to CONNECT has no body
	if response.StatusCode != http.StatusOK {
		t.Fatalf("got %s, want a tunnel", response.Status)
	}
	request, err := http.NewRequest(http.MethodGet, "http://10.244.0.5:10250/mutate", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := request.Write(conn); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(reader, request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil || string(body) != "pod answers /mutate" {
		t.Errorf("through the tunnel: got %q, %v", body, err)
	}
}

func TestEgressSaysWhyThereIsNoTunnel(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	gone := closed.Listener.Addr().String()
	closed.Close()

	tests := map[string]struct {
		router Router
		target string
		want   string
	}{
		"a cluster without real processes":      {target: "10.244.0.5:443", want: "this cluster's node has no real processes"},
		"a pod that is not known":               {router: routes{}, target: "10.244.0.5:443", want: "no pod's process listens at 10.244.0.5:443"},
		"a pod whose process does not listen":   {router: routes{"10.244.0.5:443": gone}, target: "10.244.0.5:443", want: "the process behind 10.244.0.5:443 does not answer at " + gone},
		"a target without a port":               {router: routes{}, target: "10.244.0.5", want: "is not host:port"},
		"a pod that is there on another port":   {router: routes{"10.244.0.5:443": gone}, target: "10.244.0.5:8443", want: "no pod's process listens at 10.244.0.5:8443"},
		"an address of version 6 of a stranger": {router: routes{}, target: "[fd00::1]:443", want: "no pod's process listens at [fd00::1]:443"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			e := startTestEgress(t)
			if tc.router != nil {
				e.setRouter(tc.router)
			}
			_, _, response := connect(t, e, tc.target) //nolint:bodyclose // it goes with the connection
			if response.StatusCode == http.StatusOK || !strings.Contains(response.Status, tc.want) {
				t.Errorf("got status %q, want 502 with %q", response.Status, tc.want)
			}
		})
	}
}

func TestEgressStopEndsOpenTunnels(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	e, err := startEgressProxy(filepath.Join(t.TempDir(), "e.sock"))
	if err != nil {
		t.Fatal(err)
	}
	e.setRouter(routes{"10.244.0.5:443": silent.Addr().String()})
	_, reader, response := connect(t, e, "10.244.0.5:443") //nolint:bodyclose // the answer to CONNECT has no body
	if response.StatusCode != http.StatusOK {
		t.Fatalf("got %s, want a tunnel", response.Status)
	}
	if err := e.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := reader.ReadByte(); err == nil {
		t.Error("the tunnel still carries data after the stop")
	}
}

func TestEgressRefusesALongSocketPath(t *testing.T) {
	_, err := startEgressProxy("/tmp/" + strings.Repeat("x", maxSocketPath))
	if err == nil || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("got error %v, want one that says what to change", err)
	}
}
