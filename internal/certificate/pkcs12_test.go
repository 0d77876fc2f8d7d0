package certificate

import (
	"crypto/x509"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
	"software.sslmate.com/src/go-pkcs12"
)

// withoutMAC drops the message authentication code of a keystore.
func withoutMAC(t *testing.T, data []byte) []byte {
	t.Helper()
	input := cryptobyte.String(data)
	var body, info cryptobyte.String
	var version int64
	if !input.ReadASN1(&body, asn1.SEQUENCE) || !body.ReadASN1Integer(&version) || !body.ReadASN1Element(&info, asn1.SEQUENCE) {
		t.Fatal("no keystore")
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(version)
		b.AddBytes(info)
	})
	return b.BytesOrPanic()
}

func TestEncryptedWithoutMAC(t *testing.T) {
	t.Parallel()
	k := newKeystores(t)
	data := withoutMAC(t, k.pkcs12(t, pkcs12.Modern2023, "changeit"))
	p := NewParser()
	if got := p.Keystore(data, []byte("changeit")); got.Findings != 0 || got.Count != 3 || !got.PrivateKey {
		t.Errorf("%d certificates, findings %v", got.Count, got.Findings.Strings())
	}
	if got := p.Keystore(data, []byte("changed")); !got.Findings.Has(WrongPassword|Malformed) || got.Count != 0 {
		t.Errorf("wrong password: %d certificates, findings %v", got.Count, got.Findings.Strings())
	}
}

// A private key among encrypted certificates is not decrypted.
func TestKeyAmongEncryptedCertificates(t *testing.T) {
	t.Parallel()
	k := newKeystores(t)
	// The part of the keys is not encrypted as such: it stands for a part that is,
	// which comes to the decoder behind the key of zeros in the same way.
	part := keyPart(t, k.pkcs12(t, pkcs12.Modern2023, "changeit"))
	_, err := decryptPart(part, "changeit")
	if err == nil {
		t.Fatal("a key was decrypted")
	}
	c := &contents{}
	c.refused(err, "changeit")
	if !c.privateKey || c.findings != UnsupportedKeystore {
		t.Errorf("key %t, findings %v, error %v", c.privateKey, c.findings.Strings(), err)
	}
}

// keyPart is the second part of a keystore, which holds the key.
func keyPart(t *testing.T, data []byte) []byte {
	t.Helper()
	input := cryptobyte.String(data)
	var body, info, content, octets, safes, part cryptobyte.String
	var version int64
	if !input.ReadASN1(&body, asn1.SEQUENCE) || !body.ReadASN1Integer(&version) || !body.ReadASN1(&info, asn1.SEQUENCE) ||
		!info.SkipASN1(asn1.OBJECT_IDENTIFIER) || !info.ReadASN1(&content, explicit0) ||
		!content.ReadASN1(&octets, asn1.OCTET_STRING) || !octets.ReadASN1(&safes, asn1.SEQUENCE) ||
		!safes.SkipASN1(asn1.SEQUENCE) || !safes.ReadASN1Element(&part, asn1.SEQUENCE) {
		t.Fatal("no second part")
	}
	return part
}

func TestDecoderMayPanic(t *testing.T) {
	t.Parallel()
	_, err := decode(nil, func([]byte) ([]*x509.Certificate, error) { panic("broken") })
	c := &contents{}
	c.refused(err, "x")
	if c.findings != Malformed {
		t.Errorf("findings %v, error %v", c.findings.Strings(), err)
	}
}
