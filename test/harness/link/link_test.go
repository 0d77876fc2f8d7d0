package link_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/tlsplatform/tls-platform-operator/test/harness/link"
)

// soon is more than a local round trip takes on a busy machine, and moment is
// how long a test watches that nothing comes.
const (
	soon   = 10 * time.Second
	moment = 150 * time.Millisecond
)

func TestALinkThatPassesForwardsBothWays(t *testing.T) {
	t.Parallel()
	l := start(t)
	c := dial(t, l)
	say(t, c, "one")
	expect(t, c, "one")
}

func TestACutLinkRefusesAndResetsAndComesBackAtItsAddress(t *testing.T) {
	t.Parallel()
	l := start(t)
	open := dial(t, l)
	say(t, open, "one")
	expect(t, open, "one")
	must(t, l.Cut())
	if _, err := bufio.NewReader(open.Conn).ReadString('\n'); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("an open connection ended with %v, want a reset", err)
	}
	if _, err := net.DialTimeout("tcp", l.Addr(), soon); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a new connection got %v, want a refusal", err)
	}
	must(t, l.Cut()) // again is no error
	must(t, l.Pass())
	c := dial(t, l)
	say(t, c, "two")
	expect(t, c, "two")
}

func TestAHangingLinkHoldsBackWhatItForwardsLater(t *testing.T) {
	t.Parallel()
	l := start(t)
	open := dial(t, l)
	say(t, open, "one")
	expect(t, open, "one")
	must(t, l.Hang())
	late := dial(t, l)
	for name, c := range map[string]*conn{"open before": open, "made since": late} {
		say(t, c, name)
		silent(t, c)
	}
	must(t, l.Pass())
	expect(t, open, "open before")
	expect(t, late, "made since")
}

func TestALinkThatHungCanBeCut(t *testing.T) {
	t.Parallel()
	l := start(t)
	must(t, l.Hang())
	c := dial(t, l)
	must(t, l.Cut())
	if _, err := c.ReadString('\n'); err == nil {
		t.Error("a connection outlived the cut")
	}
}

func TestASlowLinkDelaysEachPortion(t *testing.T) {
	t.Parallel()
	l := start(t)
	must(t, l.Slow(moment))
	c := dial(t, l)
	began := time.Now()
	say(t, c, "one")
	expect(t, c, "one")
	if took := time.Since(began); took < 2*moment { // once for each way
		t.Errorf("the answer took %s, want at least %s", took, 2*moment)
	}
}

func TestAStoppedLinkEndsWhatHangs(t *testing.T) {
	t.Parallel()
	l := start(t)
	must(t, l.Hang())
	c := dial(t, l)
	must(t, l.Stop())
	if _, err := c.ReadString('\n'); err == nil {
		t.Error("a connection outlived the link")
	}
}

type conn struct {
	net.Conn
	*bufio.Reader
}

// Read is ambiguous between the two; the buffered one is meant.
func (c *conn) Read(p []byte) (int, error) { return c.Reader.Read(p) }

// start returns a link in front of a server that echoes.
func start(t *testing.T) *link.Link {
	t.Helper()
	server, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		for {
			c, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				_, _ = bufio.NewReader(c).WriteTo(c)
			}()
		}
	}()
	l, err := link.Listen("127.0.0.1:0", server.Addr().String())
	must(t, err)
	t.Cleanup(func() { must(t, l.Stop()) })
	return l
}

func dial(t *testing.T, l *link.Link) *conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr())
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return &conn{c, bufio.NewReader(c)}
}

func say(t *testing.T, c *conn, line string) {
	t.Helper()
	_, err := c.Write([]byte(line + "\n"))
	must(t, err)
}

func expect(t *testing.T, c *conn, want string) {
	t.Helper()
	must(t, c.SetReadDeadline(time.Now().Add(soon)))
	line, err := c.ReadString('\n')
	if err != nil || line != want+"\n" {
		t.Fatalf("got %q and error %v, want %q", line, err, want)
	}
}

func silent(t *testing.T, c *conn) {
	t.Helper()
	must(t, c.SetReadDeadline(time.Now().Add(moment)))
	if line, err := c.ReadString('\n'); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %q and error %v, want silence", line, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
