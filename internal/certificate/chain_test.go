package certificate

import (
	"bytes"
	"crypto"
	_ "crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type chainCase struct {
	chain, authority []byte
	want             Findings
}

// aboutChain are the findings that examine makes.
const aboutChain = MissingIntermediate | WrongOrder | RootIncluded | ChainNotVerifying | ChainExpiresFirst

func checkChains(t *testing.T, cases map[string]chainCase) {
	t.Helper()
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			served, _ := NewParser().Chain(test.chain, test.authority)
			if diff := cmp.Diff(test.want.Strings(), (served.Findings & aboutChain).Strings()); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestChainFindings(t *testing.T) {
	t.Parallel()
	root := newCA(t, nil, "root")
	inter := newCA(t, root, "intermediate")
	leaf := newLeaf(t, inter, "a.example")
	direct := newLeaf(t, root, "b.example")
	public := newLeaf(t, inter, "c.example", fetchable)
	other := newCA(t, nil, "other root")
	short := newCA(t, root, "short", until(testTime.AddDate(0, 1, 0)))
	onShort := newLeaf(t, short, "d.example")
	selfSigned := newLeaf(t, nil, "e.example")

	checkChains(t, map[string]chainCase{
		"complete with the root beside":                      {chainOf(leaf, inter), root.pem(), 0},
		"complete without anything beside":                   {chainOf(leaf, inter), nil, 0},
		"complete with a foreign CA beside":                  {chainOf(leaf, inter), other.pem(), 0},
		"signed by the CA beside":                            {direct.pem(), root.pem(), 0},
		"fetchable and signed by the CA beside":              {public.pem(), inter.pem(), 0},
		"alone, its issuer may be a root":                    {leaf.pem(), nil, 0},
		"alone, with an issuer to fetch":                     {public.pem(), nil, MissingIntermediate},
		"with an issuer to fetch and only the root beside":   {public.pem(), root.pem(), MissingIntermediate},
		"with the root in place of the intermediate":         {chainOf(leaf, root), nil, MissingIntermediate | RootIncluded},
		"with the root behind":                               {chainOf(leaf, inter, root), root.pem(), RootIncluded},
		"with the root between":                              {chainOf(leaf, root, inter), nil, WrongOrder | RootIncluded},
		"with the leaf twice":                                {chainOf(leaf, leaf, inter), nil, WrongOrder},
		"with an intermediate that ends first":               {chainOf(onShort, short), root.pem(), ChainExpiresFirst},
		"with a CA beside that ends first":                   {onShort.pem(), short.pem(), ChainExpiresFirst},
		"a self-signed certificate":                          {selfSigned.pem(), nil, 0},
		"a root as the first one":                            {root.pem(), root.pem(), 0},
		"an intermediate as the first one":                   {inter.pem(), root.pem(), 0},
		"nothing at all":                                     {nil, root.pem(), 0},
		"an authority that is no certificate":                {chainOf(leaf, inter), []byte("x"), 0},
		"garbage in the place of the first":                  {append([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), leaf.pem()...), nil, 0},
		"garbage in the place of an intermediate of a chain": {append(chainOf(leaf, inter), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"...), nil, 0},
	})
}

func TestChainSignatures(t *testing.T) {
	t.Parallel()
	root := newCA(t, nil, "root")
	inter := newCA(t, root, "intermediate")
	leaf := newLeaf(t, inter, "a.example")
	// The same name and another key, as after a renewal.
	renewed := newCA(t, root, "intermediate")
	// The same name and key, but no CA.
	notCA := issue(t, root, inter.key, "intermediate", func(c *x509.Certificate) { c.BasicConstraintsValid = true })
	mayNotSign := issue(t, root, inter.key, "intermediate", asCA, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign })
	// The same name and identifier of the key, but another key.
	liar := newCA(t, root, "intermediate", func(c *x509.Certificate) { c.SubjectKeyId = inter.x.SubjectKeyId })
	older := issue(t, root, inter.key, "intermediate", asCA, until(testTime.AddDate(0, 1, 0)))

	checkChains(t, map[string]chainCase{
		"an intermediate of the same name with another key":        {chainOf(leaf, renewed), nil, ChainNotVerifying},
		"one that lies about its key":                              {chainOf(leaf, liar), nil, ChainNotVerifying},
		"one that is no CA":                                        {chainOf(leaf, notCA), nil, ChainNotVerifying},
		"one that may not sign certificates":                       {chainOf(leaf, mayNotSign), nil, ChainNotVerifying},
		"more beside than is read":                                 {chainOf(leaf, inter), make([]byte, MaxValue+1), 0},
		"the right one behind one of the same name":                {chainOf(leaf, renewed, inter), nil, WrongOrder},
		"another key served, the right one beside":                 {chainOf(leaf, renewed), inter.pem(), 0},
		"two of one key beside, of which the one that ends counts": {leaf.pem(), chainOf(older, inter), 0},
		"only the one beside that ends first":                      {leaf.pem(), chainOf(older, renewed), ChainExpiresFirst},
		"one beside that lies about its key":                       {leaf.pem(), liar.pem(), ChainNotVerifying},
		"one beside that lies about its key, and the right one":    {leaf.pem(), chainOf(liar, inter), 0},
	})
}

func TestCrossSignedCircleEnds(t *testing.T) {
	t.Parallel()
	keyA, keyB := newKey(t), newKey(t)
	rootA, rootB := issue(t, nil, keyA, "A", asCA), issue(t, nil, keyB, "B", asCA)
	crossA, crossB := issue(t, rootB, keyA, "A", asCA), issue(t, rootA, keyB, "B", asCA)
	leaf := newLeaf(t, rootA, "a.example")
	checkChains(t, map[string]chainCase{
		"a circle":              {chainOf(leaf, crossA, crossB), nil, 0},
		"a circle in the chain": {chainOf(leaf, crossB, crossA), nil, WrongOrder},
	})
}

func TestManyOfOneNameAreBounded(t *testing.T) {
	t.Parallel()
	root := newCA(t, nil, "root")
	twin := newCA(t, root, "twin")
	sameKeyID := func(c *x509.Certificate) { c.SubjectKeyId = twin.x.SubjectKeyId }
	key := newKey(t)
	list := []*testCert{newLeaf(t, twin, "a.example")}
	for range 200 {
		list = append(list, issue(t, root, key, "twin", asCA, sameKeyID))
	}
	p := NewParser()
	members := p.members(read(chainOf(list...)), 1)
	if p.parse(&members[0]) == nil {
		t.Fatal("the leaf does not parse")
	}
	way := path{parser: p, members: members, used: make([]bool, len(members))}
	way.follow()
	if way.checks != maxChecks+1 {
		t.Errorf("%d checks were asked for", way.checks)
	}
	if way.findings.Has(ChainNotVerifying) {
		t.Errorf("what was not checked counts as %v", way.findings.Strings())
	}
}

func TestSignaturesOfHugeKeysAreNotChecked(t *testing.T) {
	t.Parallel()
	root := newCA(t, nil, "root")
	leaf := newLeaf(t, root, "a.example")
	huge := *root.x
	huge.PublicKeyAlgorithm = x509.RSA
	huge.PublicKey = &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 8_000_000), E: 1<<31 - 1}
	child := *leaf.x
	child.SignatureAlgorithm = x509.SHA256WithRSA
	if got := certifies(&child, &huge); got != undecided {
		t.Errorf("outcome %d", got)
	}
}

func TestOldHashesAreWeakRatherThanNotVerifying(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	root := issue(t, nil, key, "root", asCA)
	leaf := newLeaf(t, root, "a.example")
	cases := map[string]struct {
		hash crypto.Hash
		oid  byte
		flip bool
		want Findings
	}{
		"SHA-1 that verifies":         {hash: crypto.SHA1, oid: 5, want: WeakSignature},
		"SHA-1 that does not verify":  {hash: crypto.SHA1, oid: 5, flip: true, want: WeakSignature | ChainNotVerifying},
		"MD5, which nothing verifies": {hash: crypto.MD5, oid: 4, want: WeakSignature},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			der := resigned(t, leaf, key, test.hash, test.oid)
			if test.flip {
				der[len(der)-1] ^= 1
			}
			chain := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), root.pem()...)
			served, _ := NewParser().Chain(chain, nil)
			if diff := cmp.Diff((test.want | RootIncluded).Strings(), served.Findings.Strings()); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// resigned changes the algorithm of a certificate that is signed by RSA with
// SHA-256, and signs it again.
func resigned(t *testing.T, c *testCert, key *rsa.PrivateKey, hash crypto.Hash, oid byte) []byte {
	t.Helper()
	const prefix = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01"
	old := []byte(prefix + "\x0b")
	der := bytes.ReplaceAll(c.der, old, append([]byte(prefix), oid))
	signed := bytes.ReplaceAll(c.x.RawTBSCertificate, old, append([]byte(prefix), oid))
	digest := hash.New()
	digest.Write(signed)
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, hash, digest.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	return append(der[:len(der)-len(signature)], signature...)
}

func TestChainIsFastEnoughToExamine(t *testing.T) {
	t.Parallel()
	// A bundle of a thousand beside a chain is looked through, not parsed.
	root := newCA(t, nil, "root")
	leaf := newLeaf(t, root, "a.example")
	var authority []byte
	foreign := newCA(t, nil, "foreign").pem()
	for range 1000 {
		authority = append(authority, foreign...)
	}
	authority = append(authority, root.pem()...)
	p := NewParser()
	served, trust := p.Chain(leaf.pem(), authority)
	if served.Findings != 0 || !trust.Findings.Has(Duplicate) || len(trust.Certificates) != 1001 {
		t.Errorf("findings %v and %v", served.Findings.Strings(), trust.Findings.Strings())
	}
	if got := time.Unix(served.First().NotAfter, 0).UTC(); !got.Equal(testTime.AddDate(1, 0, 0)) {
		t.Errorf("ends %v", got)
	}
}
