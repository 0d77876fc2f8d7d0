package publish

import (
	"cmp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// ReportInput is what a report says beside what the views tell.
type ReportInput struct {
	// Now is the time of the report.
	Now time.Time
	// Generation of the spec that is in force.
	Generation int64
	// Version of the agent.
	Version string
	// Coverage of everything that is read, in any order.
	Coverage []v1alpha1.Coverage
	// Slices is the number of pages that exist.
	Slices int32
	// Previous are the conditions of the last report: those that did not change
	// keep their time.
	Previous []metav1.Condition
	// Estate says how the platform's objects are; nil when that is not known.
	Estate *v1alpha1.EstateReport
	// Profile is what runs in the cluster; nil when that is not known.
	Profile *v1alpha1.ClusterProfile
}

// Report is the status of a TLSAgent: counts of all records, and lists of
// bounded length, at most MaxReport bytes of JSON. Every record counts; those
// without a certificate that could be read are in no expiry bucket.
//
// Summarised is set when values that could not be read or parts of the coverage
// are left out, or texts are shortened to keep the size. That not every CA is
// among the authorities is so by design.
func Report(views Views, in ReportInput) v1alpha1.TLSAgentStatus {
	t := tally{now: in.Now.Unix(), authorities: map[certificate.Fingerprint]*authority{}}
	for shard := range inventory.Shards {
		views.Each(shard, t.add)
	}
	status := v1alpha1.TLSAgentStatus{
		ObservedGeneration: in.Generation,
		Conditions:         conditions(in),
		Version:            text(in.Version, maxName),
		Certificates:       t.counts,
		Slices:             in.Slices,
	}
	status.Certificates.Findings = t.findingCounts()
	return bounded(status, lists{
		coverage: sortedCoverage(in.Coverage), unreadable: t.unreadable, authorities: t.topAuthorities(),
		estate: in.Estate, profile: in.Profile,
	})
}

// tally adds up views.
type tally struct {
	// now in Unix seconds.
	now         int64
	counts      v1alpha1.CertificateCounts
	findings    [64]int32
	unreadable  []unreadable
	authorities map[certificate.Fingerprint]*authority
}

const (
	day   = 24 * 60 * 60
	week  = 7 * day
	month = 30 * day
)

func (t *tally) add(v *inventory.View) {
	t.counts.Total++
	switch layerOf(v) {
	case v1alpha1.LayerIngress:
		t.counts.ByLayer.Ingress++
	case v1alpha1.LayerMesh:
		t.counts.ByLayer.Mesh++
	case v1alpha1.LayerApplication:
		t.counts.ByLayer.Application++
	}
	if c := v.Record.Leading(); c != nil && !c.Findings.Has(certificate.Unparseable) {
		t.addExpiry(c.NotAfter)
	}
	if v.Manager == inventory.ManagedByHand {
		t.counts.Unmanaged++
	}
	if v.Use.Use == reference.Unreferenced {
		t.counts.Unreferenced++
	}
	if v.Orphan {
		t.counts.Orphans++
	}
	if v.Findings.Has(certificate.Unreadable) {
		t.counts.Unreadable++
		t.addUnreadable(v)
	}
	for i := range t.findings {
		if v.Findings>>i == 0 {
			break
		}
		if v.Findings.Has(1 << i) {
			t.findings[i]++
		}
	}
	t.addAuthorities(v)
}

func (t *tally) addExpiry(notAfter int64) {
	e := &t.counts.Expiry
	switch {
	case notAfter < t.now:
		e.Expired++
	case notAfter <= t.now+day:
		e.WithinDay++
	case notAfter <= t.now+week:
		e.WithinWeek++
	case notAfter <= t.now+month:
		e.WithinMonth++
	default:
		e.Later++
	}
}

// findingCounts are the findings that there are, ordered by reason.
func (t *tally) findingCounts() []v1alpha1.FindingCount {
	var list []v1alpha1.FindingCount
	for i, n := range t.findings {
		if n == 0 {
			continue
		}
		for _, reason := range certificate.Findings(1 << i).Strings() {
			list = append(list, v1alpha1.FindingCount{Reason: reason, Count: n})
		}
	}
	slices.SortFunc(list, func(a, b v1alpha1.FindingCount) int { return cmp.Compare(a.Reason, b.Reason) })
	return list
}

// objectName is an object as Kind namespace/name.
func objectName(place inventory.Place) string {
	if place.Namespace == "" {
		return place.Kind.String() + " " + place.Name
	}
	return place.Kind.String() + " " + place.Namespace + "/" + place.Name
}
