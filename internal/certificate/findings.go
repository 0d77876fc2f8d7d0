package certificate

import "math/bits"

// Findings is a set of what is wrong with a certificate or a value.
type Findings uint64

// Findings. Their names are part of metrics and of what people filter by.
const (
	// Malformed says that there is no PEM or DER where there should be.
	Malformed Findings = 1 << iota
	// Unparseable says that Go refuses a certificate; its fingerprint is known.
	Unparseable
	// Empty says that a value that should hold a certificate holds none.
	Empty
	// TooLarge says that a value is too large, or holds too many certificates.
	TooLarge
	// MissingIntermediate says that clients can't build the chain from what is
	// served: nothing there certifies the first certificate, and it says where to
	// fetch its issuer's, or is followed by other CAs.
	MissingIntermediate
	// WrongOrder says that a certificate in the chain does not certify the one
	// before, although another one does.
	WrongOrder
	// RootIncluded says that a root is served in vain.
	RootIncluded
	// ChainNotVerifying says that a signature in the chain does not verify, or that
	// what should certify another certificate is no CA's.
	ChainNotVerifying
	// ChainExpiresFirst says that a certificate that the first one depends on
	// ends before it.
	ChainExpiresFirst
	// TextCleaned says that a name had control characters, bidirectional marks,
	// invalid UTF-8 or more than MaxText bytes.
	TextCleaned
	// SerialInvalid says that the serial number is zero, negative or longer than
	// 20 bytes (RFC 5280, section 4.1.2.2).
	SerialInvalid
	// DateInvalid says that validity ends before it starts, or beyond the year
	// 9999.
	DateInvalid
	// WeakKey says that the key is RSA below 2048 bits, DSA, or on a curve that
	// is not P-256, P-384, P-521 or Ed25519.
	WeakKey
	// WeakSignature says that the signature is made with MD5 or SHA-1. The one
	// that a root makes of itself proves nothing, and does not count.
	WeakSignature
	// NoNames says that a server's certificate has no subject alternative name.
	NoNames
	// SelfSigned says that a certificate that is no CA signs itself.
	SelfSigned
	// WrongPassword says that the password of a keystore does not open it.
	WrongPassword
	// NoPassword says that the password of a keystore was not found.
	NoPassword
	// UnsupportedKeystore says that a keystore uses an algorithm that is not
	// supported.
	UnsupportedKeystore
	// Duplicate says that a bundle holds a certificate more than once.
	Duplicate
	// NotACA says that a bundle of CAs holds a certificate that is none.
	NotACA
	// PrivateKeyExposed says that a private key lies where everybody may read.
	PrivateKeyExposed

	lastFinding
)

var findingNames = [...]string{
	"Malformed", "Unparseable", "Empty", "TooLarge", "MissingIntermediate", "WrongOrder", "RootIncluded",
	"ChainNotVerifying", "ChainExpiresFirst", "TextCleaned", "SerialInvalid", "DateInvalid", "WeakKey", "WeakSignature",
	"NoNames", "SelfSigned", "WrongPassword", "NoPassword", "UnsupportedKeystore", "Duplicate", "NotACA", "PrivateKeyExposed",
}

// Unreadable are the findings that mean that a value, or part of it, could not be
// read.
const Unreadable = Malformed | Unparseable | Empty | TooLarge | WrongPassword | NoPassword | UnsupportedKeystore

// AllFindings lists the names of all findings.
func AllFindings() []string { return append([]string(nil), findingNames[:]...) }

// Strings are the names of the findings in the set, one CamelCase word each.
func (f Findings) Strings() []string {
	if f == 0 {
		return nil
	}
	list := make([]string, 0, bits.OnesCount64(uint64(f)))
	for rest := f; rest != 0; rest &= rest - 1 {
		if i := bits.TrailingZeros64(uint64(rest)); i < len(findingNames) {
			list = append(list, findingNames[i])
		}
	}
	return list
}

// Has says whether any of the others is in the set.
func (f Findings) Has(others Findings) bool { return f&others != 0 }
