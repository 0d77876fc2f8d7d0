package certificate

import (
	"bytes"
	"encoding/base64"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// contents are what a value holds before any certificate is parsed.
type contents struct {
	format Format
	// list is the DER of the certificates, at most MaxCertificates. It may share
	// memory with the value.
	list [][]byte
	// count of certificates.
	count int
	// chain is how many of the first ones belong to the first private key, 0 when
	// that is not known.
	chain      int
	privateKey bool
	findings   Findings
	problems   []Problem
}

const tooManyCertificates = "more certificates than are kept"

func (c *contents) add(der []byte) {
	c.count++
	if len(c.list) < MaxCertificates {
		c.list = append(c.list, der)
		return
	}
	c.problem(TooLarge, tooManyCertificates)
}

// problem notes a finding, and what it is about once.
func (c *contents) problem(finding Findings, message string) {
	c.findings |= finding
	for _, known := range c.problems {
		if known.Message == message {
			return
		}
	}
	if len(c.problems) < MaxProblems {
		c.problems = append(c.problems, Problem{Finding: finding, Message: message})
	}
}

var (
	byteOrderMark = []byte("\xef\xbb\xbf")
	// encodedTwice is how PEM starts in base64.
	encodedTwice = []byte("LS0tLS1CRUdJTi")
)

// read finds the certificates of a value in PEM or DER.
func read(data []byte) *contents {
	c := &contents{}
	text := bytes.TrimSpace(bytes.TrimPrefix(data, byteOrderMark))
	switch {
	case len(data) > MaxValue:
		c.problem(TooLarge, "the value is too large to be read")
	case len(text) == 0:
		c.problem(Empty, "the value is empty")
	case bytes.Contains(text, pemBegin):
		c.format = PEM
		c.readPEM(text)
	case data[0] == byte(asn1.SEQUENCE):
		c.format = DER
		c.readDER(data)
	case bytes.HasPrefix(text, encodedTwice):
		c.problem(Malformed, "the value is base64 of PEM: it was encoded twice")
	default:
		c.problem(Malformed, "neither PEM nor DER")
	}
	return c
}

// readDER reads certificates one behind the other.
func (c *contents) readDER(data []byte) {
	rest := cryptobyte.String(data)
	for !rest.Empty() {
		var element cryptobyte.String
		if !rest.ReadASN1Element(&element, asn1.SEQUENCE) {
			c.problem(Malformed, "DER is cut off, or something else follows it")
			return
		}
		if isPrivateKey(element) {
			c.privateKey = true
			continue
		}
		c.add(element)
	}
	if c.count == 0 {
		c.problem(Empty, "a private key without a certificate")
	}
}

// isPrivateKey says that an element is a key of PKCS#1, PKCS#8 or SEC 1. All of
// them start with a version, which is 0 or 1, as no certificate does.
func isPrivateKey(element cryptobyte.String) bool {
	var body cryptobyte.String
	var version int
	return element.ReadASN1(&body, asn1.SEQUENCE) && body.PeekASN1Tag(asn1.INTEGER) &&
		body.ReadASN1Integer(&version) && version >= 0 && version <= 1
}

var (
	pemBegin = []byte("-----BEGIN ")
	pemEnd   = []byte("-----END ")
	pemDash  = []byte("-----")

	pemPrivateKey = []byte("PRIVATE KEY")
)

// maxLabel bounds the label of a PEM block.
const maxLabel = 64

// labelTrusted is OpenSSL's, for a certificate followed by what it is trusted
// for.
const labelTrusted = "TRUSTED CERTIFICATE"

// certificateLabels are what a certificate goes by (OpenSSL's pem.h).
var certificateLabels = [...]string{"CERTIFICATE", "X509 CERTIFICATE", labelTrusted}

func isCertificate(label []byte) bool { return slices.Contains(certificateLabels[:], string(label)) }

// readPEM reads the blocks of certificates. Others are passed over without being
// decoded, so that no copy is made of a key. Unlike encoding/pem it finds blocks
// that are indented, and says where one is broken.
func (c *contents) readPEM(text []byte) {
	for {
		start := bytes.Index(text, pemBegin)
		if start < 0 {
			break
		}
		text = text[start+len(pemBegin):]
		label, body, rest, whole := cutBlock(text)
		if bytes.HasSuffix(label, pemPrivateKey) {
			c.privateKey = true
		}
		switch {
		case !whole && (label == nil || isCertificate(label)):
			c.problem(Malformed, "a PEM block has no end")
		case whole && isCertificate(label):
			c.addBlock(label, body)
		}
		text = rest
	}
	if c.count == 0 && !c.findings.Has(Malformed) {
		c.problem(Empty, "PEM without a certificate")
	}
}

// cutBlock cuts the block whose BEGIN was read. A block ends at the next dashes;
// when these are not its own END it is not whole.
func cutBlock(text []byte) (label, body, rest []byte, whole bool) {
	end := bytes.Index(text[:min(len(text), maxLabel+len(pemDash))], pemDash)
	if end < 0 || bytes.ContainsAny(text[:end], "\r\n") {
		return nil, nil, text, false
	}
	label, text = text[:end], text[end+len(pemDash):]
	end = bytes.Index(text, pemDash)
	if end < 0 {
		return label, nil, nil, false
	}
	body, rest = text[:end], text[end:]
	after, ok := bytes.CutPrefix(rest, pemEnd)
	if !ok {
		return label, nil, rest, false
	}
	after, ok = bytes.CutPrefix(after, label)
	if !ok || !bytes.HasPrefix(after, pemDash) {
		return label, nil, after, false
	}
	return label, body, after[len(pemDash):], true
}

// addBlock decodes a block.
func (c *contents) addBlock(label, body []byte) {
	if len(c.list) >= MaxCertificates {
		c.add(nil)
		return
	}
	der, ok := decodeBase64(afterHeaders(body))
	if !ok {
		c.problem(Malformed, "a PEM block is not base64")
		return
	}
	if string(label) == labelTrusted {
		element, rest := cryptobyte.String(nil), cryptobyte.String(der)
		if rest.ReadASN1Element(&element, asn1.SEQUENCE) {
			der = element
		}
	}
	if isPrivateKey(der) {
		clear(der)
		c.privateKey = true
		c.problem(Malformed, "a PEM block is called a certificate and holds a private key")
		return
	}
	c.add(der)
}

// afterHeaders passes over the headers of a block (RFC 1421), which end with an
// empty line.
func afterHeaders(body []byte) []byte {
	if bytes.IndexByte(body, ':') < 0 {
		return body
	}
	for _, blank := range [...]string{"\n\n", "\n\r\n"} {
		if i := bytes.Index(body, []byte(blank)); i > 0 {
			return body[i:]
		}
	}
	return body
}

// decodeBase64 decodes into memory of its own, whatever white space there is.
func decodeBase64(body []byte) ([]byte, bool) {
	compact := make([]byte, 0, len(body))
	for _, line := range bytes.Fields(body) {
		compact = append(compact, line...)
	}
	n, err := base64.StdEncoding.Decode(compact, compact)
	if err != nil {
		// It may be the wrong thing under the wrong label.
		clear(compact)
		return nil, false
	}
	return compact[:n], n > 0
}
