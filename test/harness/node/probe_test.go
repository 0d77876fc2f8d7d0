package node

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func httpProbe(port intstr.IntOrString, path string, scheme corev1.URIScheme) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Port: port, Path: path, Scheme: scheme, HTTPHeaders: []corev1.HTTPHeader{{Name: "Host", Value: "named"}},
		}},
		PeriodSeconds: 10, TimeoutSeconds: 1, FailureThreshold: 1, SuccessThreshold: 1,
	}
}

func serverPort(t *testing.T, s *httptest.Server) int {
	t.Helper()
	return s.Listener.Addr().(*net.TCPAddr).Port
}

func TestProbesAsk(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/moved":
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		case r.URL.Path != "/healthz" || r.Host != "named":
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	plain, secure := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	defer plain.Close()
	defer secure.Close()
	closed := httptest.NewServer(handler)
	closedPort := serverPort(t, closed)
	closed.Close()

	container := &corev1.Container{Ports: []corev1.ContainerPort{{Name: "health", ContainerPort: 8080}}}
	moved := map[int]int{8080: serverPort(t, plain), 8443: serverPort(t, secure), 81: closedPort}
	tcp := func(port int) *corev1.Probe {
		return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt(port)}}}
	}
	for name, tc := range map[string]struct {
		probe *corev1.Probe
		want  string // in the error; empty means success
	}{
		"by a named port":                   {httpProbe(intstr.FromString("health"), "/healthz", "HTTP"), ""},
		"by a number, without a slash":      {httpProbe(intstr.FromInt(8080), "healthz", ""), ""},
		"over TLS without verification":     {httpProbe(intstr.FromInt(8443), "/healthz", "HTTPS"), ""},
		"a redirection is an answer":        {httpProbe(intstr.FromInt(8080), "/moved", ""), ""},
		"an error is none":                  {httpProbe(intstr.FromInt(8080), "/absent", ""), "statuscode: 500"},
		"a port that no flag carries":       {httpProbe(intstr.FromInt(9999), "/healthz", ""), "listens on no port 9999"},
		"a port name that is not there":     {httpProbe(intstr.FromString("absent"), "/healthz", ""), "listens on no port absent"},
		"a TCP connection":                  {tcp(8080), ""},
		"a TCP connection to a closed port": {tcp(81), "refused"},
		"an action that is not supported":   {&corev1.Probe{}, "no action"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &prober{container: container, ports: moved}
			err := p.once(t.Context(), tc.probe)
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want %q", err, tc.want)
			}
		})
	}
}

// watched is a container with one HTTP port whose answers can be switched, and
// its health.
type watched struct {
	healthy atomic.Bool
	asked   atomic.Int32
	woken   chan struct{}
	health  *health
}

func watch(t *testing.T, configure func(c *corev1.Container, probe *corev1.Probe)) *watched {
	t.Helper()
	w := &watched{woken: make(chan struct{}, 100)}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		w.asked.Add(1)
		if !w.healthy.Load() {
			rw.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	container := &corev1.Container{}
	configure(container, httpProbe(intstr.FromInt(80), "/", ""))
	w.health = startProbes(ctx, container, map[int]int{80: serverPort(t, server)}, func() { w.woken <- struct{}{} })
	return w
}

func (w *watched) until(t *testing.T, what string, holds func(started, ready bool, failing, dead string) bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for !holds(w.health.snapshot()) {
		select {
		case <-w.woken:
		case <-deadline:
			started, ready, failing, dead := w.health.snapshot()
			t.Fatalf("never %s: started %v, ready %v, failing %q, dead %q", what, started, ready, failing, dead)
		}
	}
}

func TestReadinessFollowsTheAnswers(t *testing.T) {
	w := watch(t, func(c *corev1.Container, probe *corev1.Probe) {
		probe.InitialDelaySeconds = 3600 // only a delay of what can't be told yet
		c.ReadinessProbe = probe
	})
	w.until(t, "unready for a reason", func(_, ready bool, failing, _ string) bool {
		return !ready && strings.Contains(failing, "Readiness probe failed: HTTP probe failed with statuscode: 503")
	})
	w.healthy.Store(true)
	w.until(t, "ready", func(_, ready bool, failing, _ string) bool { return ready && failing == "" })
	w.healthy.Store(false)
	w.until(t, "unready again", func(_, ready bool, failing, _ string) bool { return !ready && failing != "" })
}

func TestWithoutProbesAProcessIsReadyWhileItRuns(t *testing.T) {
	w := watch(t, func(*corev1.Container, *corev1.Probe) {})
	if started, ready, _, dead := w.health.snapshot(); !started || !ready || dead != "" {
		t.Errorf("started %v, ready %v, dead %q", started, ready, dead)
	}
}

func TestAFailingLivenessProbeAsksForARestart(t *testing.T) {
	w := watch(t, func(c *corev1.Container, probe *corev1.Probe) {
		probe.PeriodSeconds, probe.FailureThreshold = 1, 2
		c.LivenessProbe = probe
	})
	w.until(t, "dead", func(_, _ bool, _, dead string) bool { return strings.HasPrefix(dead, "Liveness probe failed") })
	if got := w.asked.Load(); got != 2 {
		t.Errorf("it was given up after %d failures, want 2", got)
	}
}

func TestALivenessProbeWaitsForItsDelay(t *testing.T) {
	w := watch(t, func(c *corev1.Container, probe *corev1.Probe) {
		ready := probe.DeepCopy()
		probe.InitialDelaySeconds = 3600
		c.LivenessProbe, c.ReadinessProbe = probe, ready
	})
	w.until(t, "unready", func(_, _ bool, failing, _ string) bool { return failing != "" })
	if _, _, _, dead := w.health.snapshot(); dead != "" {
		t.Errorf("it was given up before its delay was over: %s", dead)
	}
}

func TestAStartupProbeHoldsTheOthersBack(t *testing.T) {
	w := watch(t, func(c *corev1.Container, probe *corev1.Probe) {
		startup := probe.DeepCopy()
		startup.PeriodSeconds, startup.FailureThreshold = 1, 100
		c.StartupProbe, c.ReadinessProbe = startup, probe
	})
	if started, ready, _, _ := w.health.snapshot(); started || ready {
		t.Errorf("started %v and ready %v before any answer", started, ready)
	}
	w.healthy.Store(true)
	w.until(t, "started and ready", func(started, ready bool, _, _ string) bool { return started && ready })
}

func TestAStartupProbeThatNeverSucceedsAsksForARestart(t *testing.T) {
	w := watch(t, func(c *corev1.Container, probe *corev1.Probe) { c.StartupProbe = probe })
	w.until(t, "dead", func(started, _ bool, _, dead string) bool {
		return !started && strings.HasPrefix(dead, "Startup probe failed")
	})
}
