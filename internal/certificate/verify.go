package certificate

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"errors"
)

// outcome of asking whether one certificate certifies another.
type outcome uint8

const (
	// refuted says that it does not.
	refuted outcome = iota
	// verified says that its key made the signature.
	verified
	// undecided says that the names fit, and that the standard library does not
	// check such a signature.
	undecided
)

// signed names a certificate and the one that is said to have signed it.
type signed struct{ child, parent Fingerprint }

// RSA keys in bits that signatures are checked with: crypto/rsa refuses smaller
// ones, and larger ones take seconds.
const (
	minRSA = 1024
	maxRSA = 16384
)

// checkSignature asks whether the parent's key made the child's signature. Of what
// stays undecided other findings tell, such as WeakKey and WeakSignature, or none
// does. SHA-1 is checked like any other hash.
func checkSignature(child, parent *x509.Certificate) outcome {
	if key, ok := parent.PublicKey.(*rsa.PublicKey); ok && (key.N.BitLen() < minRSA || key.N.BitLen() > maxRSA) {
		return undecided
	}
	err := parent.CheckSignature(child.SignatureAlgorithm, child.RawTBSCertificate, child.Signature)
	if err == nil {
		return verified
	}
	if _, insecure := errors.AsType[x509.InsecureAlgorithmError](err); insecure || errors.Is(err, x509.ErrUnsupportedAlgorithm) {
		return undecided
	}
	return refuted
}

// certifies asks whether the parent is a CA that signed the child (RFC 5280,
// section 6.1.3), whose names fit.
func certifies(child, parent *x509.Certificate) outcome {
	if parent.Version >= 3 && (!parent.BasicConstraintsValid || !parent.IsCA) {
		return refuted
	}
	if parent.KeyUsage != 0 && parent.KeyUsage&x509.KeyUsageCertSign == 0 {
		return refuted
	}
	if !keysFit(child, parent) {
		return refuted
	}
	return checkSignature(child, parent)
}

func namesFit(child, parent *x509.Certificate) bool {
	return bytes.Equal(child.RawIssuer, parent.RawSubject)
}

// keysFit says that the identifiers of the keys do not contradict each other.
func keysFit(child, parent *x509.Certificate) bool {
	return len(child.AuthorityKeyId) == 0 || len(parent.SubjectKeyId) == 0 ||
		bytes.Equal(child.AuthorityKeyId, parent.SubjectKeyId)
}

// isSelfSigned says that a certificate names itself as its issuer, the same key
// included. The signature is not checked.
func isSelfSigned(c *x509.Certificate) bool { return namesFit(c, c) && keysFit(c, c) }

// isRoot says that a certificate is a CA's that issues itself; before version 3
// nothing says whether one is a CA's.
func isRoot(c *x509.Certificate) bool {
	return isSelfSigned(c) && (c.BasicConstraintsValid && c.IsCA || c.Version < 3)
}
