package prober

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

var serverKey = sync.OnceValue(func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
})

// serverChain is a chain of n certificates with one key; nothing verifies it.
func serverChain(t *testing.T, n int) tls.Certificate {
	t.Helper()
	chain := tls.Certificate{PrivateKey: serverKey()}
	for i := range n {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)),
			Subject:      pkix.Name{CommonName: fmt.Sprintf("certificate %d", i)},
			DNSNames:     []string{"shop.example.com"},
			NotBefore:    time.Unix(1700000000, 0),
			NotAfter:     time.Unix(1900000000, 0),
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, serverKey().Public(), serverKey())
		if err != nil {
			t.Fatal(err)
		}
		chain.Certificate = append(chain.Certificate, der)
	}
	return chain
}

// smallCertificate is one with the smallest key and no names.
var smallCertificate = sync.OnceValue(func() []byte {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		panic(err)
	}
	return der
})

// fingerprints of a chain as a server has it.
func fingerprints(chain tls.Certificate) []certificate.Fingerprint {
	var list []certificate.Fingerprint
	for _, der := range chain.Certificate {
		list = append(list, sha256.Sum256(der))
	}
	return list
}

// servedFingerprints of a result.
func servedFingerprints(result Result) []certificate.Fingerprint {
	if result.Chain == nil {
		return nil
	}
	var list []certificate.Fingerprint
	for _, c := range result.Chain.Certificates {
		list = append(list, c.Fingerprint)
	}
	return list
}

// resolverFunc is a Resolver.
type resolverFunc func(ctx context.Context, host string) ([]netip.Addr, error)

func (f resolverFunc) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	return f(ctx, host)
}

// fixed resolves every name to the addresses.
func fixed(addresses ...string) resolverFunc {
	return func(context.Context, string) ([]netip.Addr, error) {
		var list []netip.Addr
		for _, address := range addresses {
			list = append(list, netip.MustParseAddr(address))
		}
		return list, nil
	}
}

// newProber may probe loopback and 10.0.0.0/8.
func newProber(t *testing.T, resolver Resolver) *Prober {
	t.Helper()
	policy, err := ParsePolicy([]string{"127.0.0.0/8", "::1", "10.0.0.0/8"}, []string{"10.66.0.0/16"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Options{
		Policy: policy, Resolver: resolver, Chains: certificate.NewParser(), Timeouts: DefaultTimeouts(), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// listen serves connections on a port of loopback until the test ends.
func listen(t *testing.T, serve func(conn net.Conn)) uint16 {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() {
				defer func() { _ = conn.Close() }()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		connections.Wait()
	})
	return netip.MustParseAddrPort(listener.Addr().String()).Port()
}

// serveTLS shakes hands and waits for the client to leave.
func serveTLS(config *tls.Config) func(net.Conn) {
	return func(conn net.Conn) {
		server := tls.Server(conn, config)
		if server.Handshake() == nil {
			_, _ = io.Copy(io.Discard, server)
		}
	}
}

// step of a scripted peer: what it expects, then what it says.
type step struct{ expect, say string }

// play follows a script, and tells whether the peer kept to it.
func play(conn io.ReadWriter, script []step) error {
	for _, s := range script {
		got := make([]byte, len(s.expect))
		if _, err := io.ReadFull(conn, got); err != nil {
			return fmt.Errorf("expected %q: %w", s.expect, err)
		}
		if string(got) != s.expect {
			return fmt.Errorf("expected %q, got %q", s.expect, got)
		}
		if _, err := io.WriteString(conn, s.say); err != nil {
			return fmt.Errorf("saying %q: %w", s.say, err)
		}
	}
	return nil
}
