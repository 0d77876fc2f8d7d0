package exposition

import (
	"maps"
	"slices"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// coverageStates are the states of v1alpha1.Coverage.
var coverageStates = []string{
	v1alpha1.CoverageReading, v1alpha1.CoverageWaiting, v1alpha1.CoverageForbidden, v1alpha1.CoverageNotServed, v1alpha1.CoverageFailing,
}

// writeCoverage adds a sample for each resource and state: 1 for the state that
// the resource is in. Read by namespace, a resource may be in several.
func writeCoverage(s *stream, coverage []v1alpha1.Coverage) {
	s.family(names.MetricInventoryCoverage, "Whether a resource, or a namespace of it, is in a state of being read: 1 for yes.")
	found := map[string]map[string]bool{}
	for _, c := range coverage {
		resource := identify(c.Resource)
		if found[resource] == nil {
			found[resource] = map[string]bool{}
			for _, state := range coverageStates {
				found[resource][state] = false
			}
		}
		found[resource][describe(c.State)] = true
	}
	for _, resource := range slices.Sorted(maps.Keys(found)) {
		for _, state := range slices.Sorted(maps.Keys(found[resource])) {
			var value int64
			if found[resource][state] {
				value = 1
			}
			s.sample(value, names.MetricLabelResource, resource, names.MetricLabelState, state)
		}
	}
}
