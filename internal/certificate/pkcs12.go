package certificate

import (
	stdasn1 "encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Object identifiers of PKCS#12 (RFC 7292) and of what it takes from PKCS#5 and
// PKCS#7.
var (
	oidData          = stdasn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidEncryptedData = stdasn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}
	oidKeyBag        = stdasn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 1}
	oidShroudedBag   = stdasn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 2}
	oidCertBag       = stdasn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 3}
	oidX509          = stdasn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}
	oidPBES2         = stdasn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBMAC1        = stdasn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 14}
)

var explicit0 = asn1.Tag(0).ContextSpecific().Constructed()

const (
	// maxIterations bounds the rounds of key derivation of one keystore: all of
	// its parts together. Common are 2,048 to 1,200,000; two million take a few
	// seconds.
	maxIterations = 2_000_000
	// maxSafes bounds the encrypted parts of a keystore; there is one as a rule.
	maxSafes = 8
)

// looksLikePKCS12 looks for a SEQUENCE that starts with the version, 3.
func looksLikePKCS12(data []byte) bool {
	if len(data) < 2 || data[0] != byte(asn1.SEQUENCE) {
		return false
	}
	length := 2
	if data[1] > 0x80 {
		length += int(data[1] & 0x7f)
	}
	return len(data) >= length+3 && data[length] == byte(asn1.INTEGER) && data[length+1] == 1 && data[length+2] == 3
}

// keystore12 is a PKCS#12 keystore as far as it can be read without a password.
type keystore12 struct {
	data []byte
	// protected says that there is a message authentication code.
	protected bool
	// encrypted are the ContentInfos that are encrypted.
	encrypted [][]byte
	// iterations of key derivation that reading it takes.
	iterations int
}

// readPKCS12 reads the certificates of a PKCS#12 keystore. Keys lie in a part
// that is not encrypted as such, and are never decrypted.
func (c *contents) readPKCS12(data, password []byte) {
	if len(data) > 1 && data[1] == 0x80 {
		c.problem(UnsupportedKeystore, "the keystore is encoded in BER, not in DER")
		return
	}
	k := &keystore12{data: data}
	switch {
	case !k.scan(c):
		c.problem(Malformed, "the structure of the keystore is broken")
	case k.iterations > maxIterations:
		c.problem(UnsupportedKeystore, "the keystore asks for too many iterations")
	case len(k.encrypted) > maxSafes:
		c.problem(UnsupportedKeystore, "the keystore has too many encrypted parts")
	default:
		k.open(c, password)
	}
}

// scan reads the PFX (RFC 7292, section 4) as far as nothing is encrypted.
func (k *keystore12) scan(c *contents) bool {
	input := cryptobyte.String(k.data)
	var body, info, content, octets, safes cryptobyte.String
	var version int
	var kind stdasn1.ObjectIdentifier
	if !input.ReadASN1(&body, asn1.SEQUENCE) || !body.ReadASN1Integer(&version) ||
		!body.ReadASN1(&info, asn1.SEQUENCE) || !info.ReadASN1ObjectIdentifier(&kind) || !kind.Equal(oidData) ||
		!info.ReadASN1(&content, explicit0) || !content.ReadASN1(&octets, asn1.OCTET_STRING) ||
		!octets.ReadASN1(&safes, asn1.SEQUENCE) {
		return false
	}
	if !body.Empty() && !k.authentication(&body) {
		return false
	}
	for !safes.Empty() {
		if !k.safe(c, &safes) {
			return false
		}
	}
	return true
}

// authentication reads what checking the message authentication code takes.
func (k *keystore12) authentication(body *cryptobyte.String) bool {
	var mac, digest, algorithm, salt cryptobyte.String
	var kind stdasn1.ObjectIdentifier
	if !body.ReadASN1(&mac, asn1.SEQUENCE) || !mac.ReadASN1(&digest, asn1.SEQUENCE) ||
		!digest.ReadASN1(&algorithm, asn1.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&kind) ||
		!mac.ReadASN1(&salt, asn1.OCTET_STRING) {
		return false
	}
	k.protected = true
	if kind.Equal(oidPBMAC1) {
		return k.derivation(algorithm)
	}
	rounds := 1
	if !mac.Empty() && !mac.ReadASN1Integer(&rounds) {
		return false
	}
	k.iterate(rounds)
	return true
}

// iterate adds rounds without an overflow.
func (k *keystore12) iterate(rounds int) {
	k.iterations += min(max(rounds, 0), maxIterations+1)
}

// derivation reads the parameters of PBES2 or PBMAC1 (RFC 8018, appendices A.4 and
// A.5), which start with those of PBKDF2.
func (k *keystore12) derivation(parameters cryptobyte.String) bool {
	var body, function, inner cryptobyte.String
	var kind stdasn1.ObjectIdentifier
	if !parameters.ReadASN1(&body, asn1.SEQUENCE) || !body.ReadASN1(&function, asn1.SEQUENCE) ||
		!function.ReadASN1ObjectIdentifier(&kind) || !function.ReadASN1(&inner, asn1.SEQUENCE) {
		return false
	}
	return k.rounds(inner)
}

// rounds reads a salt and the number of rounds that follows it.
func (k *keystore12) rounds(parameters cryptobyte.String) bool {
	var salt cryptobyte.String
	var tag asn1.Tag
	var rounds int
	if !parameters.ReadAnyASN1(&salt, &tag) || !parameters.ReadASN1Integer(&rounds) {
		return false
	}
	k.iterate(rounds)
	return true
}

// safe reads one part. Of an encrypted one it notes what decrypting takes.
func (k *keystore12) safe(c *contents, safes *cryptobyte.String) bool {
	var element, info, content cryptobyte.String
	var kind stdasn1.ObjectIdentifier
	if !safes.ReadASN1Element(&element, asn1.SEQUENCE) {
		return false
	}
	whole := element
	if !element.ReadASN1(&info, asn1.SEQUENCE) || !info.ReadASN1ObjectIdentifier(&kind) ||
		!info.ReadASN1(&content, explicit0) {
		return false
	}
	switch {
	case kind.Equal(oidData):
		var octets cryptobyte.String
		return content.ReadASN1(&octets, asn1.OCTET_STRING) && c.addBags(octets)
	case kind.Equal(oidEncryptedData):
		k.encrypted = append(k.encrypted, whole)
		return k.encryption(content)
	default:
		c.problem(UnsupportedKeystore, "a part of the keystore is encrypted for a public key")
		return true
	}
}

// encryption reads how a part is encrypted (RFC 5652, section 8).
func (k *keystore12) encryption(content cryptobyte.String) bool {
	var body, info, algorithm, inner cryptobyte.String
	var version int
	var kind stdasn1.ObjectIdentifier
	if !content.ReadASN1(&body, asn1.SEQUENCE) || !body.ReadASN1Integer(&version) ||
		!body.ReadASN1(&info, asn1.SEQUENCE) || !info.ReadASN1ObjectIdentifier(&kind) ||
		!info.ReadASN1(&algorithm, asn1.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&kind) {
		return false
	}
	if kind.Equal(oidPBES2) {
		return k.derivation(algorithm)
	}
	return algorithm.ReadASN1(&inner, asn1.SEQUENCE) && k.rounds(inner)
}

// addBags reads the bags of a part that is not encrypted.
func (c *contents) addBags(octets cryptobyte.String) bool {
	var bags cryptobyte.String
	if !octets.ReadASN1(&bags, asn1.SEQUENCE) {
		return false
	}
	for !bags.Empty() {
		var bag, value cryptobyte.String
		var kind stdasn1.ObjectIdentifier
		if !bags.ReadASN1(&bag, asn1.SEQUENCE) || !bag.ReadASN1ObjectIdentifier(&kind) || !bag.ReadASN1(&value, explicit0) {
			return false
		}
		switch {
		case kind.Equal(oidKeyBag), kind.Equal(oidShroudedBag):
			c.privateKey = true
		case kind.Equal(oidCertBag):
			if !c.addBag(value) {
				return false
			}
		}
	}
	return true
}

// addBag reads the certificate of a bag; other kinds than X.509 are passed over.
func (c *contents) addBag(value cryptobyte.String) bool {
	var body, content, der cryptobyte.String
	var kind stdasn1.ObjectIdentifier
	if !value.ReadASN1(&body, asn1.SEQUENCE) || !body.ReadASN1ObjectIdentifier(&kind) {
		return false
	}
	if !kind.Equal(oidX509) {
		return true
	}
	if !body.ReadASN1(&content, explicit0) || !content.ReadASN1(&der, asn1.OCTET_STRING) {
		return false
	}
	c.add(der)
	return true
}
