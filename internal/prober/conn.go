package prober

import (
	"context"
	"net"
	"time"
)

// maxRead bounds what is read of a connection in bytes. crypto/tls itself takes a
// certificate message of at most 256 KiB.
const maxRead = 1 << 20

// boundedConn reads no more than maxRead bytes, and no later than its end.
type boundedConn struct {
	net.Conn
	left int
	end  time.Time
}

// bound returns a connection that ends with ctx, which must have a deadline.
// release frees what watches ctx.
//
// The deadline of the connection is not set ahead: it would race with that of
// ctx, and a probe that its caller stopped would look like a slow peer.
func bound(ctx context.Context, conn net.Conn) (bounded *boundedConn, release func()) {
	end, _ := ctx.Deadline()
	stop := context.AfterFunc(ctx, func() {
		// This fails on a connection that is closed, which is what is wanted.
		_ = conn.SetDeadline(time.Unix(1, 0))
	})
	return &boundedConn{Conn: conn, left: maxRead, end: end}, func() { stop() }
}

// Read reads, and fails with TooMuchData once more than maxRead bytes came.
func (c *boundedConn) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, failed(TooMuchData, "the peer sent more than %d bytes", maxRead)
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}

// SetWriteDeadline moves the deadline forward only: crypto/tls grants a peer 5
// more seconds to take the last message.
func (c *boundedConn) SetWriteDeadline(t time.Time) error {
	if t.IsZero() || t.After(c.end) {
		t = c.end
	}
	return c.Conn.SetWriteDeadline(t)
}
