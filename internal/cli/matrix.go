package cli

import (
	"cmp"
	"slices"

	"github.com/tlsplatform/tls-platform-operator/internal/consistency"
)

// kindMatrix is the kind of the matrix that is written for programs.
const kindMatrix = "ClusterMatrix"

// matrixView is what is shown of the comparison of clusters. Its texts are clean.
type matrixView struct {
	header
	// Clusters that are shown.
	Clusters []matrixCluster `json:"clusters"`
	// Compared is the number of clusters that were compared.
	Compared int `json:"compared"`
	// Rows of the matrix.
	Rows []matrixRow `json:"rows"`
	// Backends of the clusters that are shown.
	Backends []matrixBackend `json:"backends"`
	// UnreadIssuers are issuers in UnreadClusters of which the CA is not known.
	UnreadIssuers  int `json:"unreadIssuers"`
	UnreadClusters int `json:"unreadClusters"`
	// ShadowIssuers of the clusters that are shown.
	ShadowIssuers []matrixShadow `json:"shadowIssuers"`
	// CutClusters are clusters that are shown and run more than a profile holds.
	CutClusters []string `json:"cutClusters"`
	// seen is the number of clusters that are shown and seen.
	seen int
}

// matrixCluster is a column.
type matrixCluster struct {
	Name string `json:"name"`
	// Unseen says why nothing is known of the cluster.
	Unseen string `json:"unseen,omitempty"`
	seen   bool
}

// matrixRow is a subject.
type matrixRow struct {
	Subject  string `json:"subject"`
	Group    string `json:"group"`
	Majority string `json:"majority"`
	Agreeing int    `json:"agreeing"`
	Compared int    `json:"compared"`
	Split    bool   `json:"split"`
	// Values that clusters have, that of the most clusters first.
	Values []matrixValue `json:"values"`
	// cells in the order of the clusters that are shown.
	cells []consistency.Cell
}

// matrixValue is a value with the clusters that have it.
type matrixValue struct {
	Value  string `json:"value"`
	Absent bool   `json:"absent,omitempty"`
	// NotApplicable clusters can't have any, and are not compared.
	NotApplicable bool `json:"notApplicable,omitempty"`
	// Unknown clusters may have any; without a value not even whether they do.
	Unknown  bool     `json:"unknown,omitempty"`
	Outlier  bool     `json:"outlier,omitempty"`
	Clusters []string `json:"clusters"`
}

// matrixBackend is a CA.
type matrixBackend struct {
	Name     string   `json:"name"`
	Clusters []string `json:"clusters"`
	Issuers  []string `json:"issuers"`
}

// matrixShadow is an issuer that nobody declared.
type matrixShadow struct {
	Issuer   string   `json:"issuer"`
	Backends []string `json:"backends"`
	Clusters []string `json:"clusters"`
}

// newMatrixView compares all members of a fleet and shows those that are asked
// for; with differences only what differs.
func newMatrixView(fleet *fleetView, differences bool) *matrixView {
	all := fleet.compared()
	m := consistency.NewMatrix(all)
	v := &matrixView{
		header: headerOf(kindMatrix), Clusters: []matrixCluster{}, Rows: []matrixRow{},
		Backends: []matrixBackend{}, ShadowIssuers: []matrixShadow{}, CutClusters: []string{},
	}
	var shown []consistency.Cluster
	var columns []int
	for i := range all {
		if all[i].Profile != nil {
			v.Compared++
		}
		if !fleet.shows(all[i].Name) {
			continue
		}
		shown = append(shown, all[i])
		columns = append(columns, i)
		c := matrixCluster{Name: clean(all[i].Name), Unseen: clean(all[i].Unseen), seen: all[i].Profile != nil}
		v.Clusters = append(v.Clusters, c)
		if c.seen {
			v.seen++
		}
		if c.seen && all[i].Profile.Omitted > 0 {
			v.CutClusters = append(v.CutClusters, c.Name)
		}
	}
	for i := range m.Rows {
		row := v.rowOf(&m.Rows[i], columns)
		if !differences || row.differs() {
			v.Rows = append(v.Rows, row)
		}
	}
	v.addIssuers(shown)
	return v
}

// rowOf takes the columns out of a row.
func (v *matrixView) rowOf(r *consistency.Row, columns []int) matrixRow {
	row := matrixRow{
		Subject: clean(r.Subject), Group: r.Group, Majority: clean(r.Majority),
		Agreeing: r.Agreeing, Compared: r.Compared, Split: r.Split, Values: []matrixValue{},
	}
	at := map[consistency.Cell]int{}
	for i, column := range columns {
		cell := r.Cells[column]
		cell.Value = clean(cell.Value)
		row.cells = append(row.cells, cell)
		if !v.Clusters[i].seen {
			continue
		}
		n, ok := at[cell]
		if !ok {
			n = len(row.Values)
			at[cell] = n
			row.Values = append(row.Values, matrixValue{
				Value: cell.Value, Absent: cell.Absent, NotApplicable: cell.NotApplicable, Unknown: cell.Unknown, Outlier: cell.Outlier,
			})
		}
		row.Values[n].Clusters = append(row.Values[n].Clusters, v.Clusters[i].Name)
	}
	slices.SortStableFunc(row.Values, func(a, b matrixValue) int {
		return cmp.Or(cmp.Compare(len(b.Clusters), len(a.Clusters)), cmp.Compare(a.Value, b.Value))
	})
	return row
}

// differs says that a cluster that is shown differs from the majority, or that
// there is none.
func (r *matrixRow) differs() bool {
	return r.Split || slices.ContainsFunc(r.cells, func(c consistency.Cell) bool { return c.Outlier })
}

// addIssuers fills in what is said of the issuers of clusters.
func (v *matrixView) addIssuers(clusters []consistency.Cluster) {
	for _, b := range consistency.Backends(clusters) {
		v.Backends = append(v.Backends, matrixBackend{
			Name: clean(b.Name), Clusters: cleanAll(b.Clusters), Issuers: cleanAll(b.Issuers),
		})
	}
	for _, s := range consistency.ShadowIssuers(clusters) {
		v.ShadowIssuers = append(v.ShadowIssuers, matrixShadow{
			Issuer: clean(objectTitle(s.Kind, s.Namespace, s.Name)), Backends: cleanAll(s.Backends), Clusters: cleanAll(s.Clusters),
		})
	}
	v.UnreadIssuers, v.UnreadClusters = consistency.Unread(clusters)
}
