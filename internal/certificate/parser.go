package certificate

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"slices"
)

// Bounds of what a Parser remembers for speed.
const (
	maxAuthorities = 256
	maxNamesShared = 2048
	maxSignatures  = 1024
)

// Parser reads values. It is safe for concurrent use.
type Parser struct {
	bundles      interned[Bundle]
	certificates interned[Certificate]
	// authorities that signatures were checked with.
	authorities *recent[Fingerprint, *x509.Certificate]
	// names by their DER.
	names *recent[string, name]
	// signatures of certificates of CAs.
	signatures *recent[signed, outcome]
}

// NewParser returns a Parser.
func NewParser() *Parser {
	return &Parser{
		authorities: newRecent[Fingerprint, *x509.Certificate](maxAuthorities),
		names:       newRecent[string, name](maxNamesShared),
		signatures:  newRecent[signed, outcome](maxSignatures),
	}
}

// Kinds of what is interned: equal bytes read in different ways are different
// values.
const (
	asBundle byte = iota
	asChain
	asKeystore
)

// valueKey identifies a value that is read in some way.
func valueKey(kind byte, parts ...[]byte) Fingerprint {
	key := make([]byte, 1, 1+2*sha256.Size)
	key[0] = kind
	for _, part := range parts {
		digest := sha256.Sum256(part)
		key = append(key, digest[:]...)
	}
	return sha256.Sum256(key)
}

// tooLarge spares the work of a digest.
func tooLarge(data []byte) *Bundle {
	c := &contents{}
	c.problem(TooLarge, "the value is too large to be read")
	return c.bundle(nil, data)
}

// Chain reads a chain as it is served, the server's certificate first, and the
// CA that is stored beside it; authority may be empty, and then trust is nil.
// What is wrong with the chain is among the findings of served.
func (p *Parser) Chain(chain, authority []byte) (served, trust *Bundle) {
	if len(authority) > 0 {
		trust = p.Bundle(authority)
	}
	if len(chain) > MaxValue {
		return tooLarge(chain), trust
	}
	if len(authority) > MaxValue {
		authority = nil
	}
	key := valueKey(asChain, chain, authority)
	if served = p.bundles.get(key); served != nil {
		return served, trust
	}
	found := read(chain)
	members := p.members(found, 1)
	found.findings |= p.examine(members, p.anchors(trust, authority))
	return p.bundles.add(key, found.bundle(members, chain)), trust
}

// Bundle reads a list of certificates in any order, such as a bundle of CAs.
func (p *Parser) Bundle(data []byte) *Bundle {
	if len(data) > MaxValue {
		return tooLarge(data)
	}
	key := valueKey(asBundle, data)
	if known := p.bundles.get(key); known != nil {
		return known
	}
	found := read(data)
	members := p.members(found, 0)
	found.findings |= trustFindings(members)
	return p.bundles.add(key, found.bundle(members, data))
}

// Keystore reads a PKCS#12, JKS or JCEKS keystore. An empty password is tried as
// no password and as the empty one.
func (p *Parser) Keystore(data, password []byte) *Bundle {
	if len(data) > MaxValue {
		return tooLarge(data)
	}
	key := valueKey(asKeystore, data, password)
	if known := p.bundles.get(key); known != nil {
		return known
	}
	found := readKeystore(data, password)
	members := p.members(found, 1)
	if found.privateKey {
		found.findings |= p.keyFindings(found, members)
	} else {
		found.findings |= trustFindings(members)
	}
	return p.bundles.add(key, found.bundle(members, data))
}

// members reads the certificates that were found; those from shared on are
// interned.
func (p *Parser) members(found *contents, shared int) []member {
	members := make([]member, 0, len(found.list))
	for i, der := range found.list {
		m, err := p.member(der, i >= shared)
		if err != nil {
			found.problem(Unparseable, refusalText(err))
		}
		members = append(members, m)
	}
	return members
}

// keyFindings are those about the chain in a keystore, as far as all of it could
// be read. A keystore is no message: who sends the chain brings it into order and
// leaves the root out.
func (p *Parser) keyFindings(found *contents, members []member) Findings {
	chain := members
	if found.chain > 0 {
		chain = members[:found.chain]
	} else {
		leafFirst(members)
	}
	if found.findings.Has(Unreadable) {
		return 0
	}
	return p.examine(chain, nil) &^ (WrongOrder | RootIncluded)
}

// leafFirst moves the first certificate that is no CA's to the front.
func leafFirst(members []member) {
	i := slices.IndexFunc(members, func(m member) bool { return !m.IsCA && !m.Findings.Has(Unparseable) })
	if i > 0 {
		leaf := members[i]
		copy(members[1:i+1], members[:i])
		members[0] = leaf
	}
}

// trustFindings are those about a list of CAs.
func trustFindings(members []member) Findings {
	var findings Findings
	seen := make(map[Fingerprint]bool, len(members))
	for _, m := range members {
		if seen[m.Fingerprint] {
			findings |= Duplicate
		}
		seen[m.Fingerprint] = true
		if !m.IsCA && !m.Findings.Has(Unparseable) {
			findings |= NotACA
		}
	}
	return findings
}

// bundle is what is kept of the contents of a value.
func (c *contents) bundle(members []member, value []byte) *Bundle {
	b := &Bundle{
		Format: c.format, Count: c.count, PrivateKey: c.privateKey, Findings: c.findings, Problems: slices.Clip(c.problems),
	}
	if len(members) > 0 {
		b.Certificates = make([]*Certificate, 0, len(members))
	}
	for _, m := range members {
		b.Certificates = append(b.Certificates, m.Certificate)
		b.Findings |= m.Findings
	}
	switch {
	case c.count > len(members):
		b.Digest = valueKey(asBundle, value)
	case len(members) > 0:
		b.Digest = setDigest(members)
	}
	return b
}

// setDigest identifies a set of certificates.
func setDigest(members []member) Fingerprint {
	if len(members) == 1 {
		return sha256.Sum256(members[0].Fingerprint[:])
	}
	list := make([]Fingerprint, 0, len(members))
	for _, m := range members {
		list = append(list, m.Fingerprint)
	}
	slices.SortFunc(list, func(a, b Fingerprint) int { return bytes.Compare(a[:], b[:]) })
	all := make([]byte, 0, len(list)*sha256.Size)
	for _, fingerprint := range slices.Compact(list) {
		all = append(all, fingerprint[:]...)
	}
	return sha256.Sum256(all)
}

// LooksLikeCertificate says cheaply whether a value holds PEM certificates.
func LooksLikeCertificate(data []byte) bool {
	for _, label := range certificateLabels {
		if bytes.Contains(data, []byte("-----BEGIN "+label+"-----")) {
			return true
		}
	}
	return false
}

// LooksLikeKeystore says cheaply which kind of keystore a value may be;
// FormatUnknown for none.
func LooksLikeKeystore(data []byte) Format {
	if len(data) < 4 {
		return FormatUnknown
	}
	switch binary.BigEndian.Uint32(data) {
	case magicJKS:
		return JKS
	case magicJCEKS:
		return JCEKS
	}
	if looksLikePKCS12(data) {
		return PKCS12
	}
	return FormatUnknown
}
