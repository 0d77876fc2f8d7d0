package node

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const (
	// maxPeriod caps a readiness probe's period, so that what is told of a pod
	// is at most this old.
	maxPeriod = time.Second
	// eagerPeriod is the period of a readiness probe until its first success.
	eagerPeriod = 200 * time.Millisecond
)

// health is what the probes of one run of a container found. Its fields are
// read by the pod's worker and written by the probes.
type health struct {
	mu      sync.Mutex
	started bool   // the startup probe succeeded, or there is none
	ready   bool   // the readiness probe succeeds, or there is none
	failing string // why the readiness probe fails
	dead    string // why the container has to be restarted
}

func (h *health) snapshot() (started, ready bool, failing, dead string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.started, h.started && h.ready, h.failing, h.dead
}

// update changes the health and calls wake when that makes a difference.
func (h *health) update(wake func(), change func(*health)) {
	h.mu.Lock()
	before := [4]any{h.started, h.ready, h.failing, h.dead}
	change(h)
	after := [4]any{h.started, h.ready, h.failing, h.dead}
	h.mu.Unlock()
	if before != after {
		wake()
	}
}

// prober runs the probes of one run of a container.
type prober struct {
	container *corev1.Container
	ports     map[int]int
	wake      func()
	health    *health
}

// startProbes begins to probe a container that has just been started, until
// ctx ends.
func startProbes(ctx context.Context, c *corev1.Container, ports map[int]int, wake func()) *health {
	p := &prober{container: c, ports: ports, wake: wake, health: &health{
		started: c.StartupProbe == nil, ready: c.ReadinessProbe == nil,
	}}
	go p.run(ctx)
	return p.health
}

func (p *prober) run(ctx context.Context) {
	if probe := p.container.StartupProbe; probe != nil {
		if !p.waitStarted(ctx, probe) {
			return
		}
	}
	if probe := p.container.LivenessProbe; probe != nil {
		go p.watchAlive(ctx, probe)
	}
	if probe := p.container.ReadinessProbe; probe != nil {
		p.watchReady(ctx, probe)
	}
}

// waitStarted repeats the startup probe until it succeeds; false when it failed
// for good.
func (p *prober) waitStarted(ctx context.Context, probe *corev1.Probe) bool {
	failures := 0
	return p.every(ctx, seconds(probe.InitialDelaySeconds), func() (time.Duration, bool) {
		err := p.once(ctx, probe)
		if err == nil {
			p.health.update(p.wake, func(h *health) { h.started = true })
			return 0, true
		}
		if failures++; failures >= threshold(probe.FailureThreshold, 3) {
			p.fail(ctx, "Startup", err)
			return 0, false
		}
		return period(probe), false
	})
}

func (p *prober) watchAlive(ctx context.Context, probe *corev1.Probe) {
	failures := 0
	p.every(ctx, seconds(probe.InitialDelaySeconds), func() (time.Duration, bool) {
		err := p.once(ctx, probe)
		if err == nil {
			failures = 0
			return period(probe), false
		}
		if failures++; failures >= threshold(probe.FailureThreshold, 3) {
			p.fail(ctx, "Liveness", err)
			return 0, false
		}
		return period(probe), false
	})
}

func (p *prober) watchReady(ctx context.Context, probe *corev1.Probe) {
	successes, failures, everReady := 0, 0, false
	p.every(ctx, 0, func() (time.Duration, bool) {
		err := p.once(ctx, probe)
		if err == nil {
			successes, failures = successes+1, 0
			if successes >= threshold(probe.SuccessThreshold, 1) {
				everReady = true
				p.health.update(p.wake, func(h *health) { h.ready, h.failing = true, "" })
			}
		} else {
			successes, failures = 0, failures+1
			// Until the first success there is nothing to be patient about.
			if !everReady || failures >= threshold(probe.FailureThreshold, 3) {
				message := fmt.Sprintf("Readiness probe failed: %v", err)
				p.health.update(p.wake, func(h *health) { h.ready, h.failing = false, message })
			}
		}
		if !everReady {
			return min(eagerPeriod, period(probe)), false
		}
		return min(maxPeriod, period(probe)), false
	})
}

func (p *prober) fail(ctx context.Context, what string, err error) {
	if ctx.Err() != nil {
		return // the container is being stopped: of course it doesn't answer
	}
	message := fmt.Sprintf("%s probe failed: %v", what, err)
	p.health.update(p.wake, func(h *health) { h.dead = message })
}

// every calls probe after delay, and again after each duration it returns. It
// ends with true when probe does, and with false when probe returns no
// duration or ctx ends.
func (p *prober) every(ctx context.Context, delay time.Duration, probe func() (next time.Duration, done bool)) bool {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
		}
		next, done := probe()
		if done || next == 0 {
			return done
		}
		timer.Reset(next)
	}
}

func (p *prober) once(ctx context.Context, probe *corev1.Probe) error {
	ctx, cancel := context.WithTimeout(ctx, max(seconds(probe.TimeoutSeconds), time.Second))
	defer cancel()
	switch {
	case probe.HTTPGet != nil:
		return p.get(ctx, probe.HTTPGet)
	case probe.TCPSocket != nil:
		address, err := p.address(probe.TCPSocket.Port)
		if err != nil {
			return err
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return fmt.Errorf("dial failed: %w", err)
		}
		return conn.Close()
	default:
		return fmt.Errorf("the probe has no action that this node supports")
	}
}

// probeClient makes a new connection for each probe, takes any certificate, and
// takes a redirection as an answer, as a kubelet does.
var probeClient = &http.Client{
	Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (p *prober) get(ctx context.Context, action *corev1.HTTPGetAction) error {
	address, err := p.address(action.Port)
	if err != nil {
		return err
	}
	scheme := "http"
	if action.Scheme != "" {
		scheme = strings.ToLower(string(action.Scheme))
	}
	url := scheme + "://" + address + "/" + strings.TrimPrefix(action.Path, "/")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("the probe's path is not usable: %w", err)
	}
	for _, header := range action.HTTPHeaders {
		request.Header.Add(header.Name, header.Value)
		if strings.EqualFold(header.Name, "Host") {
			request.Host = header.Value
		}
	}
	response, err := probeClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, 10<<10)); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if response.StatusCode < 200 || response.StatusCode >= 400 {
		return fmt.Errorf("HTTP probe failed with statuscode: %d", response.StatusCode)
	}
	return nil
}

// address translates a probe's port, by name or number, to where the process
// listens.
func (p *prober) address(port intstr.IntOrString) (string, error) {
	number := port.IntValue()
	if port.Type == intstr.String {
		for _, named := range p.container.Ports {
			if named.Name == port.StrVal {
				number = int(named.ContainerPort)
			}
		}
	}
	actual, ok := p.ports[number]
	if !ok {
		return "", fmt.Errorf("the program listens on no port %s: none of the image's port flags carries it", port.String())
	}
	return net.JoinHostPort(loopback, strconv.Itoa(actual)), nil
}

func seconds(n int32) time.Duration { return time.Duration(n) * time.Second }

func period(probe *corev1.Probe) time.Duration {
	if probe.PeriodSeconds <= 0 {
		return 10 * time.Second
	}
	return seconds(probe.PeriodSeconds)
}

func threshold(n int32, fallback int) int {
	if n <= 0 {
		return fallback
	}
	return int(n)
}
