package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

const (
	// authorityCount is the number of CAs that sign the leaves.
	authorityCount = 10
	// needleLength is how much of a key's text is looked for, in bytes.
	needleLength = 24
	// pemLine is the length of a line of PEM (RFC 7468).
	pemLine = 64
)

// authority is a CA.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

// needles are what identifies a key in memory: each is part of the secret half,
// not of the public one.
type needles struct {
	// scalar is the key itself, 32 bytes.
	scalar []byte
	// text is the same in PEM.
	text []byte
	// encoded is that in the base64 of JSON.
	encoded []byte
}

// keyOf makes the key that belongs to a name: the same at every run.
// ecdsa.GenerateKey would take no seed.
func keyOf(name string) (*ecdsa.PrivateKey, error) {
	scalar := sha256.Sum256([]byte("tls-platform bench " + name))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	if err != nil {
		return nil, fmt.Errorf("making the key %s: %w", name, err)
	}
	return key, nil
}

// newAuthorities makes the CAs.
func newAuthorities(now time.Time) ([]authority, error) {
	list := make([]authority, authorityCount)
	for i := range list {
		name := fmt.Sprintf("Bench CA %d", i)
		key, err := keyOf(name)
		if err != nil {
			return nil, err
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)),
			Subject:      pkix.Name{CommonName: name, Organization: []string{"Bench"}},
			NotBefore:    now.Add(-24 * time.Hour), NotAfter: now.AddDate(10, 0, 0),
			IsCA: true, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		}
		der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
		if err != nil {
			return nil, fmt.Errorf("signing %s: %w", name, err)
		}
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		list[i] = authority{certificate: parsed, key: key, pem: pemOf("CERTIFICATE", der)}
	}
	return list, nil
}

// leaf is a certificate with its key.
type leaf struct {
	cert, key []byte // PEM
	needles   needles
}

// newLeaf makes the certificate of a host. version tells the certificates of one
// host apart.
func (a *authority) newLeaf(host string, serial int64, version int, notBefore, notAfter time.Time) (leaf, error) {
	key, err := keyOf(fmt.Sprintf("%s %d", host, version))
	if err != nil {
		return leaf{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: host},
		DNSNames:     []string{host, "www." + host},
		NotBefore:    notBefore, NotAfter: notAfter,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(nil, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return leaf{}, fmt.Errorf("signing the certificate of %s: %w", host, err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return leaf{}, fmt.Errorf("encoding the key of %s: %w", host, err)
	}
	scalar, err := key.Bytes()
	if err != nil {
		return leaf{}, fmt.Errorf("encoding the key of %s: %w", host, err)
	}
	l := leaf{cert: pemOf("CERTIFICATE", der), key: pemOf("PRIVATE KEY", pkcs8)}
	if l.needles, err = needlesOf(l.key, scalar); err != nil {
		return leaf{}, fmt.Errorf("the key of %s: %w", host, err)
	}
	return l, nil
}

// needlesOf are those of a P-256 key in PKCS #8. Its scalar is at the offsets 36
// to 67, so that the second line of the PEM text begins with 18 bytes of it.
func needlesOf(key, scalar []byte) (needles, error) {
	_, body, ok := bytes.Cut(key, []byte("\n"))
	if !ok || len(body) < 2*pemLine || body[pemLine] != '\n' {
		return needles{}, errors.New("its PEM text has no second line")
	}
	start := len(key) - len(body) + pemLine + 1
	// The base64 of the whole text has the same characters whatever comes before
	// from the next multiple of three bytes on.
	aligned := start + (3-start%3)%3
	encoded := base64.StdEncoding.EncodeToString(key[aligned : aligned+needleLength*3/4])
	return needles{
		scalar: bytes.Clone(scalar), text: bytes.Clone(key[start : start+needleLength]), encoded: []byte(encoded),
	}, nil
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
