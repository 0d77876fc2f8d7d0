package cli

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

func TestWarnings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(s *snapshot)
		want   []string
	}{
		"an agent that is alive and reads everything gives none": {
			func(*snapshot) {}, nil,
		},
		"a Lease of the limit's age is no silence": {
			func(s *snapshot) { s.renewed = now.Add(-silence) }, nil,
		},
		"an older Lease is": {
			func(s *snapshot) { s.renewed = now.Add(-5 * time.Minute) },
			[]string{"the agent has been silent for 5m: the list is as old as that"},
		},
		"a Lease that can't be read is said to be": {
			func(s *snapshot) { s.leaseError = errors.New("reading Lease: forbidden\x1b[31m") },
			[]string{"how old the list is can't be told: reading Lease: forbidden\ufffd[31m"},
		},
		"a report that can't be read is said to be": {
			func(s *snapshot) { s.agent, s.agentError = nil, errors.New("reading TLSAgent default: not found") },
			[]string{"whether the list is complete can't be told: reading TLSAgent default: not found"},
		},
		"gaps are named with their reasons": {
			func(s *snapshot) {
				s.agent.Status.Coverage = append(s.agent.Status.Coverage,
					v1alpha1.Coverage{Resource: "secrets", Namespace: "blog", State: "Waiting"},
					v1alpha1.Coverage{Resource: "ingresses.networking.k8s.io", State: "Forbidden", Message: "grant \x07list"})
			},
			[]string{"the list is incomplete: the agent can't read ingresses.networking.k8s.io (Forbidden: grant \ufffdlist); " +
				"secrets in namespace blog (Waiting)"},
		},
		"an agent that is not ready says why": {
			func(s *snapshot) {
				s.agent.Status.Conditions[0] = metav1.Condition{
					Type: "Ready", Status: metav1.ConditionFalse, Reason: "Reading", Message: "3 kinds are read for the first time",
				}
			},
			[]string{"the list may be incomplete: the agent is not ready (Reading): 3 kinds are read for the first time"},
		},
		"an agent that has not reported is no agent that reads everything": {
			func(s *snapshot) { s.agent.Status = v1alpha1.TLSAgentStatus{} },
			[]string{"whether the list is complete can't be told: the agent has not reported its condition Ready"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &snapshot{agent: sampleAgent(), renewed: now.Add(-12 * time.Second)}
			c.change(s)
			if diff := cmp.Diff(c.want, warnings(s, now)); diff != "" {
				t.Errorf("warnings differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestManyGapsAreCounted(t *testing.T) {
	t.Parallel()
	s := &snapshot{agent: sampleAgent(), renewed: now}
	for i := range maxGaps + 2 {
		s.agent.Status.Coverage = append(s.agent.Status.Coverage, v1alpha1.Coverage{Resource: fmt.Sprintf("k%d", i), State: "Failing"})
	}
	want := []string{"the list is incomplete: the agent can't read k0 (Failing); k1 (Failing); k2 (Failing); k3 (Failing); k4 (Failing), and 2 more kinds"}
	if diff := cmp.Diff(want, warnings(s, now)); diff != "" {
		t.Errorf("warnings differ (-want +got):\n%s", diff)
	}
}

func TestFooter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shown   []*v1alpha1.CertificateRecord
		total   int
		renewed time.Time
		want    string
	}{
		"all with everything": {
			sample(), 5, now.Add(-12 * time.Second), "5 certificates (1 expired, 1 orphan, 1 unreadable); the agent was last seen 12s ago",
		},
		"some of them":                    {sample()[3:4], 5, now, "1 of 5 certificates; the agent was last seen 0s ago"},
		"an age that is not known":        {sample()[:1], 1, time.Time{}, "1 certificate"},
		"a clock that is ahead of this's": {sample()[:1], 1, now.Add(hour), "1 certificate; the agent was last seen 0s ago"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, footer(c.shown, c.total, c.renewed, now)); diff != "" {
				t.Errorf("footer differs (-want +got):\n%s", diff)
			}
		})
	}
}
