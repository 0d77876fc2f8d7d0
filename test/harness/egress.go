package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// maxSocketPath is the longest path of a unix socket that every system takes.
const maxSocketPath = 100

// dialTimeout bounds the connection to a process on this machine.
const dialTimeout = 5 * time.Second

// Router knows where the pods' processes really listen.
type Router interface {
	// Route returns the loopback address, host:port, behind a pod's address and
	// port; false when no pod's process listens there.
	Route(host string, port int) (addr string, ok bool)
}

// egressProxy is the API server's way to pods: an HTTP CONNECT proxy on a unix
// socket that leads pod addresses, which exist in the API only, to loopback.
type egressProxy struct {
	socket string
	server *http.Server
	router atomic.Pointer[Router]

	ctx    context.Context //nolint:containedctx // ends with the proxy; tunnels are hijacked from the server
	cancel context.CancelFunc
	served chan struct{} // closed when the listener is
}

func startEgressProxy(socket string) (*egressProxy, error) {
	if len(socket) > maxSocketPath {
		return nil, fmt.Errorf("the egress socket's path %s is longer than %d bytes: set TMPDIR to a shorter folder", socket, maxSocketPath)
	}
	listener, err := net.Listen("unix", socket) //nolint:noctx // binding does not wait
	if err != nil {
		return nil, fmt.Errorf("listening for the API server's egress: %w", err)
	}
	e := &egressProxy{socket: socket, served: make(chan struct{})}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.server = &http.Server{Handler: http.HandlerFunc(e.handle), ReadHeaderTimeout: dialTimeout}
	go func() {
		defer close(e.served)
		_ = e.server.Serve(listener) // ends only by stop, with ErrServerClosed
	}()
	return e, nil
}

// setRouter tells who knows the pods; before that there are none.
func (e *egressProxy) setRouter(r Router) { e.router.Store(&r) }

func (e *egressProxy) stop() error {
	e.cancel()
	err := e.server.Close()
	<-e.served
	if err := os.Remove(e.socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing the egress socket: %w", err)
	}
	if err != nil {
		return fmt.Errorf("closing the API server's egress: %w", err)
	}
	return nil
}

func (e *egressProxy) handle(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "this proxy only speaks CONNECT", http.StatusMethodNotAllowed)
		return
	}
	pod, dialErr := e.dial(r.Context(), r.RequestURI)
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		http.Error(w, "this connection can't become a tunnel", http.StatusInternalServerError)
		return
	}
	client, buffered, err := hijacker.Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if dialErr != nil {
		// The API server passes on the status line only, so the reason goes there.
		_, _ = fmt.Fprintf(client, "HTTP/1.1 502 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", dialErr)
		_ = client.Close()
		return
	}
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		_ = client.Close()
		_ = pod.Close()
		return
	}
	e.tunnel(client, buffered, pod)
}

func (e *egressProxy) dial(ctx context.Context, target string) (net.Conn, error) {
	host, portText, err := net.SplitHostPort(target)
	if err != nil {
		return nil, fmt.Errorf("%q is not host:port", target)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("%q is not a port", portText)
	}
	router := e.router.Load()
	if router == nil {
		return nil, fmt.Errorf("no pod runs at %s: this cluster's node has no real processes", target)
	}
	addr, ok := (*router).Route(host, port)
	if !ok {
		return nil, fmt.Errorf("no pod's process listens at %s", target)
	}
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("the process behind %s does not answer at %s", target, addr)
	}
	return conn, nil
}

// tunnel copies both ways until either side, or the proxy, ends. A webhook's
// client never half-closes, so the end of one way is the end of both.
func (e *egressProxy) tunnel(client net.Conn, fromClient io.Reader, pod net.Conn) {
	ended := make(chan struct{}, 2)
	pipe := func(dst io.Writer, src io.Reader) {
		_, _ = io.Copy(dst, src) // however a way ends, the tunnel closes
		ended <- struct{}{}
	}
	go pipe(pod, fromClient)
	go pipe(client, pod)
	select {
	case <-ended:
	case <-e.ctx.Done():
	}
	_ = client.Close()
	_ = pod.Close()
}
