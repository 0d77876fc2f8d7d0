package status

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// reported is the report of an agent with these conditions.
func reported(conditions ...metav1.Condition) *v1alpha1.TLSAgentStatus {
	return &v1alpha1.TLSAgentStatus{ObservedGeneration: 2, Conditions: conditions, Certificates: v1alpha1.CertificateCounts{
		Total: 40, Orphans: 3, Expiry: v1alpha1.ExpiryCounts{Expired: 1, WithinDay: 2, WithinWeek: 4, WithinMonth: 8, Later: 25},
	}}
}

func condition(kind string, state metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: state, Reason: reason, Message: message}
}

// cluster whose agent is running, with its report.
func cluster(name string, agent *v1alpha1.TLSAgentStatus, change func(*observed.Outcome)) observed.Outcome {
	o := observed.Outcome{
		Cluster: name, Agent: agent, AgentGeneration: 2,
		Parts: []observed.Part{ready(partAgent), ready(partInventory)},
	}
	if change != nil {
		change(&o)
	}
	return o
}

// unavailable says that the agent's Deployment does no work, or does.
func unavailable(serving bool) func(*observed.Outcome) {
	return func(o *observed.Outcome) {
		o.Parts[0] = observed.Part{
			Name: partAgent, State: observed.PartProgressing, Reason: v1alpha1.ReasonProgressing, Message: "Deployment a: 0 of 1",
			Unhealthy: []observed.Finding{{Object: "Deployment a", Message: "0 of 1", Serving: serving}},
		}
	}
}

func TestInventoryReady(t *testing.T) {
	t.Parallel()
	available := condition(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable, "everything was read")
	incomplete := condition("CoverageComplete", metav1.ConditionFalse, v1alpha1.ReasonIncomplete, "secrets in namespace a: forbidden")
	stillReading := condition(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonReading, "3 of 12 kinds were read")
	cases := map[string]struct {
		outcomes []observed.Outcome
		want     string // "status reason" of InventoryReady, empty for none
		says     string
		flag     string // the condition of kstatus that is set, empty for none
	}{
		"an agent that has read everything": {
			[]observed.Outcome{cluster("local", reported(available), nil)}, "True Available", "every certificate", "",
		},
		"what an agent can't see is said although it is ready": {
			[]observed.Outcome{cluster("local", reported(available, incomplete), nil)}, "True Available", "secrets in namespace a: forbidden", "",
		},
		"an agent that has not reported": {
			[]observed.Outcome{cluster("local", reported(), nil)}, "False Reading", "not reported yet", v1alpha1.ConditionReconciling,
		},
		"no TLSAgent seen yet": {
			[]observed.Outcome{cluster("local", nil, nil)}, "False Reading", "not reported yet", v1alpha1.ConditionReconciling,
		},
		"an agent that is reading": {
			[]observed.Outcome{cluster("local", reported(stillReading), nil)}, "False Reading", "3 of 12 kinds", v1alpha1.ConditionReconciling,
		},
		"a report about an older wish": {
			[]observed.Outcome{cluster("local", reported(available), func(o *observed.Outcome) { o.AgentGeneration = 3 })},
			"False Reading", "last change", v1alpha1.ConditionReconciling,
		},
		"an agent that starts for the first time": {
			[]observed.Outcome{cluster("local", nil, unavailable(false))}, "False Reading", "0 of 1", v1alpha1.ConditionReconciling,
		},
		"an agent that was ready and no longer runs": {
			[]observed.Outcome{cluster("local", reported(available), unavailable(false))}, "False Unhealthy", "0 of 1", "",
		},
		"an agent that is rolled out and still serves": {
			[]observed.Outcome{cluster("local", reported(available), unavailable(true))}, "True Available", "", "",
		},
		"an agent that may not be installed stalls": {
			[]observed.Outcome{cluster("local", nil, func(o *observed.Outcome) {
				o.Parts[0] = observed.Part{Name: partAgent, State: observed.PartHeld, Reason: v1alpha1.ReasonNotInstalled, Message: "no image", Terminal: true}
			})},
			"False NotInstalled", "no image", v1alpha1.ConditionStalled,
		},
		"a refused TLSAgent speaks although the agent runs": {
			[]observed.Outcome{cluster("local", reported(available), func(o *observed.Outcome) {
				o.Parts[1] = observed.Part{Name: partInventory, State: observed.PartFailed, Reason: v1alpha1.ReasonApplyFailed, Message: "another hub"}
			})},
			"False ApplyFailed", "another hub", "",
		},
		"the worst of several clusters speaks, and all are named": {
			[]observed.Outcome{cluster("a", nil, nil), cluster("b", reported(available), unavailable(false)), cluster("c", reported(available), nil)},
			"False Unhealthy", "cluster a: the agent has not reported yet; cluster b: the agent is not available", v1alpha1.ConditionReconciling,
		},
		"a cluster that failed as a whole is told elsewhere": {
			[]observed.Outcome{{Cluster: "local", Err: &observed.Failure{Reason: v1alpha1.ReasonForbidden, Message: "no"}}}, "", "", "",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			platform := &v1alpha1.TLSPlatform{}
			platform.Status.Conditions = []metav1.Condition{condition(v1alpha1.ConditionInventoryReady, metav1.ConditionFalse, "Old", "")}
			got := Compute(Input{Platform: platform, Outcomes: c.outcomes, Now: now})
			found := ""
			if m := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionInventoryReady); m != nil {
				found = string(m.Status) + " " + m.Reason
				if !strings.Contains(m.Message, c.says) {
					t.Errorf("it says %q, want it to contain %q", m.Message, c.says)
				}
			}
			if found != c.want {
				t.Errorf("InventoryReady is %q, want %q", found, c.want)
			}
			for _, flag := range []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} {
				if set := meta.IsStatusConditionTrue(got.Conditions, flag); set != (flag == c.flag) {
					t.Errorf("%s is %v", flag, set)
				}
			}
			if wantReady := strings.HasPrefix(c.want, "True"); meta.IsStatusConditionTrue(got.Conditions, v1alpha1.ConditionReady) != wantReady {
				t.Errorf("Ready is not %v", wantReady)
			}
		})
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	available := condition(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable, "")
	outcomes := []observed.Outcome{
		cluster("a", reported(available), nil),
		cluster("b", reported(available), nil),
		cluster("silent", reported(), nil),
		{Cluster: "gone", Err: &observed.Failure{Reason: v1alpha1.ReasonUnreachable}, Agent: reported(available)},
	}
	platform := &v1alpha1.TLSPlatform{}
	// Figures of an earlier run are replaced and not added to.
	platform.Status.Summary = v1alpha1.Summary{Certificates: ptr.To[int32](9), Expiring: ptr.To[int32](9), Orphans: ptr.To[int32](9)}
	got := Compute(Input{Platform: platform, Outcomes: outcomes, Now: now})
	want := v1alpha1.Summary{Clusters: "3/4", Components: "0/0", Issuers: "0/0", Certificates: ptr.To[int32](120), Expiring: ptr.To[int32](21), Orphans: ptr.To[int32](9)}
	if diff := cmp.Diff(want, got.Summary); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if got.Certificates == nil || got.Certificates.Total != 120 {
		t.Errorf("the certificates of all clusters are %+v, want 120: an agent that never reported has none, and one that was seen keeps them", got.Certificates)
	}
}

func TestInventoryIsSteady(t *testing.T) {
	t.Parallel()
	available := condition(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable, "")
	outcomes := []observed.Outcome{cluster("local", reported(available), nil)}
	platform := &v1alpha1.TLSPlatform{}
	platform.Status = Compute(Input{Platform: platform, Outcomes: outcomes, Now: now})
	later := Compute(Input{Platform: platform, Outcomes: outcomes, Now: metav1.NewTime(now.Add(time.Hour))})
	if diff := cmp.Diff(platform.Status, later); diff != "" {
		t.Errorf("an unchanged inventory has another status an hour later, so it would be written:\n%s", diff)
	}
}
