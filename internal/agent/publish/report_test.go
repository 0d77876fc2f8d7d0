package publish

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

var reportTime = time.Unix(1764000000, 123456789)

func ending(after time.Duration) inventory.View {
	c := &certificate.Certificate{NotAfter: reportTime.Add(after).Unix()}
	return inventory.View{
		Record: &inventory.Record{Key: "tls.crt", Value: &certificate.Bundle{Count: 1, Certificates: []*certificate.Certificate{c}}},
		Layer:  v1alpha1.LayerApplication, Manager: inventory.ManagedByCertManager,
	}
}

func broken(findings certificate.Findings, use reference.Use, problems ...certificate.Problem) inventory.View {
	return inventory.View{
		Record: &inventory.Record{Key: "tls.crt", Value: &certificate.Bundle{Findings: findings, Problems: problems}},
		Layer:  v1alpha1.LayerApplication, Manager: inventory.ManagedByHand, Findings: findings, Use: reference.Verdict{Use: use},
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	e := &estate{}
	for i, after := range []time.Duration{
		-time.Second, time.Hour, 24 * time.Hour, 25 * time.Hour, 7 * 24 * time.Hour, 8 * 24 * time.Hour, 30 * 24 * time.Hour, 31 * 24 * time.Hour,
	} {
		e.set(secret(i), ending(after))
	}
	e.fill(10, 20)
	e.set(secret(30), broken(certificate.Malformed, reference.Unreferenced, certificate.Problem{Finding: certificate.Malformed, Message: "no PEM"}))
	e.set(secret(31), broken(certificate.WrongPassword|certificate.Empty, reference.Used,
		certificate.Problem{Finding: certificate.WrongPassword, Message: "the password does not open it"}, certificate.Problem{Finding: certificate.Empty}))
	orphan := ending(time.Hour)
	orphan.Orphan, orphan.Use.Use, orphan.Manager = true, reference.Unreferenced, inventory.ManagedByHand
	orphan.Findings = certificate.WeakKey | certificate.PrivateKeyExposed
	e.set(secret(32), orphan)
	unparseable := broken(certificate.Unparseable, reference.Used)
	unparseable.Record.Value.Certificates = []*certificate.Certificate{{Findings: certificate.Unparseable}}
	e.set(secret(33), unparseable)

	istio := &certificate.Certificate{Fingerprint: certificate.Fingerprint{3}, Subject: "O=cluster.local", NotAfter: 2000000000, IsCA: true}
	mesh := inventory.View{
		Record: &inventory.Record{Key: "root-cert.pem", Role: inventory.Bundle, Mesh: "Istio", Value: &certificate.Bundle{Certificates: []*certificate.Certificate{istio}}},
		Layer:  v1alpha1.LayerMesh, Manager: inventory.ManagedByMesh,
	}
	for i := range 3 {
		e.set(inventory.Place{Kind: inventory.KindConfigMap, Namespace: fmt.Sprintf("ns-%d", i), Name: "istio-ca-root-cert"}, mesh)
	}
	key := mesh
	key.Record = &inventory.Record{Key: "ca-cert.pem", Role: inventory.Authority, Mesh: "Istio", Value: mesh.Record.Value, Trust: mesh.Record.Value}
	e.set(inventory.Place{Kind: inventory.KindSecret, Namespace: "istio-system", Name: "istio-ca-secret"}, key)

	golden(t, "report", Report(e, ReportInput{
		Now: reportTime, Generation: 3, Version: "v0.2.0", Slices: 2,
		Coverage: []v1alpha1.Coverage{
			{Resource: "secrets", State: v1alpha1.CoverageReading},
			{Resource: "gateways.gateway.networking.k8s.io", State: v1alpha1.CoverageNotServed},
			{Resource: "ingresses.networking.k8s.io", State: v1alpha1.CoverageForbidden, Message: "grant list"},
		},
	}))
}

func TestConditions(t *testing.T) {
	t.Parallel()
	coverage := func(states ...string) (list []v1alpha1.Coverage) {
		for i, state := range states {
			list = append(list, v1alpha1.Coverage{Resource: fmt.Sprintf("kind-%d", i), State: state})
		}
		return list
	}
	cases := map[string]struct {
		coverage []v1alpha1.Coverage
		want     []string
	}{
		"nothing is known yet": {
			want: []string{"Ready False Reading", "CoverageComplete Unknown Reading"},
		},
		"everything is read": {
			coverage: coverage(v1alpha1.CoverageReading, v1alpha1.CoverageReading), want: []string{"Ready True Available", "CoverageComplete True Available"},
		},
		"what is not served is not missing": {
			coverage: coverage(v1alpha1.CoverageReading, v1alpha1.CoverageNotServed), want: []string{"Ready True Available", "CoverageComplete True Available"},
		},
		"the first read is under way": {
			coverage: coverage(v1alpha1.CoverageReading, v1alpha1.CoverageWaiting), want: []string{"Ready False Reading", "CoverageComplete Unknown Reading"},
		},
		"what is forbidden makes the coverage incomplete alone": {
			coverage: coverage(v1alpha1.CoverageReading, v1alpha1.CoverageForbidden), want: []string{"Ready True Available", "CoverageComplete False CoverageIncomplete"},
		},
		"so does what fails": {
			coverage: coverage(v1alpha1.CoverageFailing, v1alpha1.CoverageReading), want: []string{"Ready True Available", "CoverageComplete False CoverageIncomplete"},
		},
		"a gap is told while others are read": {
			coverage: coverage(v1alpha1.CoverageForbidden, v1alpha1.CoverageWaiting), want: []string{"Ready False Reading", "CoverageComplete False CoverageIncomplete"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, condition := range conditions(ReportInput{Now: reportTime, Coverage: c.coverage}) {
				got = append(got, condition.Type+" "+string(condition.Status)+" "+condition.Reason)
				for i, row := range c.coverage {
					if row.State == v1alpha1.CoverageForbidden && condition.Type == v1alpha1.ConditionCoverageComplete &&
						!strings.Contains(condition.Message, fmt.Sprintf("kind-%d (Forbidden)", i)) {
						t.Errorf("the message does not name kind-%d: %s", i, condition.Message)
					}
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestConditionsKeepTheirTime(t *testing.T) {
	t.Parallel()
	reading := []v1alpha1.Coverage{{Resource: "secrets", State: v1alpha1.CoverageReading}}
	first := conditions(ReportInput{Now: reportTime, Coverage: reading})
	later := ReportInput{Now: reportTime.Add(time.Hour), Coverage: reading, Previous: first}
	if diff := cmp.Diff(first, conditions(later)); diff != "" {
		t.Errorf("nothing changed (-want +got):\n%s", diff)
	}
	later.Coverage = []v1alpha1.Coverage{{Resource: "secrets", State: v1alpha1.CoverageForbidden}}
	changed := conditions(later)
	if !changed[0].LastTransitionTime.Equal(&first[0].LastTransitionTime) {
		t.Error("Ready did not change, and its time did")
	}
	if want := metav1.NewTime(later.Now.Truncate(time.Second)); !changed[1].LastTransitionTime.Equal(&want) {
		t.Errorf("CoverageComplete changed at %s, and says %s", want, changed[1].LastTransitionTime)
	}
}

func TestReportIsBounded(t *testing.T) {
	t.Parallel()
	e := &estate{}
	for i := range 100 {
		v := hostileView(0)
		v.Record.Key = strings.Repeat("<", 1000)
		v.Record.Mesh = strings.Repeat("<", 1000)
		for _, c := range v.Record.Value.Certificates {
			c.Fingerprint[1] = byte(i)
		}
		e.set(inventory.Place{Kind: inventory.KindValidatingWebhook, Namespace: strings.Repeat("n", 63), Name: fmt.Sprint(i, strings.Repeat("x", 250))}, v)
	}
	var coverage []v1alpha1.Coverage
	for i := range 1000 {
		state := v1alpha1.CoverageReading
		if i%3 == 0 {
			state = v1alpha1.CoverageForbidden
		}
		coverage = append(coverage, v1alpha1.Coverage{
			Resource: fmt.Sprint(i, strings.Repeat("<", 500)), Namespace: strings.Repeat("<", 63), State: state, Message: strings.Repeat("<", 5000),
		})
	}
	in := ReportInput{Now: reportTime, Coverage: coverage, Version: strings.Repeat("<", 1000)}
	status := Report(e, in)
	data, err := json.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > MaxReport || !status.Summarised {
		t.Errorf("%d bytes, summarised %t", len(data), status.Summarised)
	}
	if status.Certificates.Total != 100 || len(status.Unreadable) == 0 || len(status.Authorities) == 0 || len(status.Coverage) == 0 {
		t.Errorf("the counts are %+v with %d unreadable, %d authorities and %d of the coverage", status.Certificates, len(status.Unreadable),
			len(status.Authorities), len(status.Coverage))
	}
	rand.Shuffle(len(coverage), func(i, j int) { coverage[i], coverage[j] = coverage[j], coverage[i] })
	if diff := cmp.Diff(status.Coverage, Report(e, in).Coverage); diff != "" {
		t.Errorf("coverage in another order gives another report (-want +got):\n%s", diff)
	}
}

func TestWhatTheAPIServerAcceptsIsNotExceeded(t *testing.T) {
	t.Parallel()
	var coverage []v1alpha1.Coverage
	for i := range 300 {
		coverage = append(coverage, v1alpha1.Coverage{Resource: fmt.Sprintf("r%d", i), State: v1alpha1.CoverageReading})
	}
	e := &estate{}
	for i := range 40 {
		e.set(secret(i), broken(certificate.Empty, reference.Used))
	}
	status := Report(e, ReportInput{Now: reportTime, Coverage: coverage})
	if len(status.Coverage) != maxCoverage || len(status.Unreadable) != maxUnreadable || !status.Summarised {
		t.Errorf("%d of the coverage, %d unreadable, summarised %t", len(status.Coverage), len(status.Unreadable), status.Summarised)
	}
}

func TestTheWorstUnreadableComesFirst(t *testing.T) {
	t.Parallel()
	e := &estate{}
	for i := range 100 {
		e.set(secret(i), broken(certificate.Empty, reference.Unreferenced))
	}
	e.set(secret(200), broken(certificate.Malformed, reference.Used))
	part := broken(certificate.Unparseable, reference.Used)
	part.Record.Value.Certificates = []*certificate.Certificate{{Subject: "CN=a"}}
	e.set(secret(201), part)
	e.set(secret(202), broken(certificate.Malformed, reference.Unreferenced))
	var got []string
	for _, item := range Report(e, ReportInput{Now: reportTime}).Unreadable[:4] {
		got = append(got, item.Object)
	}
	want := []string{objectName(secret(200)), objectName(secret(201)), objectName(secret(202)), objectName(secret(0))}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
