package certificate

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// testTime is when everything that is generated was issued.
var testTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// testCert is a generated certificate with its key.
type testCert struct {
	der []byte
	x   *x509.Certificate
	key crypto.Signer
}

// testOption changes a template.
type testOption func(*x509.Certificate)

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue makes a certificate that parent signs; itself when it is nil.
func issue(t testing.TB, parent *testCert, key crypto.Signer, name string, options ...testOption) *testCert {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    testTime,
		NotAfter:     testTime.AddDate(1, 0, 0),
	}
	for _, option := range options {
		option(template)
	}
	c := &testCert{key: key}
	issuer, signer := template, key
	if parent != nil {
		issuer, signer = parent.x, parent.key
	}
	c.der, err = x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	if c.x, err = x509.ParseCertificate(c.der); err != nil {
		t.Fatal(err)
	}
	return c
}

// newCA makes a CA that lasts ten years.
func newCA(t testing.TB, parent *testCert, name string, options ...testOption) *testCert {
	t.Helper()
	return issue(t, parent, newKey(t), name, append([]testOption{asCA}, options...)...)
}

// newLeaf makes a server's certificate.
func newLeaf(t testing.TB, parent *testCert, name string, options ...testOption) *testCert {
	t.Helper()
	return issue(t, parent, newKey(t), name, append([]testOption{asServer(name)}, options...)...)
}

func asCA(c *x509.Certificate) {
	c.IsCA, c.BasicConstraintsValid = true, true
	c.KeyUsage = x509.KeyUsageCertSign
	c.NotAfter = testTime.AddDate(10, 0, 0)
}

func asServer(names ...string) testOption {
	return func(c *x509.Certificate) {
		c.DNSNames = names
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
}

func fetchable(c *x509.Certificate) { c.IssuingCertificateURL = []string{"http://ca.example/ca.der"} }

func until(end time.Time) testOption {
	return func(c *x509.Certificate) { c.NotAfter = end }
}

func weakRSA(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (c *testCert) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.der})
}

func (c *testCert) keyPEM(t testing.TB) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// chainOf is PEM of certificates one behind the other.
func chainOf(list ...*testCert) []byte {
	var all bytes.Buffer
	for _, c := range list {
		all.Write(c.pem())
	}
	return all.Bytes()
}

// patched replaces bytes of a certificate, which breaks its signature.
func (c *testCert) patched(t testing.TB, from, to []byte) []byte {
	t.Helper()
	if bytes.Count(c.der, from) == 0 || len(from) != len(to) {
		t.Fatalf("no place for the patch")
	}
	return bytes.Replace(c.der, from, to, 1)
}
