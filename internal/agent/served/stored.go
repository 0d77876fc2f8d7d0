package served

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// stored is a certificate as the agent found it in a Secret: as much of it as a
// comparison needs.
type stored struct {
	secret Name
	// bundle has the facts that prober.Compare reads, of the certificates that
	// the agent published.
	bundle *certificate.Bundle
	// count of the certificates that there are.
	count int
	// Who renews it, and whose it is.
	manager        inventory.Manager
	managerName    string
	issuer         *inventory.IssuerRef
	owner, purpose string
}

// page is what is kept of a CertificateSlice.
type page struct {
	secrets       map[Name][]*stored
	byFingerprint map[certificate.Fingerprint][]*stored
}

// shelf is what the agent's pages say about Secrets, by page.
type shelf map[string]*page

// find returns the certificates of a Secret. While a page of the agent is split,
// some are on two pages, and then listed twice.
func (s shelf) find(secret Name) []*stored {
	var list []*stored
	for _, p := range s {
		list = append(list, p.secrets[secret]...)
	}
	return list
}

// holders returns what Secrets hold a certificate as their first one.
func (s shelf) holders(f certificate.Fingerprint) []*stored {
	var list []*stored
	for _, p := range s {
		list = append(list, p.byFingerprint[f]...)
	}
	return list
}

// readPage reads a CertificateSlice; ok is false when it is not the agent's own.
func readPage(raw []byte) (name string, p *page, ok bool, err error) {
	var slice v1alpha1.CertificateSlice
	if err := json.Unmarshal(raw, &slice); err != nil {
		return "", nil, false, fmt.Errorf("decoding a CertificateSlice: %w", err)
	}
	if slice.Labels[names.LabelAgent] != v1alpha1.AgentName {
		return slice.Name, nil, false, nil
	}
	p = &page{secrets: map[Name][]*stored{}, byFingerprint: map[certificate.Fingerprint][]*stored{}}
	for i := range slice.Records {
		r := &slice.Records[i]
		if r.Kind != inventory.KindSecret.String() || r.Role == inventory.Bundle.String() {
			continue
		}
		s := storedOf(r)
		if s == nil {
			continue
		}
		p.secrets[s.secret] = append(p.secrets[s.secret], s)
		f := s.bundle.First().Fingerprint
		p.byFingerprint[f] = append(p.byFingerprint[f], s)
	}
	return slice.Name, p, true, nil
}

// storedOf is what a record says; nil when it has no certificate.
func storedOf(r *v1alpha1.CertificateRecord) *stored {
	first, ok := parseFingerprint(r.Fingerprint)
	if !ok {
		return nil
	}
	leaf := &certificate.Certificate{Fingerprint: first, Subject: r.Subject, Names: r.Names}
	if r.NotBefore != nil {
		leaf.NotBefore = r.NotBefore.Unix()
	}
	s := &stored{
		secret: Name{r.Namespace, r.Name}, bundle: &certificate.Bundle{Certificates: []*certificate.Certificate{leaf}},
		count: int(r.Certificates), manager: inventory.Manager(r.ManagedBy), managerName: r.Manager,
		owner: r.Owner, purpose: r.Purpose,
	}
	for _, member := range r.Chain {
		f, ok := parseFingerprint(member.Fingerprint)
		if !ok {
			break
		}
		s.bundle.Certificates = append(s.bundle.Certificates, &certificate.Certificate{Fingerprint: f})
	}
	s.bundle.Count = len(s.bundle.Certificates)
	if kind, name, found := strings.Cut(r.IssuerRef, "/"); found {
		s.issuer = &inventory.IssuerRef{Name: name, Kind: kind}
	}
	return s
}

func parseFingerprint(text string) (f certificate.Fingerprint, ok bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(f) {
		return f, false
	}
	return certificate.Fingerprint(raw), true
}

// comparable is what is served, cut to as many certificates as are known of what
// is stored: of long chains the agent publishes the first ones alone.
func (s *stored) comparable(shown *certificate.Bundle) *certificate.Bundle {
	known := len(s.bundle.Certificates)
	if s.count <= known || shown == nil || len(shown.Certificates) != s.count {
		return shown
	}
	return &certificate.Bundle{Certificates: shown.Certificates[:known], Count: known}
}

// same says that two certificates of one Secret are the same for a comparison.
func (s *stored) same(o *stored) bool {
	if s.count != o.count || len(s.bundle.Certificates) != len(o.bundle.Certificates) ||
		s.manager != o.manager || s.managerName != o.managerName || s.owner != o.owner || s.purpose != o.purpose {
		return false
	}
	for i, c := range s.bundle.Certificates {
		if c.Fingerprint != o.bundle.Certificates[i].Fingerprint {
			return false
		}
	}
	return true
}

// changes are the Secrets that two states of a page tell apart; either may be
// nil.
func changes(before, after *page) map[Name]bool {
	changed := map[Name]bool{}
	each := func(a, b *page) {
		if a == nil {
			return
		}
		for secret, list := range a.secrets {
			var other []*stored
			if b != nil {
				other = b.secrets[secret]
			}
			if len(list) != len(other) {
				changed[secret] = true
				continue
			}
			for i := range list {
				if !list[i].same(other[i]) {
					changed[secret] = true
				}
			}
		}
	}
	each(before, after)
	each(after, before)
	return changed
}
