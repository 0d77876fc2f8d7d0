package chart

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
)

const (
	defaultTimeout    = 30 * time.Second
	defaultUserAgent  = "tls-platform"
	defaultCompressed = 20 << 20
	defaultExpanded   = 100 << 20
)

// Options of a Client. The zero value is fit for use.
type Options struct {
	// Timeout of one pull, all requests together; 0 means 30 seconds.
	Timeout time.Duration
	// UserAgent that registries see; empty means tls-platform.
	UserAgent string
	// Transport is cloned for each pull; nil means http.DefaultTransport, with
	// the proxies of the environment.
	Transport *http.Transport
}

// Client renders charts. It keeps nothing between calls, so it may be used by
// many goroutines and costs no memory while idle.
type Client struct {
	timeout   time.Duration
	userAgent string
	transport *http.Transport
	// Limits of a chart archive, in bytes.
	maxCompressed, maxExpanded int64
}

// NewClient returns a Client.
func NewClient(o Options) *Client {
	c := &Client{
		timeout: o.Timeout, userAgent: o.UserAgent, transport: o.Transport,
		maxCompressed: defaultCompressed, maxExpanded: defaultExpanded,
	}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if c.userAgent == "" {
		c.userAgent = defaultUserAgent
	}
	if c.transport == nil {
		c.transport, _ = http.DefaultTransport.(*http.Transport)
	}
	if c.transport == nil {
		// Somebody put a RoundTripper of another kind there.
		c.transport = &http.Transport{Proxy: http.ProxyFromEnvironment}
	}
	return c
}

// Render pulls the chart, verifies it, checks the values and returns the
// objects. Every error is an *Error.
func (c *Client) Render(ctx context.Context, r desired.ChartRequest, credentials Credentials) (desired.RenderedChart, error) {
	pulled, err := c.pull(ctx, r, credentials)
	if err != nil {
		return desired.RenderedChart{}, err
	}
	rendered, err := c.render(ctx, r, pulled.archive)
	if err != nil {
		return desired.RenderedChart{}, err
	}
	rendered.Digest = pulled.digest
	rendered.Key = r.Key()
	return rendered, nil
}

func (c *Client) pull(ctx context.Context, r desired.ChartRequest, credentials Credentials) (pulledChart, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("no complete answer within %s", c.timeout))
	defer cancel()
	p, err := c.newPuller(r, credentials)
	if err != nil {
		return pulledChart{}, err
	}
	defer p.close()
	pulled, err := p.pull(ctx, r.Digest)
	if err != nil {
		return pulledChart{}, p.pullError(ctx, err)
	}
	return pulled, nil
}
