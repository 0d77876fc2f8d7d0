package consistency

import (
	"slices"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// group of subjects, in the order of the matrix.
type group int8

const (
	groupComponents group = iota
	groupOwners
	groupSettings
	groupIssuers
	groupPolicies
	groupBundles
	groupCount
)

// String is the group as a row of the matrix has it. Owners are shown among the
// components.
func (g group) String() string {
	switch g {
	case groupComponents, groupOwners:
		return "components"
	case groupSettings:
		return "settings"
	case groupIssuers:
		return "issuers"
	case groupPolicies:
		return "policies"
	case groupBundles:
		return "bundles"
	case groupCount:
		return ""
	default:
		return ""
	}
}

// key identifies a subject.
type key struct {
	group      group
	kind, name string
}

// String is the subject as people read it.
func (k key) String() string {
	if k.group == groupOwners {
		return k.kind + " " + k.name + " owner"
	}
	return k.kind + " " + k.name
}

// code is what a cluster has of a subject: the index of a value, or one of the
// following.
type code int32

const (
	// absent says that the cluster does not have it.
	absent code = -1 - iota
	// opaque says that the cluster has it, and that its value is not known.
	opaque
	// unknown says that nothing is known.
	unknown
	// pointless says that the question does not arise: a component that is not
	// there has no owner.
	pointless
)

// certManager is the component that the settings are of.
const certManager = "cert-manager"

// grid has a row for each subject and a column for each cluster that is seen.
type grid struct {
	clusters []Cluster
	keys     []key
	values   []string
	// cells row by row.
	cells []code

	rowOf  map[key]int32
	codeOf map[string]code
	found  []finding
}

// finding is one cell that a profile names.
type finding struct {
	row, column int32
	value       code
}

func newGrid(clusters []Cluster) *grid {
	g := &grid{clusters: seen(clusters), rowOf: map[key]int32{}, codeOf: map[string]code{}}
	if len(g.clusters) == 0 {
		return g
	}
	size := 0
	for i := range g.clusters {
		p := g.clusters[i].Profile
		size += 2*len(p.Components) + len(p.Settings) + len(p.Issuers) + len(p.Policies) + len(p.Bundles)
	}
	g.found = make([]finding, 0, size)
	var defaults [groupCount][]code
	for i := range defaults {
		defaults[i] = make([]code, len(g.clusters))
	}
	for i := range g.clusters {
		g.read(int32(i), g.clusters[i].Profile)
		for j, d := range defaultsOf(g.clusters[i].Profile) {
			defaults[j][i] = d
		}
	}
	g.cells = make([]code, len(g.keys)*len(g.clusters))
	for row, k := range g.keys {
		copy(g.row(row), defaults[k.group])
	}
	for _, f := range g.found {
		g.cells[int(f.row)*len(g.clusters)+int(f.column)] = f.value
	}
	return g
}

// row is one subject in all clusters.
func (g *grid) row(i int) []code {
	return g.cells[i*len(g.clusters) : (i+1)*len(g.clusters)]
}

// read takes what a profile names.
func (g *grid) read(column int32, p *v1alpha1.ClusterProfile) {
	for i := range p.Components {
		c := &p.Components[i]
		g.add(column, key{groupComponents, "component", c.Name}, c.Version, c.Version != "")
		if c.Owner != "" {
			g.add(column, key{groupOwners, "component", c.Name}, c.Owner, true)
		}
	}
	for i := range p.Settings {
		s := &p.Settings[i]
		value := s.Value
		if value == "" {
			// Set to nothing is not the same as not set.
			value = `""`
		}
		g.add(column, key{groupSettings, "setting", s.Name}, value, true)
	}
	for i := range p.Issuers {
		s := &p.Issuers[i]
		// An Issuer is the matter of its namespace, which other clusters need not
		// have.
		if s.Namespace == "" {
			g.add(column, key{groupIssuers, s.Kind, s.Name}, s.Backend, isKnown(s.Backend))
		}
	}
	for i := range p.Policies {
		d := &p.Policies[i]
		g.add(column, key{groupPolicies, d.Kind, d.Name}, d.Digest, d.Digest != "")
	}
	for i := range p.Bundles {
		d := &p.Bundles[i]
		g.add(column, key{groupBundles, d.Kind, d.Name}, d.Digest, d.Digest != "")
	}
}

// add notes that a cluster has a value of a subject.
func (g *grid) add(column int32, k key, value string, known bool) {
	row, ok := g.rowOf[k]
	if !ok {
		row = int32(len(g.keys))
		g.rowOf[k] = row
		g.keys = append(g.keys, k)
	}
	v := opaque
	if known {
		if v, ok = g.codeOf[value]; !ok {
			v = code(len(g.values))
			g.codeOf[value] = v
			g.values = append(g.values, value)
		}
	}
	g.found = append(g.found, finding{row: row, column: column, value: v})
}

// defaultsOf says for each group what it means that a profile does not name a
// subject. A profile that was cut says nothing of what it does not name, with
// two exceptions that follow from how agents cut, which is from the end and all
// lists alike: ClusterIssuers are complete when Issuers follow them, and
// components, which are few, when another list is longer.
func defaultsOf(p *v1alpha1.ClusterProfile) [groupCount]code {
	d := [groupCount]code{
		groupComponents: absent, groupOwners: pointless, groupSettings: absent,
		groupIssuers: absent, groupPolicies: absent, groupBundles: absent,
	}
	if p.Omitted > 0 {
		d[groupSettings], d[groupPolicies], d[groupBundles] = unknown, unknown, unknown
		if max(len(p.Settings), len(p.Issuers), len(p.Policies), len(p.Bundles)) <= len(p.Components) {
			d[groupComponents] = unknown
		}
		if n := len(p.Issuers); n == 0 || p.Issuers[n-1].Namespace == "" {
			d[groupIssuers] = unknown
		}
	}
	found := slices.ContainsFunc(p.Components, func(c v1alpha1.ComponentProfile) bool { return c.Name == certManager })
	if !found && d[groupComponents] == absent {
		d[groupSettings] = pointless
	}
	return d
}

// text is the value of a code, empty for what is absent.
func (g *grid) text(c code) string {
	switch {
	case c >= 0:
		return g.values[c]
	case c == opaque:
		return "unknown"
	default:
		return ""
	}
}
