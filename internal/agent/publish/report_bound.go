package publish

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// MaxReport bounds the status of a TLSAgent in bytes of its JSON.
const MaxReport = 64 << 10

// Bounds of what is listed: the parts of the coverage, and of each list of the
// estate and the profile.
const (
	maxCoverage = 256
	maxEstate   = 32
	maxProfile  = 64
)

// lists are the parts of a report that can be shortened, the most important
// first in each.
type lists struct {
	coverage    []v1alpha1.Coverage
	unreadable  []unreadable
	authorities []*authority
	estate      *v1alpha1.EstateReport
	profile     *v1alpha1.ClusterProfile
}

// steps are how far lists and texts are shortened, one step after the other,
// until the report is small enough. The last one always is.
var steps = [...]struct{ coverage, unreadable, authorities, estate, profile, text int }{
	{maxCoverage, maxUnreadable, maxAuthorities, maxEstate, maxProfile, maxSentence},
	{maxCoverage, maxUnreadable, maxAuthorities, maxEstate, maxProfile, 128},
	{128, maxUnreadable, 32, maxEstate, maxProfile, 128},
	{64, 16, 16, 16, maxProfile, 128},
	{32, 8, 8, 8, 16, 64},
	{8, 4, 4, 2, 2, 32},
}

// bounded adds as much of the lists to the status as its size allows.
func bounded(status v1alpha1.TLSAgentStatus, l lists) v1alpha1.TLSAgentStatus {
	for i, step := range steps {
		n := min(step.unreadable, len(l.unreadable))
		coverage := min(step.coverage, len(l.coverage))
		status.Coverage, status.Unreadable, status.Authorities = nil, nil, nil
		for _, c := range l.coverage[:coverage] {
			c.Resource, c.Namespace = text(c.Resource, max(step.text, 64)), text(c.Namespace, 63)
			c.State, c.Message = text(c.State, 32), text(c.Message, step.text)
			status.Coverage = append(status.Coverage, c)
		}
		for _, u := range l.unreadable[:n] {
			status.Unreadable = append(status.Unreadable, u.item(step.text))
		}
		for _, a := range l.authorities[:min(step.authorities, len(l.authorities))] {
			status.Authorities = append(status.Authorities, a.item(step.text))
		}
		status.Estate, status.Profile = estateOf(l.estate, step.estate, step.text), profileOf(l.profile, step.profile)
		status.Summarised = i > 0 || coverage < len(l.coverage) || n < int(status.Certificates.Unreadable)
		if data, err := json.Marshal(status); err == nil && len(data) <= MaxReport {
			break
		}
	}
	return status
}

// sortedCoverage puts first what is worst, and does not change its input.
func sortedCoverage(coverage []v1alpha1.Coverage) []v1alpha1.Coverage {
	list := slices.Clone(coverage)
	slices.SortFunc(list, func(a, b v1alpha1.Coverage) int {
		return cmp.Or(cmp.Compare(rank(a.State), rank(b.State)), cmp.Compare(a.Resource, b.Resource),
			cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Message, b.Message))
	})
	return list
}

func rank(state string) int {
	switch state {
	case v1alpha1.CoverageFailing:
		return 0
	case v1alpha1.CoverageForbidden:
		return 1
	case v1alpha1.CoverageWaiting:
		return 2
	case v1alpha1.CoverageReading:
		return 3
	case v1alpha1.CoverageNotServed:
		return 4
	}
	return 0
}
