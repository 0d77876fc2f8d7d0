package cli

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// Values of records that the filters and printers know.
const (
	useUsed         = "Used"
	useExempt       = "Exempt"
	useUnreferenced = "Unreferenced"
	managedByHand   = "by hand"
	roleBundle      = "Bundle"
	roleServed      = "Served"
	// kindEndpoint is what is served at an address.
	kindEndpoint = "Endpoint"
)

// filter chooses records. The zero value chooses all; every condition that is set
// must hold, of a list one item.
type filter struct {
	namespaces []string
	layers     []string
	kinds      []string
	roles      []string
	findings   []string
	managedBy  []string
	owners     []string
	// issuer is part of the issuer's name, or the name of cert-manager's issuer.
	issuer string
	// within takes records that end within that time, expired ones included; 0
	// takes all.
	within time.Duration

	expired, orphaned, unreferenced, unmanaged bool
}

// matches says whether the filter chooses a record.
func (f *filter) matches(r *v1alpha1.CertificateRecord, now time.Time) bool {
	return among(f.namespaces, r.Namespace) &&
		among(f.layers, string(r.Layer)) &&
		among(f.kinds, r.Kind) &&
		among(f.roles, r.Role) &&
		among(f.managedBy, r.ManagedBy) &&
		among(f.owners, r.Owner) &&
		(len(f.findings) == 0 || slices.ContainsFunc(r.Findings, func(s string) bool { return among(f.findings, s) })) &&
		(f.issuer == "" || issuedBy(r, f.issuer)) &&
		f.matchesTime(r, now) &&
		f.matchesUse(r)
}

func (f *filter) matchesTime(r *v1alpha1.CertificateRecord, now time.Time) bool {
	if f.expired && !isExpired(r, now) {
		return false
	}
	return f.within == 0 || (r.NotAfter != nil && !r.NotAfter.After(now.Add(f.within)))
}

func (f *filter) matchesUse(r *v1alpha1.CertificateRecord) bool {
	return (!f.orphaned || r.Orphan) &&
		(!f.unreferenced || r.Use == useUnreferenced) &&
		(!f.unmanaged || r.ManagedBy == managedByHand)
}

// choose returns the records that the filter matches, in their order.
func (f *filter) choose(records []*v1alpha1.CertificateRecord, now time.Time) []*v1alpha1.CertificateRecord {
	var chosen []*v1alpha1.CertificateRecord
	for _, r := range records {
		if f.matches(r, now) {
			chosen = append(chosen, r)
		}
	}
	return chosen
}

// among says whether a list holds a value, in whatever case; an empty list holds
// all.
func among(list []string, value string) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, value) })
}

// issuedBy matches part of the issuer's distinguished name, in whatever case, or
// the whole of kind/name or name of cert-manager's issuer.
func issuedBy(r *v1alpha1.CertificateRecord, issuer string) bool {
	if r.IssuerRef != "" {
		_, name, _ := strings.Cut(r.IssuerRef, "/")
		if issuer == name || issuer == r.IssuerRef {
			return true
		}
	}
	return strings.Contains(strings.ToLower(r.Issuer), strings.ToLower(issuer))
}

func isExpired(r *v1alpha1.CertificateRecord, now time.Time) bool {
	return r.NotAfter != nil && now.After(r.NotAfter.Time)
}

// sortOrder is an order of the list.
type sortOrder string

// Orders of the list.
const (
	sortByExpiry    sortOrder = "expiry"
	sortByName      sortOrder = "name"
	sortByNamespace sortOrder = "namespace"
)

// sortRecords puts records in an order, in place. Records without an end are the
// last by expiry; what is equal is ordered by namespace, kind, name and key.
func sortRecords(records []*v1alpha1.CertificateRecord, order sortOrder) {
	slices.SortFunc(records, func(a, b *v1alpha1.CertificateRecord) int {
		first := 0
		switch order {
		case sortByExpiry:
			first = byExpiry(a, b)
		case sortByName:
			first = cmp.Compare(a.Name, b.Name)
		case sortByNamespace:
		}
		if first != 0 {
			return first
		}
		return byPlace(a, b)
	})
}

// byPlace compares namespaces, kinds, names and keys.
func byPlace(a, b *v1alpha1.CertificateRecord) int {
	for _, pair := range [...][2]string{{a.Namespace, b.Namespace}, {a.Kind, b.Kind}, {a.Name, b.Name}, {a.Key, b.Key}} {
		if order := cmp.Compare(pair[0], pair[1]); order != 0 {
			return order
		}
	}
	return 0
}

func byExpiry(a, b *v1alpha1.CertificateRecord) int {
	switch {
	case a.NotAfter == nil && b.NotAfter == nil:
		return 0
	case a.NotAfter == nil:
		return 1
	case b.NotAfter == nil:
		return -1
	default:
		return a.NotAfter.Compare(b.NotAfter.Time)
	}
}
