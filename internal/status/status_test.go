package status

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

var now = metav1.NewTime(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))

func ready(name string) observed.Part {
	return observed.Part{Name: name, State: observed.PartReady, Reason: v1alpha1.ReasonAvailable, Version: "v1"}
}

func TestCompute(t *testing.T) {
	t.Parallel()
	waiting := observed.Part{Name: "issuers", State: observed.PartWaiting, Reason: v1alpha1.ReasonWaitingForDependency, Message: "waits for cert-manager to be ready"}
	progressing := observed.Part{Name: "cert-manager", State: observed.PartProgressing, Reason: v1alpha1.ReasonProgressing, Message: "not yet"}
	rolledBack := observed.Part{Name: "cert-manager", State: observed.PartFailed, Reason: v1alpha1.ReasonRolledBack, Message: "rolled back", Terminal: true}
	noted := ready("monitoring")
	noted.Notes = []string{"ServiceMonitor is not served"}
	cases := map[string]struct {
		outcomes []observed.Outcome
		want     map[string]string // condition to "status reason"
		message  map[string]string // condition to a part of its message
	}{
		"all is well": {
			[]observed.Outcome{{Cluster: "local", Parts: []observed.Part{ready("cert-manager"), ready("issuers")}}},
			map[string]string{
				"ComponentsReady": "True Available", "IssuersReady": "True Available",
				"ClustersInSync": "True Available", "Ready": "True Available",
			}, nil,
		},
		"an install under way is reconciling and not stalled": {
			[]observed.Outcome{{Cluster: "local", Parts: []observed.Part{progressing, waiting}}},
			map[string]string{
				"ComponentsReady": "False Progressing", "IssuersReady": "False WaitingForDependency",
				"ClustersInSync": "False Progressing", "Ready": "False Progressing", "Reconciling": "True Progressing",
			},
			map[string]string{"ClustersInSync": "local lacks issuers", "Ready": "ComponentsReady, IssuersReady"},
		},
		"a rollback stalls": {
			[]observed.Outcome{{Cluster: "local", Parts: []observed.Part{rolledBack, ready("issuers")}}},
			map[string]string{
				"ComponentsReady": "False RolledBack", "IssuersReady": "True Available",
				"ClustersInSync": "False Progressing", "Ready": "False RolledBack", "Stalled": "True RolledBack",
			}, nil,
		},
		"what is skipped is said although all is well": {
			[]observed.Outcome{{Cluster: "local", Parts: []observed.Part{noted}}},
			map[string]string{"ObservabilityReady": "True Available", "ClustersInSync": "True Available", "Ready": "True Available"},
			map[string]string{"ObservabilityReady": "ServiceMonitor is not served"},
		},
		"no cluster at all says what to do": {
			nil,
			map[string]string{"ClustersInSync": "False NoClusters", "Ready": "False NoClusters", "Stalled": "True NoClusters"},
			map[string]string{"Ready": "change the selector"},
		},
		"a cluster that failed as a whole is named": {
			[]observed.Outcome{
				{Cluster: "a", Parts: []observed.Part{ready("cert-manager")}},
				{Cluster: "b", Err: &observed.Failure{Reason: v1alpha1.ReasonForbidden, Message: "cannot list"}},
			},
			map[string]string{"ComponentsReady": "True Available", "ClustersInSync": "False Forbidden", "Ready": "False Forbidden"},
			map[string]string{"ClustersInSync": "b: cannot list"},
		},
		"the worst of several clusters speaks, and both are named": {
			[]observed.Outcome{
				{Cluster: "a", Parts: []observed.Part{progressing}},
				{Cluster: "b", Parts: []observed.Part{rolledBack}},
			},
			map[string]string{
				"ComponentsReady": "False RolledBack", "ClustersInSync": "False Progressing", "Ready": "False RolledBack",
				"Reconciling": "True Progressing", "Stalled": "True RolledBack",
			},
			map[string]string{"ComponentsReady": "cluster a: not yet; cluster b: rolled back"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			platform := &v1alpha1.TLSPlatform{ObjectMeta: metav1.ObjectMeta{Generation: 3}}
			// Left over from an earlier life: it has to go when it no longer holds.
			platform.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReconciling, Status: metav1.ConditionTrue, Reason: "Old"}}
			got := Compute(Input{Platform: platform, Outcomes: c.outcomes, Now: now})
			conditions := map[string]string{}
			for _, cond := range got.Conditions {
				conditions[cond.Type] = string(cond.Status) + " " + cond.Reason
				if cond.ObservedGeneration != 3 {
					t.Errorf("%s has observedGeneration %d, want 3", cond.Type, cond.ObservedGeneration)
				}
			}
			if diff := cmp.Diff(c.want, conditions); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
			for kind, part := range c.message {
				if m := meta.FindStatusCondition(got.Conditions, kind); m == nil || !strings.Contains(m.Message, part) {
					t.Errorf("%s says %q, want it to contain %q", kind, m.Message, part)
				}
			}
		})
	}
}

func TestComputeIsSteady(t *testing.T) {
	t.Parallel()
	outcomes := []observed.Outcome{{Cluster: "local", Parts: []observed.Part{ready("cert-manager")}}}
	platform := &v1alpha1.TLSPlatform{}
	platform.Status = Compute(Input{Platform: platform, Outcomes: outcomes, Now: now})
	later := Compute(Input{Platform: platform, Outcomes: outcomes, Now: metav1.NewTime(now.Add(time.Hour))})
	if diff := cmp.Diff(platform.Status, later); diff != "" {
		t.Errorf("an unchanged estate has another status an hour later, so it would be written:\n%s", diff)
	}
}

func TestMessagesAreBounded(t *testing.T) {
	t.Parallel()
	part := observed.Part{Name: "issuers", State: observed.PartFailed, Reason: "X", Message: strings.Repeat("ü", 40_000)}
	got := Compute(Input{Platform: &v1alpha1.TLSPlatform{}, Outcomes: []observed.Outcome{{Cluster: "local", Parts: []observed.Part{part}}}, Now: now})
	for _, c := range got.Conditions {
		if len(c.Message) > maxMessage {
			t.Errorf("%s has %d bytes, the API server takes 32768 and people read far less", c.Type, len(c.Message))
		}
	}
}

func TestClusterLines(t *testing.T) {
	t.Parallel()
	outcome := observed.Outcome{
		Cluster: "local", Objects: 70, Retained: []string{"Namespace cert-manager: stays"},
		Parts: []observed.Part{
			{Name: "cert-manager", State: observed.PartReady, Reason: v1alpha1.ReasonObserved, External: true, Version: "v1.21.2"},
			{Name: "trust-manager", State: observed.PartEmpty, Reason: v1alpha1.ReasonAbsent},
		},
		Issuers: []observed.Issuer{{Name: "internal", Backend: "ca", Ready: true, Reason: v1alpha1.ReasonAvailable}, {Name: "public", Reason: v1alpha1.ReasonUnhealthy}},
	}
	got := Compute(Input{Platform: &v1alpha1.TLSPlatform{}, Outcomes: []observed.Outcome{outcome}, Now: now})
	if diff := cmp.Diff(v1alpha1.Summary{Clusters: "1/1", Components: "1/1", Issuers: "1/2"}, got.Summary); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	want := []v1alpha1.ComponentStatus{
		{Name: "certManager", State: v1alpha1.ComponentObserved, Version: "v1.21.2", Ready: true, Reason: v1alpha1.ReasonObserved},
		{Name: "trustManager", State: v1alpha1.ComponentAbsent, Reason: v1alpha1.ReasonAbsent},
	}
	if diff := cmp.Diff(want, componentsOf(&outcome)); diff != "" {
		t.Errorf("components (-want +got):\n%s", diff)
	}
}
