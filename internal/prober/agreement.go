package prober

import (
	"slices"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// Agreement says how what is served relates to what is stored.
type Agreement string

// Agreements.
const (
	// NotCompared says that nothing is known to be served.
	NotCompared Agreement = "NotCompared"
	// Same says that the stored chain is served as it is.
	Same Agreement = "Same"
	// ChainDiffers says that the stored certificate is served, with other
	// certificates beside it, or in another order.
	ChainDiffers Agreement = "ChainDiffers"
	// StoredIsNewer says that an older certificate for one of the names is
	// served: the server has not reloaded.
	StoredIsNewer Agreement = "StoredIsNewer"
	// Differs says that another certificate is served.
	Differs Agreement = "Differs"
	// StoredMissing says that nothing is stored to compare with.
	StoredMissing Agreement = "StoredMissing"
)

// AllAgreements lists all agreements.
func AllAgreements() []Agreement {
	return []Agreement{NotCompared, Same, ChainDiffers, StoredIsNewer, Differs, StoredMissing}
}

// Compare compares what is served with each bundle that may be served at that
// place, and returns the best agreement. Bundles without a certificate don't
// count. The server's certificate is the first one of a bundle.
func Compare(served *certificate.Bundle, stored []*certificate.Bundle) Agreement {
	if served.First() == nil {
		return NotCompared
	}
	best := StoredMissing
	for _, bundle := range stored {
		if bundle.First() == nil {
			continue
		}
		if one := compareOne(served, bundle); best == StoredMissing || rank(one) < rank(best) {
			best = one
		}
	}
	return best
}

// rank orders agreements, the best first.
func rank(a Agreement) int { return slices.Index(AllAgreements(), a) }

// compareOne compares two bundles that hold certificates.
func compareOne(served, stored *certificate.Bundle) Agreement {
	shown, kept := served.First(), stored.First()
	sameCertificate := func(a, b *certificate.Certificate) bool { return a.Fingerprint == b.Fingerprint }
	switch {
	case slices.EqualFunc(served.Certificates, stored.Certificates, sameCertificate):
		return Same
	case shown.Fingerprint == kept.Fingerprint:
		return ChainDiffers
	case kept.NotBefore > shown.NotBefore && shareName(shown, kept):
		return StoredIsNewer
	default:
		return Differs
	}
}

// shareName says whether two certificates are for one name. Certificates without
// any names share their subject.
func shareName(a, b *certificate.Certificate) bool {
	if len(a.Names) == 0 && len(b.Names) == 0 {
		return a.Subject == b.Subject
	}
	return slices.ContainsFunc(a.Names, func(name string) bool {
		return slices.ContainsFunc(b.Names, func(other string) bool { return strings.EqualFold(name, other) })
	})
}
