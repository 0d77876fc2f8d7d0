package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

const (
	// dialTimeout bounds the connection to a server on this machine.
	dialTimeout = 5 * time.Second
	// bindAttempts and bindPause bound how long a restored link waits for its
	// port, which another program can hold for a moment.
	bindAttempts = 50
	bindPause    = 100 * time.Millisecond
)

// Link is a proxy in front of one server. It starts passing everything.
type Link struct {
	addr, target string

	ctx    context.Context //nolint:containedctx // it is the link's life, not a caller's
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener // nil while the link is cut
	conns    map[net.Conn]bool
	state    state
}

// state is what happens to bytes now. changed is closed when it is over.
type state struct {
	hang    bool
	delay   time.Duration
	changed chan struct{}
}

// Listen starts a proxy on addr, a loopback host:port, in front of target. Port 0
// is replaced by one that is free.
func Listen(addr, target string) (*Link, error) {
	l := &Link{addr: addr, target: target, conns: map[net.Conn]bool{}, state: state{changed: make(chan struct{})}}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	if err := l.listen(); err != nil {
		l.cancel()
		return nil, err
	}
	l.addr = l.listener.Addr().String()
	return l, nil
}

// Addr returns the proxy's address, host:port. It never changes.
func (l *Link) Addr() string { return l.addr }

// Pass forwards everything, and first what was held back while the link hung.
func (l *Link) Pass() error { return l.open(state{}) }

// Slow holds each portion of bytes back for a time before it is forwarded.
func (l *Link) Slow(delay time.Duration) error { return l.open(state{delay: delay}) }

// Hang accepts connections and forwards nothing, neither on new connections nor
// on those that are open.
func (l *Link) Hang() error { return l.open(state{hang: true}) }

// Cut refuses connections, and resets those that are open.
func (l *Link) Cut() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.replace(state{})
	return l.close()
}

// Stop ends the link for good.
func (l *Link) Stop() error {
	l.cancel()
	l.mu.Lock()
	err := l.close()
	l.mu.Unlock()
	l.work.Wait()
	return err
}

func (l *Link) open(next state) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.replace(next)
	if l.listener != nil {
		return nil
	}
	return l.listen()
}

// replace puts another state in force. The caller holds mu.
func (l *Link) replace(next state) {
	close(l.state.changed)
	next.changed = make(chan struct{})
	l.state = next
}

// listen takes the address. The caller holds mu, or is alone.
func (l *Link) listen() error {
	var err error
	for range bindAttempts {
		var listener net.Listener
		if listener, err = (&net.ListenConfig{}).Listen(l.ctx, "tcp", l.addr); err == nil {
			l.listener = listener
			l.work.Go(func() { l.accept(listener) })
			return nil
		}
		if !pause(l.ctx, bindPause) {
			break
		}
	}
	return fmt.Errorf("listening at %s for %s: %w", l.addr, l.target, err)
}

// close refuses and resets. The caller holds mu.
func (l *Link) close() error {
	var err error
	if l.listener != nil {
		err = l.listener.Close()
		l.listener = nil
	}
	for conn := range l.conns {
		reset(conn)
	}
	clear(l.conns)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("cutting the link at %s: %w", l.addr, err)
	}
	return nil
}

func (l *Link) accept(by net.Listener) {
	for {
		conn, err := by.Accept()
		if err != nil {
			return // the listener is closed: cut or stopped
		}
		if l.join(conn, by) {
			l.work.Go(func() { l.serve(conn, by) })
		}
	}
}

// join registers a connection of a listener, unless the link was cut since.
func (l *Link) join(conn net.Conn, by net.Listener) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listener != by {
		reset(conn)
		return false
	}
	l.conns[conn] = true
	return true
}

func (l *Link) forget(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, conn)
	_ = conn.Close()
}

// now returns the state in force.
func (l *Link) now() state {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// reset closes a connection the hard way, as a host that is gone does.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// pause waits, and returns false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
