package member

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"k8s.io/client-go/util/cert"
)

// none is the address that means not to listen.
const none = "0"

const (
	readTimeout = 10 * time.Second
	// writeTimeout ends a scrape that is not read.
	writeTimeout = 2 * time.Minute
	closeTimeout = 5 * time.Second
	headerLimit  = 64 << 10
)

// serve answers on an address until ctx ends. config is nil for plain HTTP.
func serve(ctx context.Context, address string, handler http.Handler, config *tls.Config) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", address, err)
	}
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: readTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		MaxHeaderBytes: headerLimit,
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return fmt.Errorf("serving on %s: %w", address, err)
	case <-ctx.Done():
	}
	grace, stop := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer stop()
	if err := server.Shutdown(grace); err != nil {
		_ = server.Close() // whoever still reads has had its time
	}
	if err := <-done; err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving on %s: %w", address, err)
	}
	return nil
}

// serveProbes answers /healthz and /readyz. The process is ready when it runs:
// what it has read so far is told by its report.
func serveProbes(ctx context.Context, address string) error {
	if address == none {
		return nil
	}
	mux := http.NewServeMux()
	for _, path := range []string{"/healthz", "/readyz"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	}
	return serve(ctx, address, mux, nil)
}

// serveMetrics serves /metrics, unless it is turned off.
func serveMetrics(ctx context.Context, o AgentOptions, metrics http.Handler) error {
	if o.MetricsAddress == none {
		return nil
	}
	var config *tls.Config
	if o.MetricsSecure {
		guarded, err := newGuard(o.Config, o.Log, time.Now, metrics)
		if err != nil {
			return fmt.Errorf("preparing the reviews of those who scrape: %w", err)
		}
		metrics = guarded
		if config, err = selfSigned(); err != nil {
			return err
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", metrics)
	return serve(ctx, o.MetricsAddress, mux, config)
}

// selfSigned is a certificate for this process alone: scrapers of a cluster know
// no name to verify, and are let in by their token.
func selfSigned() (*tls.Config, error) {
	crt, key, err := cert.GenerateSelfSignedCertKey("localhost", []net.IP{net.IPv4(127, 0, 0, 1)}, nil)
	if err != nil {
		return nil, fmt.Errorf("making a certificate for metrics: %w", err)
	}
	pair, err := tls.X509KeyPair(crt, key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate for metrics: %w", err)
	}
	// HTTP/2 is of no use for scrapes and has had floods of its own.
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}}, nil
}
