package certificate

import (
	"encoding/hex"
)

// Fingerprint is the SHA-256 of a certificate's DER.
type Fingerprint [32]byte

// String is the fingerprint in hex.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// Certificate is what is kept of one X.509 certificate. It is immutable and
// shared: whoever holds the same certificate holds the same pointer, as far as
// it is a CA's or part of an equal value.
//
// Texts are valid UTF-8 without control characters and bidirectional marks, and
// at most MaxText bytes.
type Certificate struct {
	// Fingerprint of the certificate.
	Fingerprint Fingerprint
	// Subject and Issuer as in RFC 4514.
	Subject, Issuer string
	// Serial number in hex, with a minus sign when it is negative; at most 64
	// characters.
	Serial string
	// Names are the subject alternative names, at most MaxNames: DNS names as
	// they are, others with a prefix (ip:, uri:, email:).
	Names []string
	// NameCount is how many there are.
	NameCount int
	// NotBefore and NotAfter are Unix seconds.
	NotBefore, NotAfter int64
	// PublicKey is algorithm and size, such as "RSA 2048" or "ECDSA P-256".
	PublicKey string
	// Signature is the algorithm of the signature, such as "SHA256-RSA".
	Signature string
	// IsCA says that basic constraints make it a CA.
	IsCA bool
	// SelfIssued says that subject and issuer are the same.
	SelfIssued bool
	// Findings about this certificate alone.
	Findings Findings
}

// Format of a value.
type Format uint8

// Formats.
const (
	FormatUnknown Format = iota
	PEM
	DER
	PKCS12
	JKS
	JCEKS
)

// Bounds of what is kept.
const (
	// MaxText bounds a name in bytes.
	MaxText = 512
	// MaxNames bounds the subject alternative names that are kept.
	MaxNames = 32
	// MaxCertificates bounds the certificates that are kept of one value.
	MaxCertificates = 1024
	// MaxValue bounds a value in bytes: larger ones are not parsed. An object in
	// etcd has at most 1.5 MiB.
	MaxValue = 16 << 20
	// MaxProblems bounds the problems that are described of one value.
	MaxProblems = 4
)

// Bundle is what one value holds. It is immutable and shared.
type Bundle struct {
	// Format of the value.
	Format Format
	// Certificates in the order of the value, at most MaxCertificates; of a
	// keystore with a private key, the first one is no CA's as far as there is
	// one. One that Go refuses to parse is among them, with its fingerprint, its
	// findings, and whatever of serial number, names and dates could be read.
	Certificates []*Certificate
	// Count is how many there are.
	Count int
	// PrivateKey says that the value holds a private key as well.
	PrivateKey bool
	// Findings about the value: those of its certificates, and those about the
	// chain that they make.
	Findings Findings
	// Problems describe what could not be read, at most MaxProblems.
	Problems []Problem
	// Digest identifies the set of certificates whatever their order and however
	// often each of them occurs. It is zero when there is none. Of more than
	// MaxCertificates it identifies the value.
	Digest Fingerprint
}

// Problem describes something that could not be read.
type Problem struct {
	// Finding that it counts as.
	Finding Findings
	// Message says what was found, without any byte of the value.
	Message string
}

// First is the first certificate, nil when there is none.
func (b *Bundle) First() *Certificate {
	if b == nil || len(b.Certificates) == 0 {
		return nil
	}
	return b.Certificates[0]
}
