package certificate

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBundleFormats(t *testing.T) {
	t.Parallel()
	a, b := newCA(t, nil, "a"), newCA(t, nil, "b")
	leaf := newLeaf(t, a, "leaf")
	key := a.keyPEM(t)
	block, _ := pem.Decode(key)
	keyDER := block.Bytes
	both := chainOf(a, b)
	labelled := func(label string, extra []byte) []byte {
		text := base64.StdEncoding.EncodeToString(append(bytes.Clone(a.der), extra...))
		return []byte("-----BEGIN " + label + "-----\n" + text + "\n-----END " + label + "-----\n")
	}
	mislabelled := bytes.ReplaceAll(key, []byte("PRIVATE KEY"), []byte("CERTIFICATE"))
	cases := map[string]struct {
		data     []byte
		format   Format
		count    int
		key      bool
		findings Findings
	}{
		"PEM":                     {both, PEM, 2, false, 0},
		"PEM with CRLF":           {bytes.ReplaceAll(both, []byte("\n"), []byte("\r\n")), PEM, 2, false, 0},
		"PEM with a mark":         {append([]byte("\xef\xbb\xbf"), both...), PEM, 2, false, 0},
		"PEM that is indented":    {bytes.ReplaceAll(both, []byte("\n"), []byte("\n    ")), PEM, 2, false, 0},
		"PEM in one line":         {bytes.ReplaceAll(both, []byte("\n"), []byte(" ")), PEM, 2, false, 0},
		"PEM between text":        {[]byte("# the root\n" + string(a.pem()) + "more text\n" + string(b.pem()) + "end"), PEM, 2, false, 0},
		"PEM with a key before":   {append(bytes.Clone(key), both...), PEM, 2, true, 0},
		"PEM with a key behind":   {append(bytes.Clone(both), key...), PEM, 2, true, 0},
		"a key alone":             {key, PEM, 0, true, Empty},
		"a key without an end":    {append(bytes.Clone(both), key[:60]...), PEM, 2, true, 0},
		"another label":           {labelled("X509 CERTIFICATE", nil), PEM, 1, false, 0},
		"a label of OpenSSL":      {labelled("TRUSTED CERTIFICATE", []byte("\x30\x00")), PEM, 1, false, 0},
		"bytes behind":            {labelled("CERTIFICATE", []byte("\x30\x00")), PEM, 1, false, Unparseable},
		"PEM with headers":        {bytes.Replace(a.pem(), []byte("-----\n"), []byte("-----\nSubject: x\nIssuer: y\n\n"), 1), PEM, 1, false, 0},
		"a key called otherwise":  {append(mislabelled, both...), PEM, 2, true, Malformed},
		"other blocks":            {append([]byte("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"), both...), PEM, 2, false, 0},
		"cut off":                 {both[:len(both)-40], PEM, 1, false, Malformed},
		"cut off in the middle":   {append(bytes.Clone(a.pem()[:100]), b.pem()...), PEM, 1, false, Malformed},
		"no base64":               {append([]byte("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"), b.pem()...), PEM, 1, false, Malformed},
		"a label that never ends": {[]byte("-----BEGIN " + strings.Repeat("x", 200)), PEM, 0, false, Malformed},
		"another end":             {[]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"), PEM, 0, false, Malformed},
		"DER":                     {a.der, DER, 1, false, 0},
		"two in DER":              {append(bytes.Clone(a.der), b.der...), DER, 2, false, 0},
		"a key in DER":            {keyDER, DER, 0, true, Empty},
		"DER with a key behind":   {append(bytes.Clone(a.der), keyDER...), DER, 1, true, 0},
		"DER cut off":             {append(bytes.Clone(a.der), b.der[:20]...), DER, 1, false, Malformed},
		"DER of something else":   {[]byte("\x30\x03\x0c\x01a"), DER, 1, false, Unparseable},
		"nothing":                 {nil, FormatUnknown, 0, false, Empty},
		"spaces":                  {[]byte(" \n\t "), FormatUnknown, 0, false, Empty},
		"text":                    {[]byte("REPLACE ME"), FormatUnknown, 0, false, Malformed},
		"encoded twice":           {[]byte(base64.StdEncoding.EncodeToString(both)), FormatUnknown, 0, false, Malformed},
		"one twice":               {chainOf(a, b, a), PEM, 3, false, Duplicate},
		"one that is no CA":       {chainOf(a, leaf), PEM, 2, false, NotACA},
		"too large":               {bytes.Repeat([]byte("x"), MaxValue+1), FormatUnknown, 0, false, TooLarge},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := NewParser().Bundle(test.data)
			if got.Format != test.format || got.Count != test.count || got.PrivateKey != test.key || len(got.Certificates) != test.count {
				t.Errorf("format %d, %d certificates, key %t", got.Format, got.Count, got.PrivateKey)
			}
			if diff := cmp.Diff(test.findings.Strings(), got.Findings.Strings()); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if got.Findings.Has(Unreadable) != (len(got.Problems) > 0) {
				t.Errorf("findings %v with the problems %v", got.Findings.Strings(), got.Problems)
			}
			checkTexts(t, got)
		})
	}
}

func TestLargeBundlesAreBounded(t *testing.T) {
	t.Parallel()
	one, two := newCA(t, nil, "a"), newCA(t, nil, "b")
	data := bytes.Repeat(one.pem(), 10<<20/len(one.pem()))
	got := NewParser().Bundle(data)
	if got.Count < 10_000 || len(got.Certificates) != MaxCertificates || !got.Findings.Has(TooLarge) || !got.Findings.Has(Duplicate) {
		t.Errorf("%d certificates, %d kept, findings %v", got.Count, len(got.Certificates), got.Findings.Strings())
	}
	checkTexts(t, got)
	// What is not kept counts for the digest all the same.
	if other := NewParser().Bundle(append(bytes.Clone(data), two.pem()...)); other.Digest == got.Digest {
		t.Error("two large values have one digest")
	}
}

func TestPrivateKeysAreNotDecoded(t *testing.T) {
	t.Parallel()
	ca := newCA(t, nil, "a")
	found := read(append(ca.keyPEM(t), ca.pem()...))
	if len(found.list) != 1 || !bytes.Equal(found.list[0], ca.der) || !found.privateKey {
		t.Errorf("%d blocks were decoded", len(found.list))
	}
}

func TestResultsShareNoMemoryWithTheInput(t *testing.T) {
	t.Parallel()
	root := newCA(t, nil, "root")
	leaf := newLeaf(t, root, "a.example")
	p := NewParser()
	cases := map[string]struct{ chain, authority []byte }{
		"PEM": {leaf.pem(), root.pem()},
		"DER": {bytes.Clone(leaf.der), bytes.Clone(root.der)},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			served, trust := p.Chain(test.chain, test.authority)
			before := texts(served) + texts(trust)
			for _, data := range [][]byte{test.chain, test.authority} {
				for i := range data {
					data[i] = 0xAA
				}
			}
			if diff := cmp.Diff(before, texts(served)+texts(trust)); diff != "" {
				t.Errorf("texts (-before +after):\n%s", diff)
			}
			// Nor does what the parser remembers.
			again := newLeaf(t, root, "b.example")
			if next, _ := p.Chain(again.pem(), root.pem()); next.Findings != 0 {
				t.Errorf("findings of the next one: %v", next.Findings.Strings())
			}
			if next, _ := p.Chain(newLeaf(t, root, "c.example").pem(), root.pem()); next.First().Issuer != "CN=root" {
				t.Errorf("issuer of the next one: %q", next.First().Issuer)
			}
		})
	}
}

// texts are all texts of a bundle, copied.
func texts(b *Bundle) string {
	var out strings.Builder
	for _, c := range b.Certificates {
		fmt.Fprintf(&out, "%+v\n", *c)
	}
	fmt.Fprintf(&out, "%v", b.Problems)
	return out.String()
}

func TestLooksLike(t *testing.T) {
	t.Parallel()
	ca := newCA(t, nil, "a")
	for text, want := range map[string]bool{
		string(ca.pem()):                      true,
		"x\n" + string(ca.pem()):              true,
		"-----BEGIN TRUSTED CERTIFICATE-----": true,
		"-----BEGIN CERTIFICATE REQUEST-----": false,
		string(ca.keyPEM(t)):                  false,
		"":                                    false,
	} {
		if got := LooksLikeCertificate([]byte(text)); got != want {
			t.Errorf("%t for %.40q", got, text)
		}
	}
	for text, want := range map[string]Format{
		"\xfe\xed\xfe\xed":             JKS,
		"\xce\xce\xce\xce":             JCEKS,
		"\x30\x82\x01\x00\x02\x01\x03": PKCS12,
		"\x30\x80\x02\x01\x03":         PKCS12,
		"\x30\x03\x02\x01\x03":         PKCS12,
		string(ca.der):                 FormatUnknown,
		"\x30\xff\xff\xff":             FormatUnknown,
		"x":                            FormatUnknown,
		"":                             FormatUnknown,
	} {
		if got := LooksLikeKeystore([]byte(text)); got != want {
			t.Errorf("%d for %.20q", got, text)
		}
	}
}
