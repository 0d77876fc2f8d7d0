package component

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/cert-manager/cert-manager/pkg/util/profiling"
)

const (
	// shutdownGrace is how long a request under way may take after the process is
	// told to end, as upstream.
	shutdownGrace = 5 * time.Second
	// readHeaderTimeout bounds how long a client may take to send its headers.
	readHeaderTimeout = 32 * time.Second
)

// Serve serves on listener until ctx ends, and then shuts the server down. It
// returns nil after a shutdown.
func Serve(ctx context.Context, listener net.Listener, server *http.Server) error {
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	if err != nil {
		return fmt.Errorf("shutting down the server on %s: %w", listener.Addr(), err)
	}
	return nil
}

// Profiler listens on address and returns what serves Go's profiles below
// /debug/pprof there until its context ends.
func Profiler(ctx context.Context, address string) (func(context.Context) error, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for the profiler: %w", err)
	}
	mux := http.NewServeMux()
	profiling.Install(mux)
	return func(ctx context.Context) error {
		return Serve(ctx, listener, &http.Server{Handler: mux, ReadHeaderTimeout: readHeaderTimeout})
	}, nil
}
