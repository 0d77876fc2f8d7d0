package certificate

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"slices"
	"strconv"
)

// maxSerialBits is what 20 bytes of a positive INTEGER hold (RFC 5280, section
// 4.1.2.2).
const maxSerialBits = 20*8 - 1

// maxSerialText bounds a serial number in characters.
const maxSerialText = 64

// member is a certificate while its value is being read.
type member struct {
	*Certificate
	der []byte
	// parsed is nil until it is asked for.
	parsed *x509.Certificate
}

// member reads one certificate, and says why when the standard library refuses
// it. Those of CAs, and all that are shared, are interned.
func (p *Parser) member(der []byte, shared bool) (member, error) {
	fingerprint := Fingerprint(sha256.Sum256(der))
	known := p.certificates.get(fingerprint)
	if known != nil && !known.Findings.Has(Unparseable) {
		return member{Certificate: known, der: der}, nil
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		if known == nil {
			known = lenient(der, err)
			known.Fingerprint = fingerprint
			known = p.certificates.add(fingerprint, known)
		}
		return member{Certificate: known, der: der}, err
	}
	facts := p.facts(parsed)
	facts.Fingerprint = fingerprint
	if shared || facts.IsCA {
		facts = p.certificates.add(fingerprint, facts)
	}
	return member{Certificate: facts, der: der, parsed: parsed}, nil
}

// facts of a certificate, its fingerprint excepted.
func (p *Parser) facts(from *x509.Certificate) *Certificate {
	c := &Certificate{
		NotBefore:  from.NotBefore.Unix(),
		NotAfter:   from.NotAfter.Unix(),
		PublicKey:  p.publicKey(from),
		Signature:  signatureName(from.SignatureAlgorithm),
		IsCA:       from.BasicConstraintsValid && from.IsCA,
		SelfIssued: bytes.Equal(from.RawSubject, from.RawIssuer),
	}
	issuer := p.name(from.RawIssuer, from.Issuer)
	c.Issuer = issuer.value
	subject := issuer
	if !c.SelfIssued {
		subject = newName(from.Subject)
	}
	names := alternativeNames(from)
	c.NameCount = names.count
	serial, serialInvalid := serialText(from.SerialNumber)

	texts := packed{buffer: make([]byte, 0, MaxText), ends: make([]int, 0, len(names.list)+2)}
	texts.add(subject.value)
	texts.add(serial)
	for _, name := range names.list {
		texts.add(name)
	}
	list := texts.texts(make([]string, 0, len(texts.ends)))
	c.Subject, c.Serial = list[0], list[1]
	if c.SelfIssued {
		c.Subject = c.Issuer
	}
	if len(list) > 2 {
		c.Names = slices.Clone(list[2:])
	}

	c.note(TextCleaned, issuer.cleaned || subject.cleaned || names.cleaned)
	c.note(SerialInvalid, serialInvalid)
	c.note(DateInvalid, c.NotAfter < c.NotBefore || from.NotAfter.Year() > 9999)
	c.note(WeakKey, weakKey(from))
	c.note(WeakSignature, weakSignature(from.SignatureAlgorithm) && !isRoot(from))
	c.note(NoNames, c.NameCount == 0 && !c.IsCA && isServer(from))
	c.note(SelfSigned, !c.IsCA && isSelfSigned(from) && checkSignature(from, from) != refuted)
	return c
}

func (c *Certificate) note(finding Findings, holds bool) {
	if holds {
		c.Findings |= finding
	}
}

// name is the text of a distinguished name.
type name struct {
	value   string
	cleaned bool
}

// maxAttributes bounds the attributes of a distinguished name, as the time that
// it takes to put it in text grows with the square of their number.
const maxAttributes = 128

func newName(from pkix.Name) name {
	long := len(from.Names) > maxAttributes
	if long {
		kept := pkix.RelativeDistinguishedNameSET(from.Names[:maxAttributes])
		from = pkix.Name{}
		from.FillFromRDNSequence(&pkix.RDNSequence{kept})
	}
	value, cleaned := clean(from.String(), MaxText)
	return name{value: value, cleaned: cleaned || long}
}

// maxRawName bounds the names that are remembered, in bytes of their DER.
const maxRawName = 1024

// name returns the text of a name that many certificates have, so that they
// share it.
func (p *Parser) name(raw []byte, from pkix.Name) name {
	if len(raw) > maxRawName {
		return newName(from)
	}
	key := string(raw)
	text, ok := p.names.get(key)
	if !ok {
		text = newName(from)
		p.names.add(key, text)
	}
	return text
}

// alternatives are the subject alternative names of a certificate.
type alternatives struct {
	list    []string
	count   int
	cleaned bool
}

func (a *alternatives) add(prefix, value string) {
	a.count++
	if len(a.list) >= MaxNames {
		return
	}
	text, cleaned := clean(prefix+value, maxName)
	a.cleaned = a.cleaned || cleaned
	a.list = append(a.list, text)
}

func alternativeNames(from *x509.Certificate) alternatives {
	var a alternatives
	for _, dns := range from.DNSNames {
		a.add("", dns)
	}
	for _, ip := range from.IPAddresses {
		a.add("ip:", ip.String())
	}
	for _, uri := range from.URIs {
		a.add("uri:", uri.String())
	}
	for _, email := range from.EmailAddresses {
		a.add("email:", email)
	}
	return a
}

// serialText is a serial number in hex, and whether RFC 5280 forbids it.
func serialText(serial *big.Int) (text string, invalid bool) {
	invalid = serial.Sign() <= 0 || serial.BitLen() > maxSerialBits
	text = serial.Text(16)
	return text[:min(len(text), maxSerialText)], invalid
}

// isServer says that a certificate may be a server's: its usages say so, or it
// has none.
func isServer(from *x509.Certificate) bool {
	return len(from.ExtKeyUsage)+len(from.UnknownExtKeyUsage) == 0 ||
		slices.Contains(from.ExtKeyUsage, x509.ExtKeyUsageServerAuth) ||
		slices.Contains(from.ExtKeyUsage, x509.ExtKeyUsageAny)
}

// publicKey is algorithm and size.
func (p *Parser) publicKey(from *x509.Certificate) string {
	switch key := from.PublicKey.(type) {
	case *rsa.PublicKey:
		return p.sized("RSA ", key.N.BitLen())
	case *ecdsa.PublicKey:
		return curveName(key.Curve)
	case ed25519.PublicKey:
		return "Ed25519"
	case *ecdh.PublicKey:
		return "X25519"
	}
	if from.PublicKeyAlgorithm == x509.DSA {
		return "DSA"
	}
	return "unknown"
}

// sized is the name of an algorithm with the size of a key in bits, shared. It
// can't be mistaken for the DER of a name.
func (p *Parser) sized(algorithm string, bits int) string {
	text := algorithm + strconv.Itoa(bits)
	if shared, ok := p.names.get(text); ok {
		return shared.value
	}
	p.names.add(text, name{value: text})
	return text
}

func curveName(curve elliptic.Curve) string {
	switch curve {
	case elliptic.P224():
		return "ECDSA P-224"
	case elliptic.P256():
		return "ECDSA P-256"
	case elliptic.P384():
		return "ECDSA P-384"
	case elliptic.P521():
		return "ECDSA P-521"
	default:
		return "ECDSA"
	}
}

func weakKey(from *x509.Certificate) bool {
	switch key := from.PublicKey.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() < 2048
	case *ecdsa.PublicKey:
		return key.Curve != elliptic.P256() && key.Curve != elliptic.P384() && key.Curve != elliptic.P521()
	default:
		return from.PublicKeyAlgorithm == x509.DSA
	}
}

func signatureName(algorithm x509.SignatureAlgorithm) string {
	if algorithm == x509.UnknownSignatureAlgorithm {
		return "unknown"
	}
	return algorithm.String()
}

func weakSignature(algorithm x509.SignatureAlgorithm) bool {
	switch algorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return true
	default:
		return false
	}
}
