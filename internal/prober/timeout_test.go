package prober

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// pipeTo makes a prober dial a peer in memory, which must have left by the end of
// the test.
func pipeTo(t *testing.T, p *Prober, serve func(net.Conn)) {
	var peers sync.WaitGroup
	t.Cleanup(peers.Wait)
	p.dial = func(context.Context, netip.AddrPort) (net.Conn, error) {
		ours, theirs := net.Pipe()
		peers.Go(func() {
			defer func() { _ = theirs.Close() }()
			serve(theirs)
		})
		return ours, nil
	}
}

// mute takes everything and says nothing.
func mute(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

func TestProbeOfPeersThatHang(t *testing.T) {
	t.Parallel()
	limits := DefaultTimeouts()
	hangingDial := func(_ *testing.T, p *Prober) {
		p.dial = func(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
	}
	protocol := func(first string) func(t *testing.T, p *Prober) {
		return func(t *testing.T, p *Prober) {
			pipeTo(t, p, func(conn net.Conn) {
				go func() { _, _ = io.WriteString(conn, first) }()
				mute(conn)
			})
		}
	}
	for name, test := range map[string]struct {
		prepare  func(t *testing.T, p *Prober)
		protocol Protocol
		want     Reason
		took     time.Duration
	}{
		"DNS": {func(_ *testing.T, p *Prober) {
			p.resolver = resolverFunc(func(ctx context.Context, _ string) ([]netip.Addr, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})
		}, TLS, ResolveFailed, limits.Resolve},
		"connecting": {hangingDial, TLS, ConnectTimeout, limits.Connect},
		"connecting to several addresses": {func(t *testing.T, p *Prober) {
			p.resolver = fixed("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5")
			hangingDial(t, p)
		}, TLS, ConnectTimeout, limits.Connect},
		"the handshake":                      {func(t *testing.T, p *Prober) { pipeTo(t, p, mute) }, TLS, HandshakeTimeout, limits.Handshake},
		"a record":                           {protocol("\x16\x03\x03\x00\x40abc"), TLS, HandshakeTimeout, limits.Handshake},
		"a peer that does not even read":     {func(t *testing.T, p *Prober) { pipeTo(t, p, func(conn net.Conn) { _, _ = io.WriteString(conn, "a") }) }, TLS, HandshakeTimeout, limits.Handshake},
		"PostgreSQL before the answer":       {protocol(""), PostgreSQL, ProtocolTimeout, limits.Handshake},
		"PostgreSQL after the answer":        {protocol("S"), PostgreSQL, HandshakeTimeout, limits.Handshake},
		"MySQL before the greeting":          {protocol(""), MySQL, ProtocolTimeout, limits.Handshake},
		"MySQL within the greeting":          {protocol(mysql8[:30]), MySQL, ProtocolTimeout, limits.Handshake},
		"MySQL after the greeting":           {protocol(mysql8), MySQL, HandshakeTimeout, limits.Handshake},
		"SMTP before the banner":             {protocol(""), SMTP, ProtocolTimeout, limits.Handshake},
		"SMTP after the banner":              {protocol("220 a\r\n"), SMTP, ProtocolTimeout, limits.Handshake},
		"SMTP after EHLO":                    {protocol("220 a\r\n250-a\r\n250 STARTTLS\r\n"), SMTP, ProtocolTimeout, limits.Handshake},
		"SMTP after STARTTLS":                {protocol("220 a\r\n250-a\r\n250 STARTTLS\r\n220 b\r\n"), SMTP, HandshakeTimeout, limits.Handshake},
		"LDAP before the answer":             {protocol(""), LDAP, ProtocolTimeout, limits.Handshake},
		"LDAP within the answer":             {protocol("\x30\x0c\x02"), LDAP, ProtocolTimeout, limits.Handshake},
		"IMAP before the answer to STARTTLS": {protocol("* OK\r\n"), IMAP, ProtocolTimeout, limits.Handshake},
		"POP3 before the greeting":           {protocol(""), POP3, ProtocolTimeout, limits.Handshake},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newProber(t, fixed("10.0.0.1"))
				test.prepare(t, p)
				got := p.Probe(t.Context(), Endpoint{Host: "a.example.com", Port: 443, Protocol: test.protocol})
				if got.Reason != test.want || got.Took != test.took {
					t.Errorf("got %s: %s after %s, want %s after %s", got.Reason, got.Message, got.Took, test.want, test.took)
				}
			})
		})
	}
}

// A peer that trickles keeps every single read short of its time, but not the
// whole.
func TestProbeOfPeerThatTrickles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProber(t, fixed("10.0.0.1"))
		pipeTo(t, p, func(conn net.Conn) {
			for {
				<-time.After(time.Second)
				if _, err := io.WriteString(conn, "2"); err != nil {
					return
				}
			}
		})
		got := p.Probe(t.Context(), Endpoint{Host: "a.example.com", Port: 25, Protocol: SMTP})
		if got.Reason != ProtocolTimeout || got.Took != DefaultTimeouts().Handshake {
			t.Errorf("got %s: %s after %s", got.Reason, got.Message, got.Took)
		}
	})
}

// A server may shake hands and then take no farewell; crypto/tls would wait for
// 5 seconds beyond any deadline that was set before.
func TestProbeLeavesPeerThatTakesNoFarewell(t *testing.T) {
	t.Parallel()
	chain := serverChain(t, 1)
	synctest.Test(t, func(t *testing.T) {
		p := newProber(t, fixed("10.0.0.1"))
		p.timeouts.Handshake = 2 * time.Second
		stop := make(chan struct{})
		defer close(stop)
		pipeTo(t, p, func(conn net.Conn) {
			// TLS 1.2: the last message is the server's, so nothing is under way.
			config := &tls.Config{Certificates: []tls.Certificate{chain}, MaxVersion: tls.VersionTLS12}
			if err := tls.Server(conn, config).Handshake(); err != nil {
				t.Error(err)
			}
			<-stop
		})
		got := p.Probe(t.Context(), Endpoint{Host: "a.example.com", Port: 443})
		if got.Reason != Served || got.Took != 2*time.Second {
			t.Errorf("got %s: %s after %s", got.Reason, got.Message, got.Took)
		}
	})
}

func TestProbeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for _, protocol := range []Protocol{TLS, PostgreSQL, MySQL} {
		t.Run(protocol.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newProber(t, fixed("10.0.0.1"))
				pipeTo(t, p, mute)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				got := p.Probe(ctx, Endpoint{Host: "a.example.com", Port: 443, Protocol: protocol})
				if got.Reason != Cancelled || got.Took != time.Second {
					t.Errorf("got %s: %s after %s", got.Reason, got.Message, got.Took)
				}
			})
		})
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	endpoints := make([]Endpoint, 10)
	for i := range endpoints {
		endpoints[i] = Endpoint{Name: string(rune('a' + i)), Host: "a.example.com", Port: 443}
	}
	for name, test := range map[string]struct {
		endpoints []Endpoint
		parallel  int
		delay     time.Duration
		cancel    time.Duration
		// atOnce is the most that dialled at the same time.
		atOnce int32
		took   time.Duration
		want   map[Reason]int
	}{
		"one at a time":             {endpoints, 1, 0, 0, 1, 50 * time.Second, map[Reason]int{ConnectTimeout: 10}},
		"at least one":              {endpoints, 0, 0, 0, 1, 50 * time.Second, map[Reason]int{ConnectTimeout: 10}},
		"some at a time":            {endpoints, 5, 0, 0, 5, 10 * time.Second, map[Reason]int{ConnectTimeout: 10}},
		"more places than work":     {endpoints, 50, 0, 0, 10, 5 * time.Second, map[Reason]int{ConnectTimeout: 10}},
		"a delay before each":       {endpoints, 5, time.Second, 0, 5, 12 * time.Second, map[Reason]int{ConnectTimeout: 10}},
		"nothing to do":             {nil, 5, 0, 0, 0, 0, map[Reason]int{}},
		"stopped in the second ten": {endpoints, 5, 0, 7 * time.Second, 5, 7 * time.Second, map[Reason]int{ConnectTimeout: 5, Cancelled: 5}},
		"stopped during the delay":  {endpoints, 5, time.Hour, time.Second, 5, time.Second, map[Reason]int{Cancelled: 10}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var now, most atomic.Int32
				p := newProber(t, fixed("10.0.0.1"))
				p.delay = func() time.Duration { return test.delay }
				p.dial = func(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
					if n := now.Add(1); n > most.Load() {
						most.Store(n)
					}
					defer now.Add(-1)
					<-ctx.Done()
					return nil, ctx.Err()
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if test.cancel > 0 {
					time.AfterFunc(test.cancel, cancel)
				}
				start, seen, reasons := time.Now(), map[string]int{}, map[Reason]int{}
				p.Run(ctx, test.endpoints, test.parallel, func(result Result) {
					seen[result.Endpoint.Name]++
					reasons[result.Reason]++
				})
				if took := time.Since(start); took != test.took {
					t.Errorf("took %s, want %s", took, test.took)
				}
				if most.Load() > test.atOnce {
					t.Errorf("%d at a time, want %d", most.Load(), test.atOnce)
				}
				for reason, want := range test.want {
					if reasons[reason] != want {
						t.Errorf("got %v, want %v", reasons, test.want)
					}
				}
				for _, endpoint := range test.endpoints {
					if seen[endpoint.Name] != 1 {
						t.Errorf("%d results for %s", seen[endpoint.Name], endpoint.Name)
					}
				}
			})
		})
	}
}

func TestBoundedConnReadsNoMore(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	defer func() { _ = ours.Close() }()
	go func() {
		defer func() { _ = theirs.Close() }()
		block := make([]byte, 64<<10)
		for {
			if _, err := theirs.Write(block); err != nil {
				return
			}
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, release := bound(ctx, ours)
	defer release()
	n, err := io.Copy(io.Discard, conn)
	if n != maxRead {
		t.Errorf("read %d bytes, want %d", n, maxRead)
	}
	if cause := preludeFailure(err); cause.reason != TooMuchData {
		t.Errorf("got %s: %s, want TooMuchData", cause.reason, cause.message)
	}
	if cause := handshakeFailure(err); cause.reason != TooMuchData {
		t.Errorf("got %s: %s, want TooMuchData", cause.reason, cause.message)
	}
}

// crypto/tls sets a deadline of its own for its last message, also after the end.
func TestBoundedConnExtendsNoDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer func() { _, _ = ours.Close(), theirs.Close() }()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		conn, release := bound(ctx, ours)
		defer release()
		<-ctx.Done()
		synctest.Wait()
		start := time.Now()
		for _, deadline := range []time.Time{start.Add(5 * time.Second), {}} {
			if err := conn.SetWriteDeadline(deadline); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write([]byte("a")); !isTimeout(err) || time.Since(start) != 0 {
				t.Errorf("after %s: %v, want a timeout at once", time.Since(start), err)
			}
		}
	})
}
