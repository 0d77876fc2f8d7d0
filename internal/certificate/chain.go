package certificate

import (
	"bytes"
	"crypto/x509"
)

const (
	// maxPath bounds the certificates between the first one and a root.
	maxPath = 16
	// maxChecks bounds the signatures that are checked of one value.
	maxChecks = 16
	// maxAnchors bounds the candidates among the CAs beside a chain.
	maxAnchors = 8
)

// anchorsOf finds the certificates beside a chain that have the name of a
// certificate's issuer.
type anchorsOf func(child member) []member

// path is the way from the first certificate of a chain towards its root.
type path struct {
	parser   *Parser
	members  []member
	anchors  anchorsOf
	used     []bool
	checks   int
	findings Findings
	// end is when the first of the certificates ends that the chain depends on.
	end int64
}

// examine looks for what is wrong with a chain. A certificate that can't be
// parsed is passed over.
func (p *Parser) examine(members []member, anchors anchorsOf) Findings {
	if len(members) == 0 || p.parse(&members[0]) == nil {
		return 0
	}
	way := path{parser: p, members: members, anchors: anchors, used: make([]bool, len(members)), end: members[0].NotAfter}
	way.follow()
	if way.end < members[0].NotAfter {
		way.findings |= ChainExpiresFirst
	}
	for i := range members[1:] {
		m := &members[i+1]
		if m.SelfIssued && p.parse(m) != nil && isRoot(m.parsed) {
			way.findings |= RootIncluded
		}
	}
	return way.findings
}

// follow goes from issuer to issuer. Each certificate is used once, so that a
// circle ends.
func (w *path) follow() {
	current := 0
	for range maxPath {
		w.used[current] = true
		child := w.members[current]
		if isSelfSigned(child.parsed) {
			return
		}
		next, contradicted := w.issuer(current)
		if next >= 0 {
			if next != current+1 {
				w.findings |= WrongOrder
			}
			w.end = min(w.end, w.members[next].NotAfter)
			current = next
			continue
		}
		found, denied := w.anchored(child)
		if found {
			return
		}
		switch {
		case contradicted, denied:
			w.findings |= ChainNotVerifying
		case current == 0 && w.incomplete(child):
			w.findings |= MissingIntermediate
		}
		return
	}
}

// issuer finds the member that certifies another one, -1 for none. The one that
// follows is tried first. It says whether one of that name does not certify it.
func (w *path) issuer(current int) (next int, contradicted bool) {
	child := &w.members[current]
	for k := range len(w.members) - 1 {
		i := (current + 1 + k) % len(w.members)
		parent := &w.members[i]
		if parent.Subject != child.Issuer || w.parser.parse(parent) == nil || !namesFit(child.parsed, parent.parsed) {
			continue
		}
		if w.used[i] {
			continue
		}
		if w.check(*child, *parent) != refuted {
			return i, false
		}
		contradicted = true
	}
	return -1, contradicted
}

// anchored says that a CA beside the chain certifies a certificate. Of several
// the one that ends last counts. Denied says that there is one whose names and
// keys fit, and that did not make the signature.
func (w *path) anchored(child member) (found, denied bool) {
	if w.anchors == nil {
		return false, false
	}
	var end int64
	for _, parent := range w.anchors(child) {
		switch {
		case w.check(child, parent) == refuted:
			denied = true
		case !found || parent.NotAfter > end:
			found, end = true, parent.NotAfter
		}
	}
	if found {
		w.end = min(w.end, end)
	}
	return found, denied
}

// incomplete says that the issuer of the first certificate is missing: it says
// where to fetch the issuer's certificate, or CAs follow that have nothing to do
// with it. Otherwise a root that clients know may have issued it.
func (w *path) incomplete(leaf member) bool {
	if leaf.IsCA {
		return false
	}
	if len(leaf.parsed.IssuingCertificateURL) > 0 {
		return true
	}
	for _, m := range w.members[1:] {
		if m.IsCA {
			return true
		}
	}
	return false
}

// check asks whether one certificate certifies another. What it finds of CAs is
// remembered, since many chains share them.
func (w *path) check(child, parent member) outcome {
	pair := signed{child: child.Fingerprint, parent: parent.Fingerprint}
	if result, ok := w.parser.signatures.get(pair); ok {
		return result
	}
	if w.checks++; w.checks > maxChecks {
		return undecided
	}
	result := certifies(child.parsed, parent.parsed)
	if child.IsCA {
		w.parser.signatures.add(pair, result)
	}
	return result
}

// parse returns the parsed certificate of a member, nil when the standard library
// refuses it.
func (p *Parser) parse(m *member) *x509.Certificate {
	if m.parsed != nil || m.Findings.Has(Unparseable) {
		return m.parsed
	}
	if known, ok := p.authorities.get(m.Fingerprint); ok {
		m.parsed = known
		return known
	}
	// What is parsed shares the memory of what it was parsed from.
	parsed, err := x509.ParseCertificate(bytes.Clone(m.der))
	if err != nil {
		return nil
	}
	m.parsed = parsed
	if m.IsCA {
		p.authorities.add(m.Fingerprint, parsed)
	}
	return parsed
}

// anchors looks among the certificates of an authority, which is read again only
// when one that is needed is not known any more.
func (p *Parser) anchors(trust *Bundle, authority []byte) anchorsOf {
	if trust.First() == nil {
		return nil
	}
	var list [][]byte
	return func(child member) []member {
		var found []member
		for i, c := range trust.Certificates {
			if c.Subject != child.Issuer || c.Findings.Has(Unparseable) || len(found) == maxAnchors {
				continue
			}
			m := member{Certificate: c}
			m.parsed, _ = p.authorities.get(c.Fingerprint)
			if m.parsed == nil {
				if list == nil {
					list = read(authority).list
				}
				m.der = list[i]
			}
			if p.parse(&m) != nil && namesFit(child.parsed, m.parsed) && keysFit(child.parsed, m.parsed) {
				found = append(found, m)
			}
		}
		return found
	}
}
