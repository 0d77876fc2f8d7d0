package served

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// chainPEM is a certificate for a.example.com.
var chainPEM = string(newPEM("a.example.com", start))

// newPEM makes a self-signed certificate.
func newPEM(name string, notBefore time.Time) []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: notBefore, NotAfter: notBefore.AddDate(0, 3, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// chain parses certificates one after the other.
func chain(t *testing.T, list ...[]byte) *certificate.Bundle {
	t.Helper()
	b, _ := certificate.NewParser().Chain(bytes.Join(list, nil), nil)
	if len(b.Certificates) != len(list) {
		t.Fatalf("%d certificates of %d", len(b.Certificates), len(list))
	}
	return b
}

// published is a Secret as the agent publishes it, with at most as many members
// of the chain as the agent does.
func published(secret Name, b *certificate.Bundle, members int) v1alpha1.CertificateRecord {
	leaf := b.First()
	r := v1alpha1.CertificateRecord{
		Kind: "Secret", Namespace: secret.Namespace, Name: secret.Name, Key: "tls.crt", Role: "Serving",
		Certificates: int32(len(b.Certificates)), Fingerprint: leaf.Fingerprint.String(), Subject: leaf.Subject, Names: leaf.Names,
		NotBefore: &metav1.Time{Time: time.Unix(leaf.NotBefore, 0)}, ManagedBy: "cert-manager", Manager: "Certificate " + secret.String(),
		IssuerRef: "ClusterIssuer/le", Owner: "team",
	}
	for _, c := range b.Certificates[1:min(len(b.Certificates), 1+members)] {
		r.Chain = append(r.Chain, v1alpha1.ChainMember{Fingerprint: c.Fingerprint.String()})
	}
	return r
}

// slice is the JSON of a page of the agent.
func slice(t *testing.T, name, writer string, records ...v1alpha1.CertificateRecord) []byte {
	t.Helper()
	raw, err := json.Marshal(&v1alpha1.CertificateSlice{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{names.LabelAgent: writer}}, Records: records,
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
