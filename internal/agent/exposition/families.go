package exposition

import (
	"cmp"
	"maps"
	"slices"

	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// Bounds of the aggregates. What is beyond is counted under names.MetricOther.
const (
	maxIssuers    = 100
	maxNamespaces = 1000
)

// noIssuer stands for an issuer without a name.
const noIssuer = "none"

// notAfter adds the sample of a certificate.
func (s *stream) notAfter(v *inventory.View, c *certificate.Certificate, issuer string) {
	s.begin()
	s.label(names.MetricLabelLayer, string(layers[layerIndex(v.Layer)]))
	s.place(v)
	s.label(names.MetricLabelIssuer, issuer)
	s.label(names.MetricLabelManagedBy, string(v.Manager))
	s.label(names.MetricLabelOwner, describe(v.Owner))
	s.end(c.NotAfter)
}

// renewal adds the sample of when a certificate will be renewed.
func (s *stream) renewal(v *inventory.View) {
	s.begin()
	s.place(v)
	s.end(v.Renewal)
}

// place adds the labels that tell one certificate from all others.
func (s *stream) place(v *inventory.View) {
	s.label(names.MetricLabelKind, v.Object.Kind.String())
	s.label(names.MetricLabelCertificateNamespace, identify(v.Object.Namespace))
	s.label(names.MetricLabelCertificateName, identify(v.Object.Name))
	s.label(names.MetricLabelKey, identify(v.Record.Key))
}

// write adds the families of the figures.
func (f *figures) write(s *stream) {
	f.writeGroups(s)
	f.writeIssuers(s)
	f.writeNamespaces(s)
	s.family(names.MetricInventoryByExpiry, "Certificates by the time that is left. A certificate is in one span only.")
	for layer, counts := range f.expiry {
		for span, count := range counts {
			within := names.WithinLater
			if span < len(spans) {
				within = spans[span].name
			}
			s.sample(count, names.MetricLabelLayer, string(layers[layer]), names.MetricLabelWithin, within)
		}
	}
	f.writeFindings(s)
	s.byLayer(names.MetricInventoryUnreferenced, "Certificates that nothing is known to use.", f.unreferenced)
	s.byLayer(names.MetricInventoryOrphaned, "Certificates that nothing is known to use for longer than the grace period.", f.orphaned)
	s.byLayer(names.MetricInventoryUnmanaged, "Certificates that were made by hand, so that nothing renews them.", f.unmanaged)
	f.writeAuthorities(s)
	s.family(names.MetricInventoryExported, "Certificates that have series of their own.")
	s.sample(f.exported)
	s.family(names.MetricInventoryNotExported, "Certificates that have no series of their own, by reason.")
	s.sample(f.ruledOut, names.MetricLabelReason, names.NotExportedRule)
	s.sample(f.endless, names.MetricLabelReason, names.NotExportedUnreadable)
}

func (s *stream) byLayer(name, help string, counts byLayer) {
	s.family(name, help)
	for layer, count := range counts {
		s.sample(count, names.MetricLabelLayer, string(layers[layer]))
	}
}

func (f *figures) writeGroups(s *stream) {
	s.family(names.MetricInventoryCertificates, "Places that hold certificates, also those that cannot be read.")
	groups := slices.SortedFunc(maps.Keys(f.groups), func(a, b group) int {
		return cmp.Or(cmp.Compare(a.layer, b.layer), cmp.Compare(a.manager, b.manager), cmp.Compare(a.role, b.role))
	})
	for _, g := range groups {
		s.sample(f.groups[g], names.MetricLabelLayer, string(layers[g.layer]),
			names.MetricLabelManagedBy, string(g.manager), names.MetricLabelRole, g.role.String())
	}
}

func (f *figures) writeIssuers(s *stream) {
	s.family(names.MetricInventoryByIssuer, "Certificates by issuer, without bundles of CAs.")
	if unnamed := f.issuers[""]; unnamed > 0 {
		delete(f.issuers, "")
		f.issuers[noIssuer] += unnamed
	}
	list := slices.SortedFunc(maps.Keys(f.issuers), func(a, b string) int {
		return cmp.Or(cmp.Compare(f.issuers[b], f.issuers[a]), cmp.Compare(a, b))
	})
	shown := list[:min(len(list), maxIssuers)]
	var others int64
	for _, name := range list[len(shown):] {
		others += f.issuers[name]
	}
	for _, name := range shown {
		count := f.issuers[name]
		if name == names.MetricOther {
			count += others
			others = 0
		}
		s.sample(count, names.MetricLabelIssuer, name)
	}
	if others > 0 {
		s.sample(others, names.MetricLabelIssuer, names.MetricOther)
	}
}

func (f *figures) writeNamespaces(s *stream) {
	s.family(names.MetricInventoryByNamespace, "Certificates by namespace. Objects of the cluster have none.")
	slices.SortFunc(f.spaces, func(a, b space) int {
		return cmp.Or(cmp.Compare(b.count.total(), a.count.total()), cmp.Compare(a.name, b.name))
	})
	var others byLayer
	for _, in := range f.spaces[min(len(f.spaces), maxNamespaces):] {
		others.add(in.count)
	}
	for _, in := range f.spaces[:min(len(f.spaces), maxNamespaces)] {
		if in.name == names.MetricOther {
			in.count.add(others)
			others = byLayer{}
		}
		s.namespace(identify(in.name), in.count)
	}
	s.namespace(names.MetricOther, others)
}

// namespace adds a sample for each layer that has certificates.
func (s *stream) namespace(name string, counts byLayer) {
	for layer, count := range counts {
		if count > 0 {
			s.sample(count, names.MetricLabelCertificateNamespace, name, names.MetricLabelLayer, string(layers[layer]))
		}
	}
}

func (c *byLayer) total() (sum int64) {
	for _, count := range c {
		sum += count
	}
	return sum
}

func (c *byLayer) add(others byLayer) {
	for layer, count := range others {
		c[layer] += count
	}
}

// writeFindings adds a sample for every finding that there is, also for those of
// which nothing was found, so that alerts are always defined.
func (f *figures) writeFindings(s *stream) {
	all := certificate.AllFindings()
	s.family(names.MetricInventoryFindings, "Certificates by what is wrong with them. A certificate may have several findings.")
	for i, name := range all {
		s.sample(f.findings[i], names.MetricLabelFinding, name)
	}
	s.family(names.MetricInventoryUnreadable, "Values that could not be read, or only in part, by reason.")
	for i, name := range all {
		if certificate.Unreadable.Has(1 << i) {
			s.sample(f.findings[i], names.MetricLabelReason, name)
		}
	}
}

func (f *figures) writeAuthorities(s *stream) {
	list := f.authorities.finish()
	s.family(names.MetricAuthorities, "Different CAs that were found. Not all of them need have series.")
	s.sample(int64(len(list)))
	list = list[:min(len(list), maxAuthorities)]
	slices.SortFunc(list, compareFingerprints)
	labels := fingerprints(list)
	s.family(names.MetricAuthorityNotAfter, "End of the validity of a CA, in Unix seconds.")
	for i, a := range list {
		s.sample(a.certificate.NotAfter, names.MetricLabelFingerprint, labels[i],
			names.MetricLabelSubject, describe(a.certificate.Subject), names.MetricLabelMesh, describe(a.mesh))
	}
	s.family(names.MetricAuthorityPlaces, "Places that hold a CA.")
	for i, a := range list {
		s.sample(a.places, names.MetricLabelFingerprint, labels[i])
	}
}
