package certificate

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"
)

// keystores are made once for all that need them.
type keystores struct {
	root, inter, leaf *testCert
}

func newKeystores(t testing.TB) *keystores {
	t.Helper()
	k := &keystores{}
	k.root = newCA(t, nil, "root")
	k.inter = newCA(t, k.root, "inter")
	k.leaf = newLeaf(t, k.inter, "a.example")
	return k
}

func (k *keystores) pkcs12(t testing.TB, encoder *pkcs12.Encoder, password string) []byte {
	t.Helper()
	data, err := encoder.Encode(k.leaf.key, k.leaf.x, []*x509.Certificate{k.inter.x, k.root.x}, password)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (k *keystores) trust12(t testing.TB, encoder *pkcs12.Encoder, password string) []byte {
	t.Helper()
	data, err := encoder.EncodeTrustStore([]*x509.Certificate{k.root.x, k.inter.x}, password)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (k *keystores) jks(t testing.TB, withKey bool, password string) []byte {
	t.Helper()
	store := keystore.New(keystore.WithOrderedAliases())
	trusted := keystore.TrustedCertificateEntry{
		CreationTime: testTime, Certificate: keystore.Certificate{Type: "X509", Content: k.root.der},
	}
	if err := store.SetTrustedCertificateEntry("a", trusted); err != nil {
		t.Fatal(err)
	}
	if withKey {
		key, err := x509.MarshalPKCS8PrivateKey(k.leaf.key)
		if err != nil {
			t.Fatal(err)
		}
		entry := keystore.PrivateKeyEntry{CreationTime: testTime, PrivateKey: key, CertificateChain: []keystore.Certificate{
			{Type: "X509", Content: k.leaf.der}, {Type: "X509", Content: k.inter.der},
		}}
		if err := store.SetPrivateKeyEntry("b", entry, []byte(password)); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := store.Store(&out, []byte(password)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// asJCEKS changes the magic number, and with it the digest.
func asJCEKS(data []byte) []byte {
	data = bytes.Clone(data)
	binary.BigEndian.PutUint32(data, magicJCEKS)
	return data
}

func TestKeystores(t *testing.T) {
	t.Parallel()
	k := newKeystores(t)
	chain, trust := []*testCert{k.leaf, k.inter, k.root}, []*testCert{k.root, k.inter}
	jks, jksTrust := k.jks(t, true, "changeit"), k.jks(t, false, "changeit")
	manyRounds := k.pkcs12(t, pkcs12.Modern2023, "changeit")
	manyRounds = bytes.ReplaceAll(manyRounds, []byte("\x02\x02\x08\x00"), []byte("\x02\x02\x7f\xff"))
	cases := map[string]struct {
		data     []byte
		password string
		format   Format
		want     []*testCert
		key      bool
		findings Findings
	}{
		"RC2":                     {k.pkcs12(t, pkcs12.LegacyRC2, "changeit"), "changeit", PKCS12, chain, true, 0},
		"3DES":                    {k.pkcs12(t, pkcs12.LegacyDES, "changeit"), "changeit", PKCS12, chain, true, 0},
		"AES":                     {k.pkcs12(t, pkcs12.Modern2023, "changeit"), "changeit", PKCS12, chain, true, 0},
		"AES and PBMAC1":          {k.pkcs12(t, pkcs12.Modern2026, "changeit"), "changeit", PKCS12, chain, true, 0},
		"another script":          {k.pkcs12(t, pkcs12.Modern2023, "pässwörd"), "pässwörd", PKCS12, chain, true, 0},
		"the empty password":      {k.pkcs12(t, pkcs12.Modern2023, ""), "", PKCS12, chain, true, 0},
		"RC2 and no password":     {k.pkcs12(t, pkcs12.LegacyRC2, ""), "", PKCS12, chain, true, 0},
		"neither MAC nor cipher":  {k.pkcs12(t, pkcs12.Passwordless, ""), "", PKCS12, chain, true, 0},
		"the same and a password": {k.pkcs12(t, pkcs12.Passwordless, ""), "x", PKCS12, chain, true, 0},
		"a wrong password":        {k.pkcs12(t, pkcs12.Modern2023, "changeit"), "changed", PKCS12, nil, true, WrongPassword},
		"a wrong one for PBMAC1":  {k.pkcs12(t, pkcs12.Modern2026, "changeit"), "changed", PKCS12, nil, true, WrongPassword},
		"an impossible password":  {k.pkcs12(t, pkcs12.Modern2023, "changeit"), "\U0001F512", PKCS12, nil, true, WrongPassword},
		"no password":             {k.pkcs12(t, pkcs12.LegacyRC2, "changeit"), "", PKCS12, nil, true, NoPassword},
		"other iterations":        {manyRounds, "changeit", PKCS12, nil, true, WrongPassword},
		"a trust store":           {k.trust12(t, pkcs12.Modern2023, "changeit"), "changeit", PKCS12, trust, false, 0},
		"an old trust store":      {k.trust12(t, pkcs12.LegacyRC2, "changeit"), "changeit", PKCS12, trust, false, 0},
		"an open trust store":     {k.trust12(t, pkcs12.Passwordless, ""), "", PKCS12, trust, false, 0},
		"a locked trust store":    {k.trust12(t, pkcs12.Modern2023, "changeit"), "x", PKCS12, nil, false, WrongPassword},
		"JKS":                     {jks, "changeit", JKS, chain, true, 0},
		"JKS without a password":  {jks, "", JKS, chain, true, 0},
		"JKS, a wrong password":   {jks, "changed", JKS, chain, true, WrongPassword},
		"a JKS trust store":       {jksTrust, "changeit", JKS, trust[:1], false, 0},
		"JCEKS":                   {asJCEKS(jks), "", JCEKS, chain, true, 0},
		"JCEKS that was changed":  {asJCEKS(jks), "changeit", JCEKS, chain, true, WrongPassword},
		"JKS cut off":             {jks[:len(jks)-300], "changeit", JKS, []*testCert{k.leaf, k.root}, true, Malformed},
		"JKS and more":            {append(bytes.Clone(jks), "more"...), "changeit", JKS, chain, true, Malformed},
		"JKS, cut early":          {jks[:10], "changeit", JKS, nil, false, Malformed},
		"PKCS#12 cut off":         {k.pkcs12(t, pkcs12.LegacyRC2, "x")[:200], "x", PKCS12, nil, false, Malformed},
		"BER":                     {[]byte("\x30\x80\x02\x01\x03"), "x", PKCS12, nil, false, UnsupportedKeystore},
		"nothing":                 {nil, "x", FormatUnknown, nil, false, Empty},
		"text":                    {[]byte("text"), "x", FormatUnknown, nil, false, Malformed},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := bytes.Clone(test.data)
			got := NewParser().Keystore(data, []byte(test.password))
			for i := range data {
				data[i] = 0xAA
			}
			if got.Format != test.format || got.PrivateKey != test.key {
				t.Errorf("format %d, key %t", got.Format, got.PrivateKey)
			}
			if diff := cmp.Diff(test.findings.Strings(), got.Findings.Strings()); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			var want, subjects []string
			for _, c := range test.want {
				want = append(want, c.x.Subject.String())
			}
			for _, c := range got.Certificates {
				subjects = append(subjects, c.Subject)
			}
			if diff := cmp.Diff(want, subjects); diff != "" {
				t.Errorf("subjects (-want +got):\n%s", diff)
			}
			checkTexts(t, got)
		})
	}
}

func TestKeystoreExaminesItsChain(t *testing.T) {
	t.Parallel()
	k := newKeystores(t)
	k.root = newCA(t, nil, "another root")
	lost := newCA(t, nil, "lost")
	k.leaf = newLeaf(t, lost, "a.example")
	got := NewParser().Keystore(k.jks(t, true, "changeit"), []byte("changeit"))
	if got.Findings != MissingIntermediate {
		t.Errorf("findings %v", got.Findings.Strings())
	}
	// CAs that are trusted are no part of the chain.
	k.inter = lost
	got = NewParser().Keystore(k.jks(t, true, "changeit"), []byte("changeit"))
	if got.Findings != 0 || got.Count != 3 {
		t.Errorf("%d certificates, findings %v", got.Count, got.Findings.Strings())
	}
}

func TestKeystoreStartsWithItsLeaf(t *testing.T) {
	t.Parallel()
	k := newKeystores(t)
	data, err := pkcs12.Modern2023.Encode(k.leaf.key, k.root.x, []*x509.Certificate{k.leaf.x, k.inter.x}, "x")
	if err != nil {
		t.Fatal(err)
	}
	p := NewParser()
	got := p.Keystore(data, []byte("x"))
	if got.First().Subject != "CN=a.example" || got.Certificates[1].Subject != "CN=root" || got.Findings != 0 {
		t.Errorf("first %q, findings %v", got.First().Subject, got.Findings.Strings())
	}
	if p.Keystore(data, []byte("x")) != got || p.Keystore(data, []byte("y")) == got {
		t.Error("equal keystores are not one, or others are")
	}
	if large := p.Keystore(make([]byte, MaxValue+1), nil); large.Findings != TooLarge {
		t.Errorf("findings of a large one: %v", large.Findings.Strings())
	}
}

func TestOpenTrustStoreShowsWhatGoRefuses(t *testing.T) {
	t.Parallel()
	k := newKeystores(t)
	k.root = newCA(t, nil, "root", func(c *x509.Certificate) { c.SerialNumber = big.NewInt(0x1234567890) })
	from, to := []byte("\x02\x05\x12\x34\x56\x78\x90"), []byte("\x02\x05\xf2\x34\x56\x78\x90")
	open := bytes.Replace(k.trust12(t, pkcs12.Passwordless, ""), from, to, 1)
	got := NewParser().Keystore(open, nil)
	if got.Count != 2 || got.Findings != Unparseable|SerialInvalid || got.First().Subject != "CN=root" {
		t.Errorf("%d certificates, findings %v", got.Count, got.Findings.Strings())
	}
}

// Lengths and numbers that are not true must cost nothing.
func TestKeystoreBombs(t *testing.T) {
	t.Parallel()
	k := newKeystores(t)
	entries := k.jks(t, true, "changeit")
	binary.BigEndian.PutUint32(entries[8:], 0xffffffff)
	key := []byte("\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x01\x00\x01a12345678\xff\xff\xff\xff")
	key = append(key, make([]byte, 40)...)
	secret := []byte("\xce\xce\xce\xce\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x03\x00\x01a12345678")
	secret = append(secret, make([]byte, 40)...)
	rounds := k.pkcs12(t, pkcs12.LegacyRC2.WithIterations(70_000), "changeit")
	rounds = bytes.ReplaceAll(rounds, []byte("\x02\x03\x01\x11\x70"), []byte("\x02\x03\x7f\xff\xff"))
	pbes := k.pkcs12(t, pkcs12.Modern2026.WithIterations(70_000), "changeit")
	pbes = bytes.ReplaceAll(pbes, []byte("\x02\x03\x01\x11\x70"), []byte("\x02\x03\x7f\xff\xff"))
	cases := map[string]struct {
		data []byte
		want Findings
	}{
		"more entries than there are": {entries, Malformed},
		"a key longer than all":       {key, Malformed},
		"a secret key":                {secret, UnsupportedKeystore},
		"too many iterations":         {rounds, UnsupportedKeystore},
		"too many for PBKDF2":         {pbes, UnsupportedKeystore},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := NewParser().Keystore(test.data, []byte("changeit"))
			if got.Findings != test.want {
				t.Errorf("findings %v", got.Findings.Strings())
			}
		})
	}
}

// Many tiny certificates must not take many times their size.
func TestManyTinyCertificatesInJKS(t *testing.T) {
	t.Parallel()
	const count = 100_000
	data := []byte("\xfe\xed\xfe\xed\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x01a12345678\x00\x00\x00\x00")
	data = binary.BigEndian.AppendUint32(data, count)
	data = append(data, bytes.Repeat([]byte("\x00\x00\x00\x01x"), count)...)
	data = append(data, make([]byte, 20)...)
	got := NewParser().Keystore(data, nil)
	if got.Count != count || len(got.Certificates) != MaxCertificates || !got.Findings.Has(TooLarge) {
		t.Errorf("%d certificates, %d kept, findings %v", got.Count, len(got.Certificates), got.Findings.Strings())
	}
}

func TestKeystoreWithAForeignCipher(t *testing.T) {
	t.Parallel()
	k := newKeystores(t)
	// AES-256-CBC becomes AES-256-GCM, which the decoder does not know.
	data := bytes.ReplaceAll(k.trust12(t, pkcs12.Modern2023, "changeit"),
		[]byte("\x60\x86\x48\x01\x65\x03\x04\x01\x2a"), []byte("\x60\x86\x48\x01\x65\x03\x04\x01\x2e"))
	// The authentication code covers it, so it is made anew: there is none.
	got := NewParser().Keystore(withoutMAC(t, data), []byte("changeit"))
	if got.Findings != UnsupportedKeystore {
		t.Errorf("findings %v, problems %v", got.Findings.Strings(), got.Problems)
	}
}
