package served

import (
	"cmp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
	"github.com/tlsplatform/tls-platform-operator/internal/prober"
)

// NotProbed is the reason of an address that there is nothing to dial for. It is
// the one reason that prober does not know.
const NotProbed prober.Reason = "NotProbed"

// Finding is the result of a probe, with what DNS says beside it.
type Finding struct {
	prober.Result
	// CanonicalName of the server's name, empty when there is none.
	CanonicalName string
}

// verdict is what follows from a finding for one target.
type verdict struct {
	agreement prober.Agreement
	place     prober.Place
	// by is the stored certificate that is served, or an older one of which is;
	// nil for none.
	by *stored
}

// knowledge is what is known of stored certificates; complete says that all of
// them are known.
type knowledge struct {
	shelf    shelf
	complete bool
}

// candidates are the stored certificates that a target may serve: those that it
// names, else any Secret's that is the one that is served.
func (k *knowledge) candidates(t *Target, shown *certificate.Bundle) []*stored {
	var list []*stored
	if t.Inline != nil {
		list = append(list, &stored{bundle: t.Inline, count: t.Inline.Count, manager: inventory.ManagerUnknown})
	}
	for _, secret := range t.Stored {
		list = append(list, k.shelf.find(secret)...)
	}
	if leaf := shown.First(); leaf != nil && !t.Named {
		list = append(list, k.shelf.holders(leaf.Fingerprint)...)
	}
	// Pages come in no order.
	slices.SortFunc(list, func(a, b *stored) int { return cmp.Compare(a.secret.String(), b.secret.String()) })
	return list
}

// judge says how what is served relates to what is stored, and where TLS ends.
func (k *knowledge) judge(t *Target, f *Finding) verdict {
	v := verdict{agreement: prober.NotCompared}
	hints := prober.Hints{Entry: t.Entry, Passthrough: t.Passthrough, CanonicalName: f.CanonicalName, CDNSuffixes: prober.KnownCDNSuffixes()}
	for _, c := range t.Cloud {
		hints.CloudCertificates = append(hints.CloudCertificates, c.CloudCertificate)
	}
	if f.Chain.First() == nil {
		// Nothing contradicts what the object says.
		v.place = prober.TerminatesAt(nil, nil, &hints)
		return v
	}
	if f.Address.IsValid() {
		hints.Address, hints.LoadBalancers = f.Address.Addr().Unmap(), t.LoadBalancers
	}
	shown := f.Chain
	var compared []*certificate.Bundle
	if k.complete || t.Inline != nil {
		v.agreement = prober.StoredMissing
		for _, s := range k.candidates(t, f.Chain) {
			cut := s.comparable(f.Chain)
			one := prober.Compare(cut, []*certificate.Bundle{s.bundle})
			compared = append(compared, s.bundle)
			if v.by == nil || rank(one) < rank(v.agreement) {
				v.agreement, v.by, shown = one, s, cut
			}
		}
	} else {
		hints.CloudCertificates = nil // it may be what is stored
	}
	v.place = prober.TerminatesAt(shown, compared, &hints)
	if v.agreement == prober.Differs {
		v.by = nil
	}
	return v
}

// rank orders agreements, the best first.
func rank(a prober.Agreement) int { return slices.Index(prober.AllAgreements(), a) }

// nothing is the value of an address that shows no certificate.
var nothing = &certificate.Bundle{}

// recordOf is what is kept of a target. finding is nil when there was nothing to
// dial.
func recordOf(t *Target, finding *Finding, k *knowledge) (inventory.Record, verdict) {
	f := Finding{Result: prober.Result{Reason: NotProbed, Message: t.Problem}}
	if finding != nil {
		f = *finding
	}
	v := k.judge(t, &f)
	r := inventory.Record{Key: t.Address(), Role: inventory.Served, Value: nothing}
	if f.Chain != nil {
		r.Value = f.Chain
	}
	r.Served = &v1alpha1.ServedState{
		Source: t.Source.String(), Address: t.Address(), ServerName: t.Endpoint.ServerName,
		Version: f.Version, Reason: string(f.Reason), Message: f.Message,
		Agreement: string(v.agreement), TerminatesAt: string(v.place), Cloud: cloudOf(t.Cloud),
	}
	if t.Endpoint.Host != "" {
		r.Served.Protocol = t.Endpoint.Protocol.String()
	}
	r.Served.Stored = storedNames(t, v.by)
	if f.Reason == prober.Served && v.agreement == prober.NotCompared {
		r.Served.Message = "the agent's list of stored certificates can't be read yet"
	}
	return r, v
}

// storedNames are the Secrets that a target names, or the one that was found.
func storedNames(t *Target, by *stored) []string {
	var list []string
	for _, secret := range t.Stored {
		list = append(list, secret.String())
	}
	if len(list) == 0 && by != nil && by.secret.Name != "" {
		list = append(list, by.secret.String())
	}
	return list
}

func cloudOf(list []Cloud) []v1alpha1.CloudCertificate {
	var out []v1alpha1.CloudCertificate
	for _, c := range list {
		one := v1alpha1.CloudCertificate{Provider: string(c.Provider), ID: c.ID, Field: c.Field, State: c.State}
		if c.NotAfter != 0 {
			one.NotAfter = &metav1.Time{Time: time.Unix(c.NotAfter, 0).UTC()}
		}
		out = append(out, one)
	}
	return out
}

// entry is a record with what it says about its object.
type entry struct {
	target  *Target
	record  inventory.Record
	verdict verdict
}

// objectOf is what is kept of all targets with one place, nil for none. Of two
// with one address the first source counts.
func objectOf(entries []entry) *inventory.Object {
	if len(entries) == 0 {
		return nil
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.record.Key, b.record.Key), cmp.Compare(a.record.Served.Source, b.record.Served.Source))
	})
	entries = slices.CompactFunc(entries, func(a, b entry) bool { return a.record.Key == b.record.Key })
	t := entries[0].target
	o := &inventory.Object{Place: t.Place(), Layer: t.Layer, Manager: inventory.ManagerUnknown}
	for i := range entries {
		o.Records = append(o.Records, entries[i].record)
	}
	for i := range entries {
		if by := entries[i].verdict.by; by != nil {
			o.Manager, o.ManagerName, o.Issuer = by.manager, by.managerName, by.issuer
			o.Owner, o.Purpose = by.owner, by.purpose
			return o
		}
	}
	if slices.ContainsFunc(entries, func(e entry) bool { return e.verdict.place == prober.LoadBalancer }) {
		o.Manager = inventory.ManagedByCloud
	}
	return o
}
