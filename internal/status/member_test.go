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

func TestMemberConditions(t *testing.T) {
	t.Parallel()
	broken := observed.Part{Name: "issuers", State: observed.PartUnhealthy, Reason: v1alpha1.ReasonUnhealthy, Message: "public is not ready"}
	unreachable := &observed.Failure{Reason: v1alpha1.ReasonTimeout, Message: "no answer within 5s"}
	cases := map[string]struct {
		outcome                  observed.Outcome
		platform                 string
		connected, inSync, agent string
		says                     string
	}{
		"all is well": {
			observed.Outcome{Parts: []observed.Part{ready("cert-manager")}}, "corp",
			"True Available", "True Available", "True Available", "the whole plan",
		},
		"a cluster that does not answer keeps what was seen and says so": {
			observed.Outcome{Unreachable: true, Err: unreachable}, "corp",
			"False Timeout", "Unknown Timeout", "Unknown Timeout", "was seen before",
		},
		"a cluster that is refused answers all the same": {
			observed.Outcome{Err: &observed.Failure{Reason: v1alpha1.ReasonClaimedByOtherHub, Message: "hub x has it"}}, "corp",
			"True Available", "False ClaimedByOtherHub", "True Available", "hub x has it",
		},
		"a part that fails speaks before the wait for a turn": {
			observed.Outcome{Parts: []observed.Part{ready("cert-manager"), broken}, Waiting: "the canaries come first"}, "corp",
			"True Available", "False Unhealthy", "True Available", "issuers: public is not ready",
		},
		"a cluster whose turn has not come is not in sync": {
			observed.Outcome{Parts: []observed.Part{ready("cert-manager")}, Waiting: "the canaries come first"}, "corp",
			"True Available", "False RolloutWaiting", "True Available", "canaries",
		},
		"drift that is only reported is no sync": {
			observed.Outcome{Parts: []observed.Part{ready("cert-manager")}, Drifted: 2}, "corp",
			"True Available", "False Drifted", "True Available", "2 objects",
		},
		"nobody selects it": {
			observed.Outcome{}, "", "True Available", "False NotSelected", "True Available", "no TLSPlatform",
		},
		"a silent agent": {
			observed.Outcome{Parts: []observed.Part{ready("cert-manager")}, Silent: "nothing since 12:00"}, "corp",
			"True Available", "True Available", "False AgentSilent", "",
		},
		"a group that does not answer": {
			observed.Outcome{Parts: []observed.Part{ready("cert-manager")}, Facts: observed.Cluster{Incomplete: []string{"metrics.k8s.io"}}}, "corp",
			"True DiscoveryIncomplete", "True Available", "True Available", "",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			member := &v1alpha1.MemberCluster{ObjectMeta: metav1.ObjectMeta{Name: "west", Generation: 4}}
			member.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionAgentReporting, Status: metav1.ConditionTrue, Reason: "Old"}}
			got := Member(MemberInput{Member: member, Outcome: &c.outcome, Platform: c.platform, Heard: now.Time, Now: now})
			for kind, want := range map[string]string{
				v1alpha1.ConditionConnected: c.connected, v1alpha1.ConditionInSync: c.inSync, v1alpha1.ConditionAgentReporting: c.agent,
			} {
				found := meta.FindStatusCondition(got.Conditions, kind)
				if found == nil || string(found.Status)+" "+found.Reason != want || found.ObservedGeneration != 4 {
					t.Errorf("%s is %+v, want %s of generation 4", kind, found, want)
				}
			}
			if m := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionInSync).Message; !strings.Contains(m, c.says) {
				t.Errorf("InSync says %q, want it to contain %q", m, c.says)
			}
		})
	}
}

func TestMemberKeepsWhatItCannotSee(t *testing.T) {
	t.Parallel()
	seen := observed.Outcome{
		Revision: "corp-1", Objects: 7, Parts: []observed.Part{ready("cert-manager")},
		Facts: observed.Cluster{UID: "u", KubernetesVersion: "v1.37.0"},
		Agent: &v1alpha1.TLSAgentStatus{Estate: &v1alpha1.EstateReport{Drifted: 1, Drift: []v1alpha1.DriftItem{{State: v1alpha1.DriftDeleted}}}},
	}
	member := &v1alpha1.MemberCluster{}
	member.Status.Revision = &v1alpha1.RevisionStatus{Name: "corp-1", Since: now}
	member.Status = Member(MemberInput{Member: member, Outcome: &seen, Platform: "corp", Heard: now.Time, Now: now})
	if s := member.Status; !s.Revision.Ready || s.Objects != 7 || s.UID != "u" || *s.Drifted != 1 {
		t.Errorf("the status is %+v, want revision ready, 7 objects, UID u, 1 drifted", s)
	}
	gone := observed.Outcome{Unreachable: true, Err: &observed.Failure{Reason: v1alpha1.ReasonUnreachable}}
	after := Member(MemberInput{Member: member, Outcome: &gone, Platform: "corp", Now: metav1.NewTime(now.Add(time.Hour))})
	after.Conditions, member.Status.Conditions = nil, nil
	if diff := cmp.Diff(member.Status, after); diff != "" {
		t.Errorf("a cluster that is gone lost what was seen of it:\n%s", diff)
	}
	other := seen
	other.Revision = "corp-0"
	member.Status.Revision.Ready = false
	if s := Member(MemberInput{Member: member, Outcome: &other, Platform: "corp", Now: now}); s.Revision.Ready {
		t.Error("a run with another revision made this one ready")
	}
}
