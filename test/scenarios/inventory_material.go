package scenarios

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// authority makes certificates as somebody does by hand.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

// leaf is what a certificate is to be like.
type leaf struct {
	commonName string
	// encoding is the ASN.1 tag of the common name, 0 for the usual one.
	encoding int
	names    []string
	left     time.Duration
}

// keyPair is a certificate with its chain and its key, in PEM.
type keyPair struct{ crt, key, ca []byte }

func newAuthority(name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	t, err := template(leaf{commonName: name, left: 5 * 365 * 24 * time.Hour})
	if err != nil {
		return nil, err
	}
	t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making the CA %s: %w", name, err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading the CA %s: %w", name, err)
	}
	return &authority{certificate, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}, nil
}

func template(l leaf) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("making a serial number: %w", err)
	}
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: l.commonName}, DNSNames: l.names,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(l.left),
	}
	if l.encoding != 0 {
		t.RawSubject, err = asn1.Marshal(pkix.RDNSequence{{{
			Type: commonName, Value: asn1.RawValue{Tag: l.encoding, Bytes: []byte(l.commonName)},
		}}})
		if err != nil {
			return nil, fmt.Errorf("encoding a subject: %w", err)
		}
	}
	return t, nil
}

// commonName is the object identifier of a common name (RFC 4519).
var commonName = asn1.ObjectIdentifier{2, 5, 4, 3}

func (a *authority) issue(l leaf) (*keyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	t, err := template(l)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.certificate, key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a key: %w", err)
	}
	return &keyPair{
		crt: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}),
		ca:  a.pem,
	}, nil
}

func tlsSecret(namespace, name string, p *keyPair) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Type:       corev1.SecretTypeTLS,
		Data:       map[string][]byte{"tls.crt": p.crt, "tls.key": p.key, "ca.crt": p.ca},
	}
}

// create makes objects as an administrator.
func (w *World) create(ctx context.Context, objects ...client.Object) error {
	for _, o := range objects {
		if err := w.Client.Create(ctx, o); err != nil {
			return fmt.Errorf("creating %T %s/%s: %w", o, o.GetNamespace(), o.GetName(), err)
		}
	}
	return nil
}
