package certificate

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"math/bits"
	"net"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

func TestFindingNamesAreInStep(t *testing.T) {
	t.Parallel()
	if got, want := len(findingNames), bits.TrailingZeros64(uint64(lastFinding)); got != want {
		t.Fatalf("%d names for %d findings", got, want)
	}
	pairs := map[Findings]string{Malformed: "Malformed", NoNames: "NoNames", SelfSigned: "SelfSigned", PrivateKeyExposed: "PrivateKeyExposed"}
	for finding, want := range pairs {
		if diff := cmp.Diff([]string{want}, finding.Strings()); diff != "" {
			t.Errorf("name (-want +got):\n%s", diff)
		}
	}
	if diff := cmp.Diff(AllFindings(), (lastFinding - 1).Strings()); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	root := newCA(t, nil, "root")
	leaf := newLeaf(t, root, "a.example", asServer("a.example", "*.b.example"), func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: "a, the first", Organization: []string{"Acme"}, Country: []string{"CH"}}
		c.SerialNumber = big.NewInt(0xabcdef)
		c.IPAddresses = []net.IP{net.ParseIP("10.0.0.1"), net.ParseIP("2001:db8::1")}
		c.URIs = []*url.URL{{Scheme: "spiffe", Host: "cluster.local", Path: "/ns/a"}}
		c.EmailAddresses = []string{"a@example"}
	})
	served, trust := NewParser().Chain(leaf.pem(), root.pem())
	want := &Certificate{
		Fingerprint: served.First().Fingerprint,
		Subject:     `CN=a\, the first,O=Acme,C=CH`,
		Issuer:      "CN=root",
		Serial:      "abcdef",
		Names: []string{
			"a.example", "*.b.example", "ip:10.0.0.1", "ip:2001:db8::1", "uri:spiffe://cluster.local/ns/a", "email:a@example",
		},
		NameCount: 6,
		NotBefore: testTime.Unix(),
		NotAfter:  testTime.AddDate(1, 0, 0).Unix(),
		PublicKey: "ECDSA P-256",
		Signature: "ECDSA-SHA256",
	}
	if diff := cmp.Diff(want, served.First()); diff != "" {
		t.Errorf("leaf (-want +got):\n%s", diff)
	}
	authority := trust.First()
	if !authority.IsCA || !authority.SelfIssued || authority.Subject != "CN=root" || trust.Findings != 0 {
		t.Errorf("root %+v, findings %v", authority, trust.Findings.Strings())
	}
}

func TestCertificateFindings(t *testing.T) {
	t.Parallel()
	root := newCA(t, nil, "root")
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	noNames := func(c *x509.Certificate) { c.DNSNames = nil }
	cases := map[string]struct {
		cert *testCert
		want Findings
		key  string
	}{
		"a good one":            {newLeaf(t, root, "a.example"), 0, "ECDSA P-256"},
		"Ed25519":               {issue(t, root, edKey, "a", asServer("a.example")), 0, "Ed25519"},
		"a short RSA key":       {issue(t, root, weakRSA(t), "a", asServer("a.example")), WeakKey, "RSA 1024"},
		"a short curve":         {issue(t, root, p224, "a", asServer("a.example")), WeakKey, "ECDSA P-224"},
		"no names":              {newLeaf(t, root, "a.example", noNames), NoNames, "ECDSA P-256"},
		"no names and no usage": {issue(t, root, newKey(t), "a"), NoNames, "ECDSA P-256"},
		"no names of a client": {newLeaf(t, root, "a.example", noNames, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}), 0, "ECDSA P-256"},
		"a CA without names":        {newCA(t, root, "inter"), 0, "ECDSA P-256"},
		"self-signed and no CA":     {newLeaf(t, nil, "a.example"), SelfSigned, "ECDSA P-256"},
		"the longest serial number": {newLeaf(t, root, "a.example", func(c *x509.Certificate) { c.SerialNumber = new(big.Int).Lsh(big.NewInt(1), 158) }), 0, "ECDSA P-256"},
		"ends before it starts":     {newLeaf(t, root, "a.example", until(testTime.AddDate(-1, 0, 0))), DateInvalid, "ECDSA P-256"},
		"a name with a bidirectional mark": {newLeaf(t, root, "a.example", func(c *x509.Certificate) {
			c.Subject.CommonName = "a\u202eb"
		}), TextCleaned, "ECDSA P-256"},
		"a name with a line in it": {newLeaf(t, root, "a.example", func(c *x509.Certificate) {
			c.Subject.CommonName = "a\nb"
		}), TextCleaned, "ECDSA P-256"},
		"a name that is too long": {newLeaf(t, root, "a.example", func(c *x509.Certificate) {
			c.Subject.CommonName = strings.Repeat("ä", 2048)
		}), TextCleaned, "ECDSA P-256"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			served, _ := NewParser().Chain(test.cert.pem(), root.pem())
			c := served.First()
			if diff := cmp.Diff(test.want.Strings(), c.Findings.Strings()); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if c.PublicKey != test.key {
				t.Errorf("key %q", c.PublicKey)
			}
			checkTexts(t, served)
		})
	}
}

func TestPublicKeyNames(t *testing.T) {
	t.Parallel()
	root := newCA(t, nil, "root")
	p := NewParser()
	for want, curve := range map[string]elliptic.Curve{"ECDSA P-384": elliptic.P384(), "ECDSA P-521": elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := p.Bundle(issue(t, root, key, "a", asCA).pem()).First()
		if c.PublicKey != want || c.Findings != 0 {
			t.Errorf("%q, findings %v", c.PublicKey, c.Findings.Strings())
		}
	}
	first := p.Bundle(issue(t, root, weakRSA(t), "a").pem()).First()
	second := p.Bundle(issue(t, root, weakRSA(t), "b").pem()).First()
	if unsafe.StringData(first.PublicKey) != unsafe.StringData(second.PublicKey) || unsafe.StringData(first.Issuer) != unsafe.StringData(second.Issuer) {
		t.Error("texts that repeat are not shared")
	}
	// P-192, which the standard library does not know.
	odd := newLeaf(t, root, "a.example").patched(t, []byte("\x2a\x86\x48\xce\x3d\x03\x01\x07"), []byte("\x2a\x86\x48\xce\x3d\x03\x01\x01"))
	if got := p.Bundle(odd).First(); got.Findings != Unparseable|WeakKey || got.NotAfter == 0 {
		t.Errorf("an unknown curve: findings %v", got.Findings.Strings())
	}
}

func TestSerialNumbers(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		serial  *big.Int
		text    string
		invalid bool
	}{
		"zero":          {big.NewInt(0), "0", true},
		"negative":      {big.NewInt(-255), "-ff", true},
		"the longest":   {new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 159), big.NewInt(1)), "7" + strings.Repeat("f", 39), false},
		"one too long":  {new(big.Int).Lsh(big.NewInt(1), 159), "8" + strings.Repeat("0", 39), true},
		"far too long":  {new(big.Int).Lsh(big.NewInt(1), 4000), "1" + strings.Repeat("0", 63), true},
		"a common one ": {big.NewInt(0x0a1b), "a1b", false},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, invalid := serialText(test.serial)
			if text != test.text || invalid != test.invalid {
				t.Errorf("%q, invalid %t", text, invalid)
			}
		})
	}
}

func TestManyNamesAreCountedAndBounded(t *testing.T) {
	t.Parallel()
	names := make([]string, 0, 5000)
	for i := range cap(names) {
		names = append(names, fmt.Sprintf("host-%d.example", i))
	}
	names[3] = strings.Repeat("x", 1000)
	b := NewParser().Bundle(newLeaf(t, newCA(t, nil, "root"), "a.example", asServer(names...)).pem())
	c := b.First()
	if c.NameCount != 5000 || len(c.Names) != MaxNames || c.Names[2] != "host-2.example" || len(c.Names[3]) != maxName {
		t.Errorf("%d names, %d kept", c.NameCount, len(c.Names))
	}
	if !c.Findings.Has(TextCleaned) {
		t.Error("a cut name is no finding")
	}
}

func TestNamesOfManyAttributesAreBounded(t *testing.T) {
	t.Parallel()
	leaf := newLeaf(t, newCA(t, nil, "root"), "a.example", func(c *x509.Certificate) {
		for range 60_000 {
			c.Subject.ExtraNames = append(c.Subject.ExtraNames, pkix.AttributeTypeAndValue{Type: []int{2, 5, 4, 11}, Value: "x"})
		}
	})
	c := NewParser().Bundle(leaf.pem()).First()
	if !c.Findings.Has(TextCleaned) || !strings.Contains(c.Subject, "OU=x") || len(c.Subject) > MaxText {
		t.Errorf("subject %q, findings %v", c.Subject, c.Findings.Strings())
	}
}

func TestRefusedCertificatesLeaveTraces(t *testing.T) {
	t.Parallel()
	root := newCA(t, nil, "root")
	leaf := newLeaf(t, root, "a.example", func(c *x509.Certificate) { c.SerialNumber = big.NewInt(0x1234567890) })
	negative := leaf.patched(t, []byte("\x02\x05\x12\x34\x56\x78\x90"), []byte("\x02\x05\xf2\x34\x56\x78\x90"))
	b := NewParser().Bundle(negative)
	want := &Certificate{
		Fingerprint: b.First().Fingerprint,
		Subject:     "CN=a.example",
		Issuer:      "CN=root",
		Serial:      "-dcba98770",
		NotBefore:   testTime.Unix(),
		NotAfter:    testTime.AddDate(1, 0, 0).Unix(),
		Findings:    Unparseable | SerialInvalid,
	}
	if diff := cmp.Diff(want, b.First()); diff != "" {
		t.Errorf("negative serial (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Problem{{Unparseable, "x509: negative serial number"}}, b.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if got := NewParser().Bundle(append(root.pem(), "\n-----BEGIN CERTIFICATE-----\nMAMCAQk=\n-----END CERTIFICATE-----"...)); got.Count != 2 ||
		!got.Findings.Has(Unparseable) || got.Certificates[1].Subject != "" || got.Certificates[1].Fingerprint == (Fingerprint{}) {
		t.Errorf("garbage: %+v", got)
	}
}

func TestRefusalTextQuotesNothing(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("x509: cannot parse dnsName %q: %s", "secret", "more of secret")
	if got := refusalText(err); got != "x509: cannot parse dnsName" {
		t.Errorf("%q", got)
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		text, want string
		changed    bool
	}{
		"plain":              {"CN=a", "CN=a", false},
		"other scripts":      {"CN=Zürich,O=株式会社", "CN=Zürich,O=株式会社", false},
		"invalid bytes":      {"a\xffb", "a\uFFFDb", true},
		"the replacement":    {"a\uFFFDb", "a\uFFFDb", true},
		"control characters": {"a\x00\x1b[31m\x7f\u0085", "a\uFFFD\uFFFD[31m\uFFFD\uFFFD", true},
		"marks":              {"\u202e\u2066\u2069\u200e\u200f\u061c", strings.Repeat("\uFFFD", 6), true},
		"zero width":         {"\u200b\u200d\ufeff\u2060\u3164\u00ad", strings.Repeat("\uFFFD", 6), true},
		"separators":         {"\u2028\u2029", "\uFFFD\uFFFD", true},
		"cut at a character": {strings.Repeat("é", 20), strings.Repeat("é", 15), true},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, changed := clean(test.text, 31)
			if got != test.want || changed != test.changed {
				t.Errorf("%q, changed %t", got, changed)
			}
		})
	}
}

// checkTexts asserts the bounds of all that is kept.
func checkTexts(t *testing.T, b *Bundle) {
	t.Helper()
	check := func(text string, limit int) {
		if len(text) > limit || !utf8.ValidString(text) || strings.ContainsAny(text, "\n\r\x00\x1b\u202e\u2066\u200b") {
			t.Errorf("text %q", text)
		}
		if strings.Contains(text, "PRIVATE KEY") {
			t.Errorf("text %q of a key", text)
		}
	}
	if len(b.Certificates) > MaxCertificates || len(b.Problems) > MaxProblems || b.Count < len(b.Certificates) {
		t.Errorf("%d certificates of %d, %d problems", len(b.Certificates), b.Count, len(b.Problems))
	}
	for _, problem := range b.Problems {
		check(problem.Message, MaxText)
	}
	for _, c := range b.Certificates {
		if c.Findings&^b.Findings != 0 {
			t.Errorf("findings %v are not those of the value", (c.Findings &^ b.Findings).Strings())
		}
		check(c.Subject, MaxText)
		check(c.Issuer, MaxText)
		check(c.Serial, maxSerialText)
		if len(c.Names) > MaxNames || c.NameCount < len(c.Names) {
			t.Errorf("%d names of %d", len(c.Names), c.NameCount)
		}
		for _, name := range c.Names {
			check(name, maxName)
		}
	}
}
