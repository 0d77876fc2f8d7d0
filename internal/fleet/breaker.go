package fleet

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// Health of a cluster as a whole.
type Health struct {
	// Reachable says that the cluster answers as an API server should.
	Reachable bool
	// Reason is a condition reason: Connecting before the first answer, Available
	// when all is well, or Unreachable, Timeout, Unauthorized, UntrustedServer,
	// NotKubernetes, Forbidden. Forbidden goes with Reachable.
	Reason string
	// Message says what was found and what to do; empty when all is well.
	Message string
	// Since is when it first answered, or when it first failed.
	Since time.Time
}

// UnreachableError says that a cluster as a whole does not answer as an API
// server should. Requests fail with it at once until a probe finds that the
// cluster answers again. It does not wrap its cause: clients repeat requests
// for causes such as a reset, which here would be in vain.
type UnreachableError struct {
	// Cluster is the name of the MemberCluster.
	Cluster string
	// Reason and Message as in [Health].
	Reason, Message string
	// Since is when it first failed.
	Since time.Time
}

// Error says which cluster, what was found and since when.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("cluster %s: %s (since %s)", e.Cluster, e.Message, e.Since.UTC().Format(time.RFC3339))
}

// breaker keeps the health of one cluster. It opens at the first failure that is
// about the cluster as a whole; while it is open, no request leaves the hub, so
// that a sick cluster costs one timeout and not one for each request.
type breaker struct {
	cluster, host string
	now           func() time.Time

	mu     sync.Mutex
	lost   func() // nil for nobody
	health Health
	open   bool
	closed bool
}

func newBreaker(cluster, host string, now func() time.Time) *breaker {
	return &breaker{cluster: cluster, host: host, now: now, health: Health{
		Reason: v1alpha1.ReasonConnecting, Message: "the cluster was not asked for anything yet", Since: now(),
	}}
}

// onLost has f called whenever the breaker opens.
func (b *breaker) onLost(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost = f
}

func (b *breaker) current() Health {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.health
}

// refuse returns why no request may leave, nil when it may.
func (b *breaker) refuse(probe bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return fmt.Errorf("the connection to cluster %s is closed", b.cluster)
	case b.open && !probe:
		return b.errorLocked()
	default:
		return nil
	}
}

func (b *breaker) errorLocked() error {
	return &UnreachableError{Cluster: b.cluster, Reason: b.health.Reason, Message: b.health.Message, Since: b.health.Since}
}

// trip opens the breaker and returns the error that requests fail with. The
// first failure stays on record until a probe, which replaces it, says how the
// cluster fails now.
func (b *breaker) trip(reason, message string, probe bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || (b.open && !probe) {
		return b.errorLocked()
	}
	since := b.health.Since
	if !b.open {
		since = b.now()
		if b.lost != nil {
			go b.lost()
		}
	}
	b.open = true
	b.health = Health{Reason: reason, Message: message, Since: since}
	return b.errorLocked()
}

// answered records that the cluster answers. Only a probe closes an open
// breaker.
func (b *breaker) answered(reason, message string, probe bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || (b.open && !probe) || (b.health.Reachable && !probe) {
		return
	}
	since := b.health.Since
	if !b.health.Reachable {
		since = b.now()
	}
	b.open = false
	b.health = Health{Reachable: true, Reason: reason, Message: message, Since: since}
}

func (b *breaker) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

// guard sends requests to one cluster under limits and through its breaker.
type guard struct {
	*breaker
	next http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	asked := demandOf(req)
	if err := g.refuse(asked.probe); err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // as the contract of a RoundTripper asks
		}
		return nil, err
	}
	a := begin(req.Context(), asked.limit)
	resp, err := g.next.RoundTrip(req.WithContext(a.ctx)) //nolint:contextcheck // begin makes it from that of the request
	if err != nil {
		defer a.end()
		return nil, g.failed(req.Context(), a, asked, err)
	}
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		_ = g.trip(v1alpha1.ReasonUnauthorized, refusedCredential(g.host), asked.probe)
	case !asked.probe: // a probe looks closer
		g.answered(v1alpha1.ReasonAvailable, "", false)
	}
	body := &watchedBody{ReadCloser: resp.Body, attempt: a, failed: func(err error) error { return err }}
	if isWatch(req) {
		a.timer.Stop() // it may go on as long as it likes
	} else {
		if asked.body > 0 {
			a.extend(asked.body)
		}
		body.failed = func(err error) error { return g.failed(req.Context(), a, asked, err) } //nolint:contextcheck // it is the request's
	}
	resp.Body = body
	return resp, nil
}

// failed turns an error of a request into what it says about the cluster. What
// the caller gave up says nothing.
func (g *guard) failed(caller context.Context, a *attempt, asked demand, err error) error {
	if caller.Err() != nil {
		return err
	}
	reason, message := explain(g.host, err)
	if a.late() {
		reason, message = lateness(g.host, a)
	}
	return g.trip(reason, message, asked.probe)
}
