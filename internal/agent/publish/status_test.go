package publish

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

func TestStatusIsWrittenWhenItDiffers(t *testing.T) {
	t.Parallel()
	agent := &v1alpha1.TLSAgent{Spec: v1alpha1.TLSAgentSpec{Hub: v1alpha1.HubReference{UID: "u"}, Cluster: "local"}}
	agent.Name = v1alpha1.AgentName
	api := newRecorder(t, agent)
	e := &estate{}
	e.fill(0, 10)
	report := Report(e, ReportInput{Now: reportTime, Coverage: []v1alpha1.Coverage{{Resource: "secrets", State: v1alpha1.CoverageReading}}})
	p := New(Options{Client: api, Namespace: testNamespace, Agent: v1alpha1.AgentName})
	step := func(what string, want bool) {
		t.Helper()
		if written, err := p.Status(t.Context(), report); err != nil || written != want {
			t.Errorf("%s: written %t, error %v", what, written, err)
		}
	}
	step("the first status", true)
	step("the same status", false)
	p = New(Options{Client: api, Namespace: testNamespace, Agent: v1alpha1.AgentName})
	step("the same status after a restart", false)

	e.fill(10, 20)
	report = Report(e, ReportInput{Now: reportTime.Add(time.Minute), Coverage: report.Coverage, Previous: report.Conditions})
	step("another status", true)

	var stored v1alpha1.TLSAgent
	if err := api.Get(t.Context(), client.ObjectKey{Name: v1alpha1.AgentName}, &stored); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(report, stored.Status); diff != "" {
		t.Errorf("the status that is stored (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(agent.Spec, stored.Spec); diff != "" {
		t.Errorf("the spec (-want +got):\n%s", diff)
	}

	stored.Status = v1alpha1.TLSAgentStatus{Version: "edited"}
	if err := api.Status().Update(t.Context(), &stored); err != nil {
		t.Fatal(err)
	}
	step("the same status, before anybody looks", false)
	if _, err := p.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	step("a status that was edited by hand", true)
}

func TestWhatTheServerDropsIsSentOnce(t *testing.T) {
	t.Parallel()
	agent := &v1alpha1.TLSAgent{}
	agent.Name = v1alpha1.AgentName
	api := newRecorder(t, agent)
	p := New(Options{Client: api, Namespace: testNamespace, Agent: v1alpha1.AgentName})
	status := v1alpha1.TLSAgentStatus{
		Version: "new", Estate: &v1alpha1.EstateReport{Ledger: "1"}, Profile: &v1alpha1.ClusterProfile{},
	}
	step := func(what string, want bool, write func() (bool, error)) {
		t.Helper()
		if written, err := write(); err != nil || written != want {
			t.Errorf("%s: written %t, error %v", what, written, err)
		}
		// As a definition does that does not have these fields.
		var stored v1alpha1.TLSAgent
		if err := api.Get(t.Context(), client.ObjectKey{Name: v1alpha1.AgentName}, &stored); err != nil {
			t.Fatal(err)
		}
		stored.Status.Estate, stored.Status.Profile = nil, nil
		if err := api.Client.Status().Update(t.Context(), &stored); err != nil {
			t.Fatal(err)
		}
	}
	whole := func() (bool, error) { return p.Status(t.Context(), status) }
	step("the first report", true, whole)
	step("the same report", false, whole)
	status.Estate = &v1alpha1.EstateReport{Ledger: "2"}
	step("news of the estate", true, func() (bool, error) { return p.Estate(t.Context(), status.Estate) })
	step("the report with these news", true, whole)
	step("the same report once more", false, whole)
}

func TestStatusWithoutAgent(t *testing.T) {
	t.Parallel()
	p := New(Options{Client: newRecorder(t), Namespace: testNamespace, Agent: v1alpha1.AgentName})
	for range 2 {
		if written, err := p.Status(t.Context(), v1alpha1.TLSAgentStatus{}); written || !apierrors.IsNotFound(err) {
			t.Errorf("written %t, error %v", written, err)
		}
	}
}
