package fleet

import (
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
)

const (
	// dialTimeout and handshakeTimeout bound how long a connection may take to
	// come about.
	dialTimeout      = 5 * time.Second
	handshakeTimeout = 5 * time.Second
	// A peer that vanished without a word is found by HTTP/2 pings: one is sent
	// when nothing was read for pingAfter, and has pingTimeout to be answered.
	// client-go's own values add up to 45 seconds.
	pingAfter   = 20 * time.Second
	pingTimeout = 10 * time.Second
	// keepAlive is how often the kernel asks whether an HTTP/1.1 peer is there.
	keepAlive = 15 * time.Second
	// idleTimeout is how long a connection without requests is kept. A watch
	// keeps its connection anyway.
	idleTimeout = 90 * time.Second
	// idleConnections are kept when the server has no HTTP/2.
	idleConnections = 4
)

// newTransport returns a transport that no other connection shares, so that
// closing it, and its pools, are about one cluster. client-go's cache of
// transports would share one between clusters with the same CA, and keep it for
// good.
func newTransport(config *rest.Config) (http.RoundTripper, error) {
	if config.Transport != nil {
		return config.Transport, nil
	}
	tlsConfig, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, fmt.Errorf("reading the TLS settings: %w", err)
	}
	dial := config.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}).DialContext
	}
	proxy := config.Proxy
	if proxy == nil {
		proxy = http.ProxyFromEnvironment
	}
	return &http.Transport{
		Proxy:               proxy,
		DialContext:         dial,
		TLSClientConfig:     tlsConfig,
		TLSHandshakeTimeout: handshakeTimeout,
		DisableCompression:  config.DisableCompression,
		ForceAttemptHTTP2:   true,
		HTTP2:               &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
		IdleConnTimeout:     idleTimeout,
		MaxIdleConns:        idleConnections,
		MaxIdleConnsPerHost: idleConnections,
	}, nil
}

// newHTTPClient follows no redirects: an API server sends none, and a token must
// not travel to another host.
func newHTTPClient(rt http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     rt,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bearer adds the token of the moment to every request.
type bearer struct {
	token *atomic.Pointer[string]
	next  http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (b *bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	req = utilnet.CloneRequest(req)
	req.Header.Set("Authorization", "Bearer "+*b.token.Load())
	return b.next.RoundTrip(req)
}

// authenticated wraps a transport with the credential of config. The token is
// kept apart when it is config's own, so that it can be replaced.
func authenticated(config *rest.Config, token *atomic.Pointer[string], next http.RoundTripper) (http.RoundTripper, error) {
	plain := rest.CopyConfig(config)
	if config.BearerToken != "" && config.BearerTokenFile == "" {
		token.Store(&config.BearerToken)
		plain.BearerToken = ""
		next = &bearer{token: token, next: next}
	}
	rt, err := rest.HTTPWrappersForConfig(plain, next)
	if err != nil {
		return nil, fmt.Errorf("setting up the credential: %w", err)
	}
	return rt, nil
}

// presentsCertificate says whether a transport made from config authenticates
// by itself, whatever token a request has: an API server looks at certificates
// first.
func presentsCertificate(config *rest.Config) bool {
	return len(config.CertData) > 0 || config.CertFile != "" || config.ExecProvider != nil
}
