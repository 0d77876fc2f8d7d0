package prober

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

func TestProbeOfTLSServers(t *testing.T) {
	t.Parallel()
	chain := serverChain(t, 3)
	many := tls.Certificate{PrivateKey: serverKey()}
	for range certificate.MaxCertificates + 1 {
		many.Certificate = append(many.Certificate, smallCertificate())
	}
	mismatched := serverChain(t, 1)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	mismatched.PrivateKey = other
	huge := tls.Certificate{PrivateKey: serverKey(), Certificate: [][]byte{make([]byte, 300<<10)}}
	garbage := tls.Certificate{PrivateKey: serverKey(), Certificate: [][]byte{[]byte("\x30\x03\x02\x01\x01")}}
	for name, test := range map[string]struct {
		config   *tls.Config
		protocol Protocol
		want     Result
		message  string
	}{
		"TLS 1.3": {
			&tls.Config{Certificates: []tls.Certificate{chain}}, TLS, Result{Reason: Served, Version: "TLS 1.3"}, ""},
		"HTTPS with HTTP/2": {
			&tls.Config{Certificates: []tls.Certificate{chain}, NextProtos: []string{"h2"}}, HTTPS,
			Result{Reason: Served, Version: "TLS 1.3", ALPN: "h2"}, ""},
		"a server that knows none of HTTP's protocols": {
			&tls.Config{Certificates: []tls.Certificate{chain}, NextProtos: []string{"mqtt"}}, HTTPS,
			Result{Reason: HandshakeFailed}, "no application protocol"},
		"the same server when none is offered": {
			&tls.Config{Certificates: []tls.Certificate{chain}, NextProtos: []string{"mqtt"}}, TLS,
			Result{Reason: Served, Version: "TLS 1.3"}, ""},
		"TLS 1.2": {
			&tls.Config{Certificates: []tls.Certificate{chain}, MaxVersion: tls.VersionTLS12}, TLS,
			Result{Reason: Served, Version: "TLS 1.2"}, ""},
		"TLS 1.0": {
			&tls.Config{Certificates: []tls.Certificate{chain}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, TLS,
			Result{Reason: Served, Version: "TLS 1.0"}, ""},
		"TLS 1.3 with a certificate of the client": {
			&tls.Config{Certificates: []tls.Certificate{chain}, ClientAuth: tls.RequireAnyClientCert}, TLS,
			Result{Reason: Served, Version: "TLS 1.3"}, ""},
		"TLS 1.2 with a certificate of the client": {
			&tls.Config{Certificates: []tls.Certificate{chain}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}, TLS,
			Result{Reason: Served, Version: "TLS 1.2"}, "after the certificate: "},
		"a server that refuses the name": {
			&tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("no") }}, TLS,
			Result{Reason: HandshakeFailed}, "internal error"},
		"garbage for a certificate in TLS 1.3": {
			&tls.Config{Certificates: []tls.Certificate{garbage}}, TLS,
			Result{Reason: CertificateUnparseable}, "failed to parse"},
		"garbage for a certificate in TLS 1.2": {
			&tls.Config{Certificates: []tls.Certificate{garbage}, MaxVersion: tls.VersionTLS12}, TLS,
			Result{Reason: CertificateUnparseable}, "failed to parse"},
		"a certificate that is too large": {
			&tls.Config{Certificates: []tls.Certificate{huge}}, TLS, Result{Reason: TooMuchData}, "exceeds maximum"},
		"too many certificates": {
			&tls.Config{Certificates: []tls.Certificate{many}}, TLS, Result{Reason: TooMuchData}, "shows 1025 certificates"},
		"another key in TLS 1.3": {
			&tls.Config{Certificates: []tls.Certificate{mismatched}}, TLS, Result{Reason: KeyNotProven}, "invalid signature"},
		"another key in TLS 1.2": {
			&tls.Config{Certificates: []tls.Certificate{mismatched}, MaxVersion: tls.VersionTLS12}, TLS,
			Result{Reason: KeyNotProven}, "invalid signature"},
		"no certificate": {
			&tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
				return &tls.Certificate{PrivateKey: serverKey()}, nil
			}}, TLS, Result{Reason: NoCertificate}, "no certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port := listen(t, serveTLS(test.config))
			endpoint := Endpoint{Host: "shop.example.com", Port: port, Protocol: test.protocol}
			got := newProber(t, fixed("127.0.0.1")).Probe(t.Context(), endpoint)
			if got.Reason != test.want.Reason || !strings.Contains(got.Message, test.message) {
				t.Fatalf("got %s: %s, want %s: %s", got.Reason, got.Message, test.want.Reason, test.message)
			}
			if got.Endpoint != endpoint || got.Address != netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port) {
				t.Errorf("got endpoint %v at %v", got.Endpoint, got.Address)
			}
			if test.want.Reason != Served {
				if got.Chain != nil {
					t.Error("there is a chain although nothing was served")
				}
				return
			}
			if got.Version != test.want.Version || got.ALPN != test.want.ALPN || !strings.HasPrefix(got.CipherSuite, "TLS_") {
				t.Errorf("got %q, %q, %q", got.Version, got.ALPN, got.CipherSuite)
			}
			if diff := cmp.Diff(fingerprints(chain), servedFingerprints(got)); diff != "" {
				t.Errorf("chain (-want +got):\n%s", diff)
			}
			if first := got.Chain.First(); !cmp.Equal(first.Names, []string{"shop.example.com"}) {
				t.Errorf("the first certificate is for %v", first.Names)
			}
			if got.Obsolete() != (test.want.Version == "TLS 1.0") {
				t.Errorf("%s is obsolete: %t", got.Version, got.Obsolete())
			}
			if got.Took <= 0 {
				t.Errorf("took %s", got.Took)
			}
		})
	}
}

func TestProbeSendsTheServerName(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		endpoint Endpoint
		want     string
	}{
		"the host":                    {Endpoint{Host: "shop.example.com"}, "shop.example.com"},
		"another name":                {Endpoint{Host: "lb.example.com", ServerName: "shop.example.com"}, "shop.example.com"},
		"a name for an address":       {Endpoint{Host: "127.0.0.1", ServerName: "shop.example.com"}, "shop.example.com"},
		"nothing for an address only": {Endpoint{Host: "127.0.0.1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chain, names := serverChain(t, 1), make(chan string, 1)
			test.endpoint.Port = listen(t, serveTLS(&tls.Config{
				GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
					names <- hello.ServerName
					return &chain, nil
				},
			}))
			got := newProber(t, fixed("127.0.0.1")).Probe(t.Context(), test.endpoint)
			if got.Reason != Served {
				t.Fatalf("got %s: %s", got.Reason, got.Message)
			}
			if sent := <-names; sent != test.want {
				t.Errorf("sent %q, want %q", sent, test.want)
			}
		})
	}
}

func TestProbeAfterPrelude(t *testing.T) {
	t.Parallel()
	for protocol, script := range map[Protocol][]step{
		PostgreSQL: {{string(sslRequest), "S"}},
		MySQL:      {{"", mysql8}, {mysqlRequest, ""}},
		SMTP:       {{"", "220 a\r\n"}, {"EHLO localhost\r\n", "250-a\r\n250 STARTTLS\r\n"}, {"STARTTLS\r\n", "220 b\r\n"}},
		LDAP:       {{startTLS, "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"}},
		IMAP:       {{"", "* OK a\r\n"}, {"a STARTTLS\r\n", "a OK b\r\n"}},
		POP3:       {{"", "+OK a\r\n"}, {"STLS\r\n", "+OK b\r\n"}},
	} {
		t.Run(protocol.String(), func(t *testing.T) {
			t.Parallel()
			chain := serverChain(t, 2)
			port := listen(t, func(conn net.Conn) {
				if err := play(conn, script); err != nil {
					t.Error(err)
					return
				}
				serveTLS(&tls.Config{Certificates: []tls.Certificate{chain}})(conn)
			})
			got := newProber(t, fixed()).Probe(t.Context(), Endpoint{Host: "127.0.0.1", Port: port, Protocol: protocol})
			if got.Reason != Served {
				t.Fatalf("got %s: %s", got.Reason, got.Message)
			}
			if diff := cmp.Diff(fingerprints(chain), servedFingerprints(got)); diff != "" {
				t.Errorf("chain (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProbeOfPeersThatAreNoTLSServers(t *testing.T) {
	t.Parallel()
	hello := func(conn net.Conn) { _, _ = conn.Read(make([]byte, 4096)) }
	for name, test := range map[string]struct {
		serve   func(net.Conn)
		want    Reason
		message string
	}{
		"plain HTTP": {func(conn net.Conn) {
			hello(conn)
			_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
		}, NotTLS, "plain HTTP"},
		"garbage": {func(conn net.Conn) {
			hello(conn)
			_, _ = io.WriteString(conn, strings.Repeat("\xde\xad\xbe\xef", 64))
		}, NotTLS, "no TLS"},
		"a greeting": {func(conn net.Conn) {
			_, _ = io.WriteString(conn, "220 mail.example.com ESMTP\r\n")
			hello(conn)
		}, NotTLS, "no TLS"},
		"closes after the hello": {hello, PeerClosed, "closed"},
		"closes within a record": {func(conn net.Conn) {
			hello(conn)
			_, _ = io.WriteString(conn, "\x16\x03\x03\x00\x40abc")
		}, PeerClosed, "closed"},
		"an alert": {func(conn net.Conn) {
			hello(conn)
			_, _ = io.WriteString(conn, "\x15\x03\x03\x00\x02\x02\x70")
		}, HandshakeFailed, "unrecognized name"},
		"warnings without end": {func(conn net.Conn) {
			hello(conn)
			for {
				if _, err := io.WriteString(conn, "\x15\x03\x03\x00\x02\x01\x5a"); err != nil {
					return
				}
			}
		}, HandshakeFailed, ""},
		"a handshake message without end": {func(conn net.Conn) {
			hello(conn)
			record := "\x16\x03\x03\x40\x00\x02\xff\xff\xff" + strings.Repeat("\x00", 1<<14-4)
			for {
				if _, err := io.WriteString(conn, record); err != nil {
					return
				}
			}
		}, TooMuchData, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := newProber(t, fixed()).Probe(t.Context(), Endpoint{Host: "127.0.0.1", Port: listen(t, test.serve)})
			if got.Reason != test.want || !strings.Contains(got.Message, test.message) {
				t.Errorf("got %s: %s, want %s: %s", got.Reason, got.Message, test.want, test.message)
			}
		})
	}
}

func TestProbeOfPortThatNothingListensOn(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := netip.MustParseAddrPort(listener.Addr().String()).Port()
	_ = listener.Close()
	got := newProber(t, fixed()).Probe(t.Context(), Endpoint{Host: "127.0.0.1", Port: port})
	if got.Reason != ConnectRefused {
		t.Errorf("got %s: %s, want ConnectRefused", got.Reason, got.Message)
	}
}

func TestNewWantsAllOptions(t *testing.T) {
	t.Parallel()
	whole := Options{Resolver: fixed(), Chains: certificate.NewParser(), Timeouts: DefaultTimeouts(), Now: newProber(t, fixed()).now}
	if _, err := New(whole); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Options){
		"a resolver":          func(o *Options) { o.Resolver = nil },
		"a reader of chains":  func(o *Options) { o.Chains = nil },
		"a clock":             func(o *Options) { o.Now = nil },
		"time to resolve":     func(o *Options) { o.Timeouts.Resolve = 0 },
		"time to connect":     func(o *Options) { o.Timeouts.Connect = 0 },
		"time for handshakes": func(o *Options) { o.Timeouts.Handshake = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := whole
			spoil(&options)
			if _, err := New(options); err == nil {
				t.Error("was not missed")
			}
		})
	}
}

func TestGuardRefusesSocketsToDeniedAddresses(t *testing.T) {
	t.Parallel()
	accepted := make(chan struct{}, 1)
	port := listen(t, func(net.Conn) { accepted <- struct{}{} })
	p := newProber(t, fixed())
	p.policy = Policy{}
	_, err := p.dialTCP(context.WithoutCancel(t.Context()), netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port))
	if cause := connectFailure(err); cause.reason != Denied {
		t.Errorf("got %s: %s, want Denied", cause.reason, cause.message)
	}
	select {
	case <-accepted:
		t.Error("a connection was made")
	default:
	}
}
