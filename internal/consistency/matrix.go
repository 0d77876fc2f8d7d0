package consistency

import (
	"cmp"
	"slices"
	"strings"
)

// Matrix shows what each cluster has of each subject.
type Matrix struct {
	// Clusters are the columns, ordered by name; those that are not seen are
	// among them.
	Clusters []string
	// Rows are ordered by group, then by subject.
	Rows []Row
}

// Row is one subject, such as "component cert-manager", "setting feature-gates",
// "ClusterIssuer public" or "Bundle corp".
type Row struct {
	// Subject that is compared.
	Subject string
	// Group of the subject: components, settings, issuers, policies or bundles.
	Group string
	// Majority is what more than half of the compared clusters have, empty when
	// that is nothing, and when there is no majority.
	Majority string
	// Agreeing is the number of clusters that have it, 0 without a majority.
	Agreeing int
	// Compared is the number of clusters of which enough is known.
	Compared int
	// Split says that the clusters differ without a majority.
	Split bool
	// Cells in the order of the columns.
	Cells []Cell
}

// Differs says that not all clusters have the same.
func (r *Row) Differs() bool {
	return r.Split || slices.ContainsFunc(r.Cells, func(c Cell) bool { return c.Outlier })
}

// Cell is what a cluster has of a subject.
type Cell struct {
	// Value of the subject: a version, an owner, a setting, a backend or a digest.
	Value string
	// Outlier says that most clusters have something else.
	Outlier bool
	// Absent says that the cluster does not have it.
	Absent bool
	// NotApplicable says that it can't have it, as a component that is absent has
	// no owner. The cell is not compared.
	NotApplicable bool
	// Unknown says that the value is not known. With the value "unknown" the
	// cluster has it all the same; without, nothing is known.
	Unknown bool
}

// NewMatrix compares all clusters in all subjects. Those without a profile have
// only unknown cells.
func NewMatrix(clusters []Cluster) Matrix {
	all := sorted(clusters)
	g := newGrid(all)
	m := Matrix{Clusters: make([]string, 0, len(all)), Rows: make([]Row, 0, len(g.keys))}
	for i := range all {
		m.Clusters = append(m.Clusters, all[i].Name)
	}
	cells := make([]Cell, len(g.keys)*len(all))
	counts := make([]int32, len(g.values))
	for _, row := range g.order() {
		v := g.judge(row, counts)
		m.Rows = append(m.Rows, Row{
			Subject: v.subject, Group: g.keys[row].group.String(),
			Majority: g.text(v.majority), Agreeing: v.agreeing, Compared: v.compared, Split: v.split(),
			Cells: cells[:len(all):len(all)],
		})
		g.fill(cells[:len(all)], all, v)
		cells = cells[len(all):]
	}
	return m
}

// order lists the rows by group and subject. The owner of a component follows
// its version.
func (g *grid) order() []int {
	names := make([]string, len(g.keys))
	order := make([]int, len(g.keys))
	for i := range order {
		names[i], order[i] = g.keys[i].String(), i
	}
	rank := func(i int) group {
		if g.keys[i].group == groupOwners {
			return groupComponents
		}
		return g.keys[i].group
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(names[a], names[b]))
	})
	return order
}

// fill writes the cells of a row for all clusters, in their order. The columns of
// the grid are those of them that are seen.
func (g *grid) fill(cells []Cell, all []Cluster, v verdict) {
	codes := g.row(v.row)
	for i := range all {
		if all[i].Profile == nil {
			cells[i].Unknown = true
			continue
		}
		c := codes[0]
		codes = codes[1:]
		cells[i] = Cell{
			Value:         g.text(c),
			Outlier:       !v.split() && v.deviates(c),
			Absent:        c == absent || c == pointless,
			NotApplicable: c == pointless,
			Unknown:       c == opaque || c == unknown,
		}
	}
}
