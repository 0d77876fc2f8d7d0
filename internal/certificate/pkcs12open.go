package certificate

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/x509"
	stdasn1 "encoding/asn1"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
	"software.sslmate.com/src/go-pkcs12"
)

// The decoder of PKCS#12 decrypts every key that it meets. It is therefore given
// only the encrypted parts with certificates, one at a time, each in a keystore
// made for it.

// maxBMP is the last character that a password may hold.
const maxBMP = 0xffff

// open decrypts the encrypted parts.
func (k *keystore12) open(c *contents, password []byte) {
	text := string(password)
	if strings.ContainsFunc(text, func(r rune) bool { return r > maxBMP }) {
		// No keystore has such a password (RFC 7292, appendix B.1).
		c.refused(pkcs12.ErrIncorrectPassword, text)
		return
	}
	if k.protected {
		// This looks at the password first, and touches no key. It reads the trust
		// stores of Java to the end; whatever else it says is found again below.
		list, err := decode(k.data, func(data []byte) ([]*x509.Certificate, error) {
			return pkcs12.DecodeTrustStore(data, text)
		})
		switch {
		case err == nil && len(k.encrypted) == 1:
			c.addParsed(list)
			return
		case errors.Is(err, pkcs12.ErrIncorrectPassword), isUnsupportedMAC(err):
			c.refused(err, text)
			return
		}
	}
	for _, part := range k.encrypted {
		list, err := decryptPart(part, text)
		if err != nil {
			c.refused(err, text)
			continue
		}
		c.addParsed(list)
	}
}

func (c *contents) addParsed(list []*x509.Certificate) {
	for _, found := range list {
		c.add(found.Raw)
	}
}

func isUnsupportedMAC(err error) bool {
	refusal, ok := errors.AsType[pkcs12.NotImplementedError](err)
	return ok && strings.Contains(string(refusal), "MAC")
}

// refused notes why a keystore does not open. The texts of the decoder are not
// used, as they may quote what it read.
func (c *contents) refused(err error, password string) {
	_, unsupported := errors.AsType[pkcs12.NotImplementedError](err)
	switch {
	case unsupported:
		c.problem(UnsupportedKeystore, "the keystore uses an algorithm that is not supported")
	case !errors.Is(err, pkcs12.ErrIncorrectPassword) && !errors.Is(err, pkcs12.ErrDecryption):
		c.broken(err)
	case password == "":
		c.problem(NoPassword, "the keystore needs a password")
	default:
		c.problem(WrongPassword, "the password does not open the keystore")
	}
}

// broken notes why a part could not be read although the password opened it. The
// decoder has no errors for it but their texts.
func (c *contents) broken(err error) {
	text := err.Error()
	switch {
	case strings.HasPrefix(text, "x509: "):
		c.problem(Unparseable, "a certificate hides the others of an encrypted part: "+refusalText(err))
	case strings.Contains(text, "exactly one key bag"):
		c.privateKey = true
		c.problem(UnsupportedKeystore, "a private key lies in one encrypted part with certificates")
	case strings.Contains(text, "certificate missing"):
		// A part without a certificate is none of this package's business.
	default:
		c.problem(Malformed, "an encrypted part of the keystore is broken")
	}
}

// errPanic stands for a panic of the decoder.
var errPanic = errors.New("the decoder failed")

// decode calls the decoder, which was not written for hostile input.
func decode(data []byte, with func([]byte) ([]*x509.Certificate, error)) (list []*x509.Certificate, err error) {
	defer func() {
		if recover() != nil {
			list, err = nil, errPanic
		}
	}()
	return with(data)
}

// decryptPart decrypts one part. An empty password is encoded as two zero bytes
// or as none, depending on who wrote the keystore.
func decryptPart(part []byte, password string) ([]*x509.Certificate, error) {
	encodings := [][]byte{append(encodePassword(password), 0, 0)}
	if password == "" {
		encodings = append(encodings, nil)
	}
	var first error
	for _, encoded := range encodings {
		list, err := decryptEncoded(part, password, encoded)
		if err == nil {
			return list, nil
		}
		first = cmp.Or(first, err)
	}
	return nil, first
}

func encodePassword(password string) []byte {
	var encoded []byte
	for _, unit := range utf16.Encode([]rune(password)) {
		encoded = append(encoded, byte(unit>>8), byte(unit))
	}
	return encoded
}

// decryptEncoded decrypts one part by way of a keystore that holds nothing else.
// The decoder chooses the encoding of the password by the authentication code.
func decryptEncoded(part []byte, password string, encoded []byte) ([]*x509.Certificate, error) {
	wrapped, err := wrap(part, encoded)
	if err != nil {
		return nil, fmt.Errorf("wrapping a part of the keystore: %w", err)
	}
	return decode(wrapped, func(data []byte) ([]*x509.Certificate, error) {
		_, first, others, err := pkcs12.DecodeChain(data, password)
		if err != nil {
			return nil, err
		}
		return append([]*x509.Certificate{first}, others...), nil
	})
}

var (
	oidSHA1    = stdasn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidEd25519 = stdasn1.ObjectIdentifier{1, 3, 101, 112}
)

// wrap makes a keystore of one encrypted part. In front of it stands a key of
// zeros: the decoder wants exactly one, and so refuses a part with a key in it
// before it decrypts that key.
func wrap(part, password []byte) ([]byte, error) {
	var safes cryptobyte.Builder
	safes.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addData(b, func(b *cryptobyte.Builder) { b.AddASN1(asn1.SEQUENCE, addNoKey) })
		b.AddBytes(part)
	})
	content, err := safes.Bytes()
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(3)
		addData(b, func(b *cryptobyte.Builder) { b.AddBytes(content) })
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(oidSHA1)
					b.AddASN1NULL()
				})
				b.AddASN1OctetString(authenticate(content, password))
			})
			b.AddASN1OctetString(wrapSalt)
			b.AddASN1Int64(1)
		})
	})
	return b.Bytes()
}

// addData adds a ContentInfo with data in it.
func addData(b *cryptobyte.Builder, data cryptobyte.BuilderContinuation) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidData)
		b.AddASN1(explicit0, func(b *cryptobyte.Builder) { b.AddASN1(asn1.OCTET_STRING, data) })
	})
}

// addNoKey adds a bag with an Ed25519 key of zeros in PKCS#8.
func addNoKey(b *cryptobyte.Builder) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidKeyBag)
		b.AddASN1(explicit0, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(0)
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidEd25519) })
				b.AddASN1(asn1.OCTET_STRING, func(b *cryptobyte.Builder) { b.AddASN1OctetString(make([]byte, 32)) })
			})
		})
	})
}

// wrapSalt is no secret and protects nothing: the keystore that it is for does
// not leave the function that makes it.
var wrapSalt = []byte("certificate")

// authenticate is HMAC-SHA-1 with the key that RFC 7292, appendix B.2, derives of
// the password in one iteration.
func authenticate(content, password []byte) []byte {
	const block, forMAC = 64, 3
	input := bytes.Repeat([]byte{forMAC}, block)
	input = append(input, fill(wrapSalt, block)...)
	input = append(input, fill(password, block)...)
	key := sha1.Sum(input)
	mac := hmac.New(sha1.New, key[:])
	mac.Write(content)
	return mac.Sum(nil)
}

// fill repeats a text up to a multiple of the block.
func fill(text []byte, block int) []byte {
	if len(text) == 0 {
		return nil
	}
	size := (len(text) + block - 1) / block * block
	return bytes.Repeat(text, size/len(text)+1)[:size]
}
