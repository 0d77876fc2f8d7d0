package harness

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPKI(t *testing.T) {
	p, err := newPKI(filepath.Join(t.TempDir(), "pki"), "a")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(p.ca.cert)

	t.Run("the server's certificate holds for every name of the API server", func(t *testing.T) {
		pair, err := tls.LoadX509KeyPair(p.certFile("server"), p.keyFile("server"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"localhost", "127.0.0.1", "10.0.0.1", "kubernetes.default.svc"} {
			options := x509.VerifyOptions{Roots: roots, DNSName: name, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
			if _, err := pair.Leaf.Verify(options); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("a client's certificate carries user and groups", func(t *testing.T) {
		issued, err := p.ca.client("jane", "team-a", "team-b")
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.X509KeyPair(issued.cert, issued.key)
		if err != nil {
			t.Fatal(err)
		}
		options := x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
		if _, err := pair.Leaf.Verify(options); err != nil {
			t.Error(err)
		}
		got := append([]string{pair.Leaf.Subject.CommonName}, pair.Leaf.Subject.Organization...)
		if diff := cmp.Diff([]string{"jane", "team-a", "team-b"}, got); diff != "" {
			t.Errorf("user and groups (-want +got):\n%s", diff)
		}
	})
	t.Run("keys are for the owner alone", func(t *testing.T) {
		files, err := filepath.Glob(filepath.Join(p.dir, "*.key"))
		if err != nil || len(files) != 4 {
			t.Fatalf("got key files %v, %v; want 4", files, err)
		}
		for _, file := range files {
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v", file, info.Mode())
			}
		}
	})
}

func TestFreePortsAreHandedOutOnce(t *testing.T) {
	seen := map[int]bool{}
	for range 20 {
		ports, err := freePorts(3)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { releasePorts(ports) })
		for _, port := range ports {
			if seen[port] {
				t.Errorf("port %d was handed out twice", port)
			}
			seen[port] = true
		}
	}
}
