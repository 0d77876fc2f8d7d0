package cli

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/consistency"
)

// kindDrift is the kind of the report of drift that is written for programs.
const kindDrift = "DriftReport"

// driftView is what is not as it was applied, and what is not as elsewhere. Its
// texts are clean.
type driftView struct {
	header
	// Objects that others changed, by cluster, the oldest first.
	Objects []driftObject `json:"objects"`
	// Unlisted counts changed objects that are not listed one by one.
	Unlisted []driftUnlisted `json:"unlisted"`
	// Outliers are differences between clusters, the clearest first.
	Outliers []driftOutlier `json:"outliers"`
	// Compared is the number of clusters that were compared.
	Compared int `json:"compared"`
	// Unseen are clusters of which nothing new is known.
	Unseen []matrixCluster `json:"unseen"`
}

// driftObject is an object of a cluster that others changed.
type driftObject struct {
	Cluster   string       `json:"cluster"`
	Group     string       `json:"group,omitempty"`
	Kind      string       `json:"kind"`
	Namespace string       `json:"namespace,omitempty"`
	Name      string       `json:"name"`
	State     string       `json:"state"`
	Fields    []string     `json:"fields,omitempty"`
	By        []string     `json:"by,omitempty"`
	Since     *metav1.Time `json:"since,omitempty"`
}

// driftUnlisted counts objects of a cluster.
type driftUnlisted struct {
	Cluster string `json:"cluster"`
	Objects int32  `json:"objects"`
}

// driftOutlier is a difference. Agreeing is 0 where there is no majority.
type driftOutlier struct {
	Subject  string   `json:"subject"`
	Majority string   `json:"majority"`
	Agreeing int32    `json:"agreeing"`
	Of       int32    `json:"of"`
	Value    string   `json:"value"`
	Clusters []string `json:"clusters"`
}

// any says that there is drift of either kind.
func (v *driftView) any() bool {
	return len(v.Objects)+len(v.Unlisted)+len(v.Outliers) > 0
}

// newDriftView collects the drift of the clusters that are shown. Outliers are
// found among all clusters of the fleet.
func newDriftView(fleet *fleetView) *driftView {
	v := &driftView{
		header: headerOf(kindDrift), Objects: []driftObject{}, Unlisted: []driftUnlisted{},
		Outliers: []driftOutlier{}, Unseen: []matrixCluster{},
	}
	all := fleet.compared()
	for i := range all {
		if all[i].Profile != nil {
			v.Compared++
		} else if fleet.shows(all[i].Name) {
			v.Unseen = append(v.Unseen, matrixCluster{Name: clean(all[i].Name), Unseen: clean(all[i].Unseen)})
		}
	}
	for _, m := range fleet.shown() {
		v.addObjects(m)
	}
	outliers := consistency.Outliers(all)
	for i := range outliers {
		o := &outliers[i]
		if !slices.ContainsFunc(o.Clusters, fleet.shows) {
			continue
		}
		v.Outliers = append(v.Outliers, driftOutlier{
			Subject: clean(o.Subject), Majority: clean(o.Majority), Agreeing: o.Agreeing, Of: o.Of,
			Value: clean(o.Value), Clusters: cleanAll(o.Clusters),
		})
	}
	return v
}

// addObjects takes the drift of one cluster.
func (v *driftView) addObjects(m *v1alpha1.MemberCluster) {
	var objects []driftObject
	for i := range m.Status.Drift {
		d := &m.Status.Drift[i]
		objects = append(objects, driftObject{
			Cluster: clean(m.Name), Group: clean(d.Group), Kind: clean(d.Kind), Namespace: clean(d.Namespace), Name: clean(d.Name),
			State: clean(string(d.State)), Fields: cleanAll(d.Fields), By: cleanAll(d.By), Since: d.Since,
		})
	}
	slices.SortStableFunc(objects, func(a, b driftObject) int {
		return cmp.Or(compareTimes(a.Since, b.Since), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	v.Objects = append(v.Objects, objects...)
	if n := m.Status.Drifted; n != nil && int(*n) > len(objects) {
		v.Unlisted = append(v.Unlisted, driftUnlisted{Cluster: clean(m.Name), Objects: *n - int32(len(objects))})
	}
}

// compareTimes orders times; what has none comes last.
func compareTimes(a, b *metav1.Time) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	default:
		return a.Compare(b.Time)
	}
}
