package consistency

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

func TestMatrix(t *testing.T) {
	t.Parallel()
	full := func(version, backend string) v1alpha1.ClusterProfile {
		return v1alpha1.ClusterProfile{
			Components: append(component(version), v1alpha1.ComponentProfile{Name: "kyverno", Version: "v1"}),
			Settings:   []v1alpha1.Setting{{Name: "feature-gates", Value: "X=true"}},
			Issuers:    []v1alpha1.IssuerProfile{clusterIssuer("web", backend, true)},
		}
	}
	cut := full("v1", "ca secret cm/x unread")
	cut.Settings, cut.Components, cut.Omitted = nil, cut.Components[:1], 1
	cut.Issuers = append(cut.Issuers, namespaced("shop", "x", "ca 3"))
	got := NewMatrix([]Cluster{
		{Name: "d"}, with("c", cut), with("b", full("v2", "ca 2")), with("a", full("v1", "ca 1")), with("e", v1alpha1.ClusterProfile{}),
	})
	nothing := Cell{Unknown: true}
	want := Matrix{
		Clusters: []string{"a", "b", "c", "d", "e"},
		Rows: []Row{
			{
				Subject: "component cert-manager", Group: "components", Compared: 4, Split: true,
				Cells: []Cell{{Value: "v1"}, {Value: "v2"}, {Value: "v1"}, nothing, {Absent: true}},
			},
			{
				Subject: "component cert-manager owner", Group: "components", Majority: "Helm", Agreeing: 3, Compared: 3,
				Cells: []Cell{{Value: "Helm"}, {Value: "Helm"}, {Value: "Helm"}, nothing, {Absent: true, NotApplicable: true}},
			},
			{
				Subject: "component kyverno", Group: "components", Compared: 4, Split: true,
				Cells: []Cell{{Value: "v1"}, {Value: "v1"}, {Absent: true}, nothing, {Absent: true}},
			},
			{
				Subject: "setting feature-gates", Group: "settings", Majority: "X=true", Agreeing: 2, Compared: 2,
				Cells: []Cell{{Value: "X=true"}, {Value: "X=true"}, nothing, nothing, {Absent: true, NotApplicable: true}},
			},
			{
				Subject: "ClusterIssuer web", Group: "issuers", Compared: 4, Split: true,
				Cells: []Cell{{Value: "ca 1"}, {Value: "ca 2"}, {Value: "unknown", Unknown: true}, nothing, {Absent: true}},
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("matrix differs (-want +got):\n%s", diff)
	}
}

func TestMatrixMarksOutliers(t *testing.T) {
	t.Parallel()
	m := NewMatrix(append(several(3, "v1"), running("x", "v2")))
	want := []Cell{{Value: "v1"}, {Value: "v1"}, {Value: "v1"}, {Value: "v2", Outlier: true}}
	if diff := cmp.Diff(want, m.Rows[0].Cells); diff != "" || !m.Rows[0].Differs() || m.Rows[1].Differs() {
		t.Errorf("cells differ (-want +got):\n%s", diff)
	}
}

func TestFromMember(t *testing.T) {
	t.Parallel()
	condition := func(kind string, status metav1.ConditionStatus) metav1.Condition {
		return metav1.Condition{Type: kind, Status: status, Reason: "Timeout", Message: "it hangs"}
	}
	for name, c := range map[string]struct {
		conditions []metav1.Condition
		profile    bool
		want       string
	}{
		"a cluster that answers and reports is seen": {
			[]metav1.Condition{condition("Connected", metav1.ConditionTrue), condition("AgentReporting", metav1.ConditionTrue)}, true, "",
		},
		"so is one of which the agent is not judged yet": {[]metav1.Condition{condition("Connected", metav1.ConditionTrue)}, true, ""},
		"a new cluster is not":                           {nil, false, "the hub has not looked at it yet"},
		"an unreachable one is not, whatever it was": {
			[]metav1.Condition{condition("Connected", metav1.ConditionFalse)}, true, "Timeout: it hangs",
		},
		"one that is not known to be reachable is not": {
			[]metav1.Condition{condition("Connected", metav1.ConditionUnknown)}, true, "Timeout: it hangs",
		},
		"one with a silent agent is not": {
			[]metav1.Condition{condition("Connected", metav1.ConditionTrue), condition("AgentReporting", metav1.ConditionFalse)}, true, "Timeout: it hangs",
		},
		"one without a report is not": {
			[]metav1.Condition{condition("Connected", metav1.ConditionTrue)}, false, "its agent has not reported a profile yet",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &v1alpha1.MemberCluster{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Status: v1alpha1.MemberClusterStatus{Conditions: c.conditions}}
			if c.profile {
				m.Status.Profile = &v1alpha1.ClusterProfile{}
			}
			got := FromMember(m)
			if got.Unseen != c.want || (got.Profile != nil) != (c.want == "") || got.Name != "a" {
				t.Errorf("got %+v, want %q", got, c.want)
			}
		})
	}
}
