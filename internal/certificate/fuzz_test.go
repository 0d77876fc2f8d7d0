package certificate

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"software.sslmate.com/src/go-pkcs12"
)

// checkBundle asserts what holds of every result, whatever the input.
func checkBundle(t *testing.T, b *Bundle) {
	t.Helper()
	checkTexts(t, b)
	if b.Findings.Has(Unreadable) && len(b.Problems) == 0 {
		t.Errorf("findings %v without a problem", b.Findings.Strings())
	}
	if len(b.Findings.Strings()) == 0 != (b.Findings == 0) {
		t.Errorf("findings %b have no names", b.Findings)
	}
	if (b.Digest == Fingerprint{}) != (b.Count == 0) {
		t.Errorf("digest %v of %d certificates", b.Digest, b.Count)
	}
	if b.Count == 0 && !b.Findings.Has(Unreadable) {
		t.Error("nothing was found, and nothing says so")
	}
}

// spoil changes the input, and asserts that results stay as they are.
func spoil(t *testing.T, data []byte, results ...*Bundle) {
	t.Helper()
	before := make([]string, 0, len(results))
	for _, b := range results {
		before = append(before, strings.Clone(texts(b)))
	}
	for i := range data {
		data[i] = 0xAA
	}
	for i, b := range results {
		if texts(b) != before[i] {
			t.Error("the result shares memory with the input")
		}
	}
}

func FuzzBundle(f *testing.F) {
	root := newCA(f, nil, "root")
	leaf := newLeaf(f, root, "a.example")
	all := append(append(root.pem(), leaf.keyPEM(f)...), leaf.pem()...)
	for _, seed := range [][]byte{
		nil, all, all[:len(all)/2], root.der, append(bytes.Clone(root.der), leaf.der...), root.der[:50],
		[]byte("-----BEGIN "), []byte("-----BEGIN CERTIFICATE-----"), []byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"),
		[]byte("\x30\x80\x00\x00"), []byte("\x30\x84\xff\xff\xff\xff"), bytes.Repeat([]byte("-----BEGIN CERTIFICATE-----"), 50),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		data = bytes.Clone(data)
		LooksLikeCertificate(data)
		p := NewParser()
		b := p.Bundle(data)
		checkBundle(t, b)
		if p.Bundle(data) != b {
			t.Error("an equal value is another one")
		}
		spoil(t, data, b)
	})
}

func FuzzChain(f *testing.F) {
	root := newCA(f, nil, "root")
	inter := newCA(f, root, "inter")
	leaf := newLeaf(f, inter, "a.example")
	f.Add(chainOf(leaf, inter), root.pem())
	f.Add(chainOf(leaf, root, inter), []byte(nil))
	f.Add(chainOf(inter, leaf, leaf), chainOf(root, root))
	f.Add(leaf.der, root.der)
	f.Add(leaf.der[:100], []byte("x"))
	f.Fuzz(func(t *testing.T, chain, authority []byte) {
		chain, authority = bytes.Clone(chain), bytes.Clone(authority)
		served, trust := NewParser().Chain(chain, authority)
		checkBundle(t, served)
		results := []*Bundle{served}
		if (trust == nil) != (len(authority) == 0) {
			t.Errorf("trust %v of %d bytes", trust, len(authority))
		}
		if trust != nil {
			checkBundle(t, trust)
			results = append(results, trust)
		}
		spoil(t, chain, results...)
		spoil(t, authority, results...)
	})
}

// FuzzCertificate puts any bytes into the form of a certificate, which FuzzBundle
// does not often find.
func FuzzCertificate(f *testing.F) {
	root := newCA(f, nil, "root")
	f.Add(root.der)
	f.Add(newLeaf(f, root, "a.example", fetchable).der)
	f.Fuzz(func(t *testing.T, der []byte) {
		if len(der) > 1<<16 {
			return
		}
		checkBundle(t, NewParser().Bundle(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
		// Whatever the standard library says, what is read leniently is in order.
		if _, err := x509.ParseCertificate(der); err != nil {
			c := lenient(der, err)
			checkTexts(t, &Bundle{Certificates: []*Certificate{c}, Count: 1, Findings: c.Findings})
		}
	})
}

func FuzzKeystore(f *testing.F) {
	k := newKeystores(f)
	f.Add(k.jks(f, true, "x"), []byte("x"))
	f.Add(asJCEKS(k.jks(f, true, "x")), []byte(nil))
	f.Add(k.pkcs12(f, pkcs12.LegacyRC2, "x"), []byte("x"))
	f.Add(k.pkcs12(f, pkcs12.Modern2023, ""), []byte(nil))
	f.Add(k.trust12(f, pkcs12.Modern2026, "x"), []byte("x"))
	f.Add(k.trust12(f, pkcs12.Passwordless, ""), []byte("\xff"))
	f.Add([]byte("\xfe\xed\xfe\xed\x00\x00\x00\x02\xff\xff\xff\xff"), []byte("x"))
	f.Fuzz(func(t *testing.T, data, password []byte) {
		// Many iterations are right to take long.
		if k := (&keystore12{data: data}); k.scan(&contents{}) && k.iterations > 10_000 {
			return
		}
		data = bytes.Clone(data)
		b := NewParser().Keystore(data, password)
		checkBundle(t, b)
		spoil(t, data, b)
	})
}
