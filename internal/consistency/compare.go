package consistency

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// Bounds of what Compare returns.
const (
	maxOutliers        = 32
	maxOutlierClusters = 8
	// maxText is in bytes.
	maxText = 256
)

// Compare compares the clusters with each other. Clusters without a profile are
// not compared and not counted. The outcome is bounded, so that it fits into a
// status: at most 32 outliers with at most 8 clusters each.
func Compare(clusters []Cluster) v1alpha1.Consistency {
	g := newGrid(clusters)
	differences := g.differences()
	c := v1alpha1.Consistency{
		Backends:      int32(countBackends(g.clusters)),
		ShadowIssuers: int32(countShadowIssuers(g.clusters)),
		Differences:   int32(len(differences)),
	}
	for _, v := range differences {
		if c.Outliers = append(c.Outliers, g.outliers(v, maxOutlierClusters)...); len(c.Outliers) >= maxOutliers {
			c.Outliers = c.Outliers[:maxOutliers]
			break
		}
	}
	return c
}

// Outliers lists all differences with all of their clusters, the clearest
// first: the fewest clusters that differ, then the largest majority, then the
// subject. Subjects without a majority come last. Those have an entry for each
// value, with 0 clusters agreeing.
func Outliers(clusters []Cluster) []v1alpha1.Outlier {
	g := newGrid(clusters)
	var list []v1alpha1.Outlier
	for _, v := range g.differences() {
		list = append(list, g.outliers(v, len(g.clusters))...)
	}
	return list
}

// verdict is what the clusters have of one subject.
type verdict struct {
	row     int
	subject string
	// compared is the number of clusters of which at least the presence is known.
	compared int
	// absent and opaque are numbers of clusters, distinct one of values.
	absent, opaque, distinct int
	// majority is what more than half of the clusters have, absent included, and
	// unknown when there is none.
	majority code
	// agreeing is the number of clusters that have it.
	agreeing int
}

// judge counts a row. The slice counts has a 0 for each value and is left so.
func (g *grid) judge(row int, counts []int32) verdict {
	v := verdict{row: row, subject: g.keys[row].String(), majority: unknown}
	cells := g.row(row)
	top := unknown
	for _, c := range cells {
		switch {
		case c >= 0:
			if counts[c]++; counts[c] == 1 {
				v.distinct++
			}
			if top < 0 || counts[c] > counts[top] {
				top = c
			}
			v.compared++
		case c == absent:
			v.absent++
			v.compared++
		case c == opaque:
			v.opaque++
			v.compared++
		}
	}
	switch {
	case top >= 0 && 2*int(counts[top]) > v.compared:
		v.majority, v.agreeing = top, int(counts[top])
	case 2*v.absent > v.compared:
		v.majority, v.agreeing = absent, v.absent
	}
	for _, c := range cells {
		if c >= 0 {
			counts[c] = 0
		}
	}
	return v
}

// differs says that not all clusters have the same. Two values that are not
// known may be the same, but to have it and not to have it never are.
func (v *verdict) differs() bool {
	return v.distinct > 1 || v.absent > 0 && v.distinct+v.opaque > 0
}

// split says that the clusters differ and that there is no majority.
func (v *verdict) split() bool { return v.differs() && v.majority == unknown }

// deviates says that a cluster is not what most are, or, where the clusters are
// split, that it is one side of it.
func (v *verdict) deviates(c code) bool {
	switch c {
	case unknown, pointless:
		return false
	case opaque:
		return v.majority == absent || v.split() && v.absent > 0
	default:
		return v.differs() && c != v.majority
	}
}

// deviating is the number of clusters that differ.
func (v *verdict) deviating() int {
	n := v.compared - v.agreeing
	if !v.deviates(opaque) {
		n -= v.opaque
	}
	return n
}

// differences are the rows in which clusters differ, the clearest first.
func (g *grid) differences() []verdict {
	counts := make([]int32, len(g.values))
	var list []verdict
	for row := range g.keys {
		if v := g.judge(row, counts); v.differs() {
			list = append(list, v)
		}
	}
	slices.SortFunc(list, func(a, b verdict) int {
		if a.split() != b.split() {
			if a.split() {
				return 1
			}
			return -1
		}
		return cmp.Or(
			cmp.Compare(a.deviating(), b.deviating()),
			cmp.Compare(b.agreeing, a.agreeing),
			strings.Compare(a.subject, b.subject),
		)
	})
	return list
}

// outliers are the clusters that differ in a row, by what they have. At most
// limit of them are named for each value.
func (g *grid) outliers(v verdict, limit int) []v1alpha1.Outlier {
	var list []v1alpha1.Outlier
	at := map[code]int{}
	for i, c := range g.row(v.row) {
		if !v.deviates(c) {
			continue
		}
		n, ok := at[c]
		if !ok {
			n = len(list)
			at[c] = n
			list = append(list, v1alpha1.Outlier{
				Subject: bounded(v.subject), Majority: bounded(g.text(v.majority)), Agreeing: int32(v.agreeing),
				Of: int32(v.compared), Value: bounded(g.text(c)),
			})
		}
		if o := &list[n]; len(o.Clusters) < limit {
			o.Clusters = append(o.Clusters, g.clusters[i].Name)
		} else {
			o.More++
		}
	}
	slices.SortStableFunc(list, func(a, b v1alpha1.Outlier) int {
		return cmp.Or(
			cmp.Compare(len(a.Clusters)+int(a.More), len(b.Clusters)+int(b.More)),
			strings.Compare(a.Value, b.Value),
		)
	})
	return list
}

// bounded cuts a text.
func bounded(s string) string {
	if len(s) <= maxText {
		return s
	}
	const ellipsis = "…"
	end := maxText - len(ellipsis)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}
