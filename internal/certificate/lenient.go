package certificate

import (
	"bytes"
	"crypto/x509/pkix"
	stdasn1 "encoding/asn1"
	"math/big"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// maxSerialBytes bounds the serial numbers that are converted.
const maxSerialBytes = 64

// lenient reads what it can of a certificate that the standard library refuses:
// serial number, names and dates (RFC 5280, section 4.1). Anything else that
// comes in the place of a certificate, such as a key, does not have this form and
// leaves no trace.
func lenient(der []byte, refusal error) *Certificate {
	c := &Certificate{Findings: Unparseable}
	c.note(WeakKey, strings.Contains(refusal.Error(), "unsupported elliptic curve"))
	input := cryptobyte.String(der)
	var body, signed, serial, algorithm, issuer, validity, subject cryptobyte.String
	if !input.ReadASN1(&body, asn1.SEQUENCE) || !body.ReadASN1(&signed, asn1.SEQUENCE) ||
		!signed.SkipOptionalASN1(explicit0) ||
		!signed.ReadASN1(&serial, asn1.INTEGER) || !signed.ReadASN1(&algorithm, asn1.SEQUENCE) ||
		!signed.ReadASN1Element(&issuer, asn1.SEQUENCE) || !signed.ReadASN1(&validity, asn1.SEQUENCE) ||
		!signed.ReadASN1Element(&subject, asn1.SEQUENCE) {
		return c
	}
	c.serial(serial)
	from, ok := readTime(&validity)
	to, also := readTime(&validity)
	if ok && also {
		c.NotBefore, c.NotAfter = from.Unix(), to.Unix()
		c.note(DateInvalid, c.NotAfter < c.NotBefore)
	}
	c.Issuer = c.lenientName(issuer)
	c.Subject = c.lenientName(subject)
	c.SelfIssued = bytes.Equal(issuer, subject)
	return c
}

// serial takes the content of an INTEGER as two's complement.
func (c *Certificate) serial(content []byte) {
	if len(content) == 0 || len(content) > maxSerialBytes {
		c.Findings |= SerialInvalid
		return
	}
	value := new(big.Int).SetBytes(content)
	if content[0]&0x80 != 0 {
		value.Sub(value, new(big.Int).Lsh(big.NewInt(1), uint(len(content))*8))
	}
	text, invalid := serialText(value)
	c.Serial = text
	c.note(SerialInvalid, invalid)
}

func (c *Certificate) lenientName(der []byte) string {
	var list pkix.RDNSequence
	if len(der) > maxRawName {
		return ""
	}
	if _, err := stdasn1.Unmarshal(der, &list); err != nil {
		return ""
	}
	text, cleaned := clean(list.String(), MaxText)
	c.note(TextCleaned, cleaned)
	return text
}

func readTime(input *cryptobyte.String) (value time.Time, ok bool) {
	if input.PeekASN1Tag(asn1.UTCTime) {
		ok = input.ReadASN1UTCTime(&value)
	} else {
		ok = input.ReadASN1GeneralizedTime(&value)
	}
	return value, ok
}

// refusalText says why a certificate was refused without quoting it: what the
// standard library quotes of a certificate stands between quotation marks, and
// what follows may stem from it as well.
func refusalText(err error) string {
	text, _, _ := strings.Cut(err.Error(), `"`)
	text, _ = clean(strings.TrimSpace(text), maxName)
	return text
}
