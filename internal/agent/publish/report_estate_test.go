package publish

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// hostileEstate is a report with as many and as long texts as others can make it.
func hostileEstate() *v1alpha1.EstateReport {
	long := strings.Repeat("<", 5000)
	ref := v1alpha1.ObjectReference{
		Group: strings.Repeat("g", 253), Kind: strings.Repeat("K", 63), Namespace: strings.Repeat("n", 63), Name: strings.Repeat("<", 253),
	}
	e := &v1alpha1.EstateReport{Ledger: "12", Objects: 500, Drifted: 100, Unhealthy: 100, Kinds: "k", Workloads: "w"}
	for range maxEstate {
		e.Drift = append(e.Drift, v1alpha1.DriftItem{
			ObjectReference: ref, State: v1alpha1.DriftChanged, Since: &metav1.Time{Time: reportTime},
			Fields: []string{long, long, long, long, long, long, long, long}, By: []string{long, long, long, long},
		})
		e.UnhealthyObjects = append(e.UnhealthyObjects, v1alpha1.UnhealthyItem{ObjectReference: ref, Message: long})
		e.Unwatched = append(e.Unwatched, long)
	}
	return e
}

// fullProfile is as large as a profile may be: 24 KiB.
func fullProfile() *v1alpha1.ClusterProfile {
	p := &v1alpha1.ClusterProfile{Omitted: 1}
	for i := range 64 {
		name := fmt.Sprint(i, strings.Repeat("x", 60))
		p.Issuers = append(p.Issuers, v1alpha1.IssuerProfile{Kind: "ClusterIssuer", Name: name, Backend: strings.Repeat("b", 60)})
		p.Policies = append(p.Policies, v1alpha1.DigestProfile{Kind: "Policy", Name: name, Digest: "d"})
	}
	return p
}

func size(t *testing.T, status any) int {
	t.Helper()
	data, err := json.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	return len(data)
}

func TestReportOfTheEstateIsBounded(t *testing.T) {
	t.Parallel()
	var coverage []v1alpha1.Coverage
	for i := range 300 {
		coverage = append(coverage, v1alpha1.Coverage{
			Resource: fmt.Sprint(i, strings.Repeat("<", 500)), State: v1alpha1.CoverageForbidden, Message: strings.Repeat("<", 5000),
		})
	}
	in := ReportInput{Now: reportTime, Coverage: coverage, Estate: hostileEstate(), Profile: fullProfile()}
	before := hostileEstate()
	status := Report(&estate{}, in)
	if n := size(t, status); n > MaxReport || !status.Summarised {
		t.Errorf("%d bytes, summarised %t", n, status.Summarised)
	}
	e, p := status.Estate, status.Profile
	if len(e.Drift) == 0 || len(e.UnhealthyObjects) == 0 || len(e.Unwatched) == 0 || e.Drifted != 100 || e.Unhealthy != 100 || e.Ledger != "12" {
		t.Errorf("of the estate are left: %+v", e)
	}
	if got := len(p.Issuers) + len(p.Policies) + int(p.Omitted); len(p.Issuers) == 0 || got != 129 {
		t.Errorf("of 128 and one omitted, %d issuers are left, and %d in all", len(p.Issuers), got)
	}
	if d := e.Drift[0]; d.Name != strings.Repeat("<", 253) || d.Namespace != strings.Repeat("n", 63) {
		t.Errorf("the name of an object is shortened: %+v", d.ObjectReference)
	}
	if diff := cmp.Diff(before, in.Estate); diff != "" {
		t.Errorf("the report was changed:\n%s", diff)
	}
	if len(in.Profile.Issuers) != 64 || in.Profile.Omitted != 1 {
		t.Error("the profile was changed")
	}
}

func TestWhatIsSmallIsReportedInFull(t *testing.T) {
	t.Parallel()
	e := &v1alpha1.EstateReport{
		Ledger: "1", Objects: 2, Drifted: 1, Kinds: "k", Workloads: "w", Unhealthy: 1, Unwatched: []string{"a: b"},
		Drift: []v1alpha1.DriftItem{{
			ObjectReference: v1alpha1.ObjectReference{Group: "g", Kind: "K", Namespace: "n", Name: "m"}, State: v1alpha1.DriftChanged,
			Fields: []string{".data.a"}, By: []string{"x"}, Since: &metav1.Time{Time: reportTime},
		}},
		UnhealthyObjects: []v1alpha1.UnhealthyItem{{ObjectReference: v1alpha1.ObjectReference{Kind: "K", Name: "m"}, Message: "m", Serving: true}},
	}
	p := fullProfile()
	status := Report(&estate{}, ReportInput{Now: reportTime, Estate: e, Profile: p})
	if diff := cmp.Diff(e, status.Estate); diff != "" {
		t.Errorf("estate (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(p, status.Profile); diff != "" || status.Summarised {
		t.Errorf("summarised %t, profile (-want +got):\n%s", status.Summarised, diff)
	}
	if diff := cmp.Diff(status, WithEstate(status, e)); diff != "" {
		t.Errorf("the same estate gives another status (-want +got):\n%s", diff)
	}
}

func TestAnEstateFitsIntoALargeStatus(t *testing.T) {
	t.Parallel()
	status := v1alpha1.TLSAgentStatus{}
	for range 32 {
		status.Unreadable = append(status.Unreadable, v1alpha1.UnreadableItem{Object: "Secret a", Message: strings.Repeat("x", 700)})
	}
	got := WithEstate(status, hostileEstate())
	if n := size(t, got); n > MaxReport || len(got.Estate.Drift) == 0 || len(got.Unreadable) != 32 {
		t.Errorf("%d bytes, %d drifted, %d unreadable", n, len(got.Estate.Drift), len(got.Unreadable))
	}
}

func TestEstateIsWrittenAlone(t *testing.T) {
	t.Parallel()
	object := &v1alpha1.TLSAgent{Spec: v1alpha1.TLSAgentSpec{Hub: v1alpha1.HubReference{UID: "u"}, Cluster: "local"}}
	object.Name = v1alpha1.AgentName
	api := newRecorder(t, object)
	p := New(Options{Client: api, Namespace: testNamespace, Agent: v1alpha1.AgentName})
	report := Report(&estate{}, ReportInput{Now: reportTime, Version: "v", Estate: &v1alpha1.EstateReport{Ledger: "1"}})
	if _, err := p.Status(t.Context(), report); err != nil {
		t.Fatal(err)
	}
	step := func(what string, e *v1alpha1.EstateReport, want bool) {
		t.Helper()
		if written, err := p.Estate(t.Context(), e); err != nil || written != want {
			t.Errorf("%s: written %t, error %v", what, written, err)
		}
		var stored v1alpha1.TLSAgent
		if err := api.Get(t.Context(), client.ObjectKey{Name: v1alpha1.AgentName}, &stored); err != nil {
			t.Fatal(err)
		}
		report.Estate = e
		if diff := cmp.Diff(report, stored.Status); diff != "" {
			t.Errorf("%s: the status (-want +got):\n%s", what, diff)
		}
	}
	step("the same", &v1alpha1.EstateReport{Ledger: "1"}, false)
	step("drift", &v1alpha1.EstateReport{Ledger: "1", Drifted: 1, Unwatched: []string{"a"}}, true)
	step("none", &v1alpha1.EstateReport{Ledger: "2"}, true)
	step("no ledger", nil, true)
	report.Estate = &v1alpha1.EstateReport{Ledger: "1"}
	if written, err := p.Status(t.Context(), report); err != nil || !written {
		t.Errorf("the status of before: written %t, error %v: it was taken for what is stored", written, err)
	}
}

func TestStatusPacer(t *testing.T) {
	t.Parallel()
	var p StatusPacer
	now := reportTime
	for i := range StatusBurst {
		if p.Next().After(now) {
			t.Errorf("write %d after quiet waits", i)
		}
		p.Wrote(now)
	}
	if got := p.Next().Sub(now); got != time.Second/StatusesPerSecond {
		t.Errorf("after a burst the next waits %s", got)
	}
	writes := 0
	for now.Sub(reportTime) < time.Minute {
		if !p.Next().After(now) {
			p.Wrote(now)
			writes++
		}
		now = now.Add(10 * time.Millisecond)
	}
	if limit := 60 * StatusesPerSecond; writes > limit || writes < limit-2 {
		t.Errorf("%d writes in a minute, and the limit is %d", writes, limit)
	}
}
