package prober

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// ChainReader reads what a server showed; *certificate.Parser is one.
type ChainReader interface {
	// Chain reads certificates as PEM or DER, one after the other.
	Chain(chain, authority []byte) (served, trust *certificate.Bundle)
}

// Timeouts bound the stages of a probe. Their sum bounds the probe.
type Timeouts struct {
	// Resolve bounds the lookup of a name.
	Resolve time.Duration
	// Connect bounds dialling, all addresses of a name together.
	Connect time.Duration
	// Handshake bounds the handshake and what precedes it in the protocol.
	Handshake time.Duration
}

// DefaultTimeouts suit servers of the same region.
func DefaultTimeouts() Timeouts {
	return Timeouts{Resolve: 5 * time.Second, Connect: 5 * time.Second, Handshake: 10 * time.Second}
}

// Options of a Prober.
type Options struct {
	// Policy says what may be probed.
	Policy Policy
	// Resolver of names.
	Resolver Resolver
	// Chains reads what servers show.
	Chains ChainReader
	// Timeouts of the stages.
	Timeouts Timeouts
	// Now is the clock that probes are timed by. Timeouts don't depend on it.
	Now func() time.Time
	// Delay returns how long to wait before a probe in Run, to spread probes over
	// time; nil for no wait. It is called concurrently.
	Delay func() time.Duration
}

// Prober probes endpoints. It is safe for concurrent use.
type Prober struct {
	policy   Policy
	resolver Resolver
	chains   ChainReader
	timeouts Timeouts
	now      func() time.Time
	delay    func() time.Duration
	dial     func(ctx context.Context, addr netip.AddrPort) (net.Conn, error)
}

// New returns a Prober, or an error that says which option is missing.
func New(o Options) (*Prober, error) {
	switch {
	case o.Resolver == nil:
		return nil, errors.New("making a prober: a resolver is missing")
	case o.Chains == nil:
		return nil, errors.New("making a prober: a reader of chains is missing")
	case o.Now == nil:
		return nil, errors.New("making a prober: a clock is missing")
	case o.Timeouts.Resolve <= 0 || o.Timeouts.Connect <= 0 || o.Timeouts.Handshake <= 0:
		return nil, fmt.Errorf("making a prober: timeouts must be positive: %+v", o.Timeouts)
	}
	if o.Delay == nil {
		o.Delay = func() time.Duration { return 0 }
	}
	p := &Prober{
		policy: o.Policy, resolver: o.Resolver, chains: o.Chains, timeouts: o.Timeouts, now: o.Now, delay: o.Delay,
	}
	p.dial = p.dialTCP
	return p, nil
}

// Probe probes one endpoint. It returns within the sum of the timeouts, or as
// soon as ctx ends. What goes wrong is in the result.
//
// A name with several addresses is one endpoint: the first that answers is
// probed. To probe each, give each as the Host, with a ServerName.
func (p *Prober) Probe(ctx context.Context, endpoint Endpoint) Result {
	start := p.now()
	result := Result{Endpoint: endpoint}
	p.probe(ctx, &result)
	if ctx.Err() != nil && result.Reason != Served {
		result.fail(failed(Cancelled, "stopped before there was a result"))
	}
	result.Took = p.now().Sub(start)
	return result
}

// probe goes through the stages.
func (p *Prober) probe(ctx context.Context, result *Result) {
	t, cause := result.Endpoint.parse()
	if cause != nil {
		result.fail(cause)
		return
	}
	list, cause := p.addresses(ctx, &t)
	if cause != nil {
		result.fail(cause)
		return
	}
	conn, addr, cause := p.connect(ctx, list, t.port)
	result.Address = addr
	if cause != nil {
		result.fail(cause)
		return
	}
	p.converse(ctx, conn, &t, result)
}

// converse speaks with a peer and closes the connection.
func (p *Prober) converse(ctx context.Context, conn net.Conn, t *target, result *Result) {
	// By then everything is learnt; an error of closing changes nothing.
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(ctx, p.timeouts.Handshake)
	defer cancel()
	bounded, release := bound(ctx, conn)
	defer release()
	if cause := prelude(bounded, t.protocol); cause != nil {
		result.fail(cause)
		return
	}
	shown, cause := shake(ctx, bounded, t)
	p.record(result, &shown, cause)
}

// Run probes endpoints, at most parallel at a time (at least one), and gives
// exactly one result for each to out, in the order in which they come. out is
// not called concurrently. Once ctx ends, what is left is Cancelled.
func (p *Prober) Run(ctx context.Context, endpoints []Endpoint, parallel int, out func(Result)) {
	work := make(chan Endpoint)
	results := make(chan Result)
	var workers sync.WaitGroup
	for range min(max(parallel, 1), len(endpoints)) {
		workers.Go(func() {
			for endpoint := range work {
				pause(ctx, p.delay())
				results <- p.Probe(ctx, endpoint)
			}
		})
	}
	go func() {
		for _, endpoint := range endpoints {
			work <- endpoint
		}
		close(work)
		workers.Wait()
		close(results)
	}()
	for result := range results {
		out(result)
	}
}

// pause waits for a while, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}
