package inventory

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/tlsplatform/tls-platform-operator/internal/agent/wire"
)

var start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

type signer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// certify makes a certificate for a name, by itself when by is nil, and returns
// it and its key in PEM.
func certify(t *testing.T, by *signer, name string, ca bool) (crt, key []byte, made *signer) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(len(name)) + 1000), Subject: pkix.Name{CommonName: name},
		NotBefore: start.Add(-time.Hour), NotAfter: start.Add(90 * 24 * time.Hour),
		IsCA: ca, BasicConstraintsValid: true,
	}
	if !ca {
		template.DNSNames = []string{name}
	}
	parent, signing := template, private
	if by != nil {
		parent, signing = by.certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, private.Public(), signing)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), &signer{certificate, private}
}

func object(namespace, name, kind string, data ...string) *wire.Object {
	o := &wire.Object{Namespace: namespace, Name: name, UID: "uid-" + name, Type: kind}
	for i := 0; i < len(data); i += 2 {
		o.Data = append(o.Data, wire.Entry{Key: []byte(data[i]), Value: []byte(data[i+1])})
	}
	return o
}
