package link

import (
	"context"
	"net"
)

// portion is how many bytes are forwarded at once.
const portion = 32 << 10

// serve forwards one connection until either side ends it, or the link does.
func (l *Link) serve(client net.Conn, by net.Listener) {
	defer l.forget(client)
	ctx, cancel := context.WithCancel(l.ctx)
	defer cancel()
	if !l.gate(ctx) {
		return
	}
	server, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", l.target)
	if err != nil {
		reset(client)
		return
	}
	if !l.join(server, by) {
		return
	}
	defer l.forget(server)
	ended := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{server, client}, {client, server}} {
		l.work.Go(func() {
			l.pump(ctx, way[0], way[1])
			ended <- struct{}{}
		})
	}
	// TLS never half-closes, so the end of one way is the end of both.
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

// pump forwards one way.
func (l *Link) pump(ctx context.Context, to, from net.Conn) {
	buffer := make([]byte, portion)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if !l.gate(ctx) {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// gate returns true when bytes may pass, and false when the connection is over.
// One that was reset meanwhile finds out when it writes.
func (l *Link) gate(ctx context.Context) bool {
	for {
		s := l.now()
		if !s.hang {
			return s.delay == 0 || pause(ctx, s.delay)
		}
		select {
		case <-s.changed:
		case <-ctx.Done():
			return false
		}
	}
}
