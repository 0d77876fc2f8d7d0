package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// silence is how old the agent's Lease may be before its list counts as old.
const silence = 90 * time.Second

// maxGaps is how many kinds that could not be read are named in warnings.
const maxGaps = 5

// warnings say why the list may be old or incomplete.
func warnings(s *snapshot, now time.Time) []string {
	var list []string
	switch {
	case s.leaseError != nil:
		list = append(list, "how old the list is can't be told: "+clean(s.leaseError.Error()))
	case now.Sub(s.renewed) > silence:
		list = append(list, fmt.Sprintf("the agent has been silent for %s: the list is as old as that", span(now.Sub(s.renewed))))
	}
	if s.agent == nil {
		return append(list, "whether the list is complete can't be told: "+clean(s.agentError.Error()))
	}
	ready := meta.FindStatusCondition(s.agent.Status.Conditions, v1alpha1.ConditionReady)
	switch gaps := coverageGaps(s.agent); {
	case len(gaps) > maxGaps:
		list = append(list, fmt.Sprintf("the list is incomplete: the agent can't read %s, and %s",
			strings.Join(gaps[:maxGaps], "; "), plural(len(gaps)-maxGaps, "more kind", "more kinds")))
	case len(gaps) > 0:
		list = append(list, "the list is incomplete: the agent can't read "+strings.Join(gaps, "; "))
	case ready == nil:
		list = append(list, "whether the list is complete can't be told: the agent has not reported its condition Ready")
	case ready.Status != "True":
		list = append(list, clean(fmt.Sprintf("the list may be incomplete: the agent is not ready (%s): %s", ready.Reason, ready.Message)))
	}
	return list
}

// coverageGaps are the kinds that exist and could not be read, with the reason. A
// kind that the cluster does not serve is no gap.
func coverageGaps(agent *v1alpha1.TLSAgent) []string {
	var gaps []string
	for _, c := range agent.Status.Coverage {
		if c.State == v1alpha1.CoverageReading || c.State == v1alpha1.CoverageNotServed {
			continue
		}
		gap := c.Resource
		if c.Namespace != "" {
			gap += " in namespace " + c.Namespace
		}
		gap += " (" + c.State
		if c.Message != "" {
			gap += ": " + c.Message
		}
		gaps = append(gaps, clean(gap+")"))
	}
	slices.Sort(gaps)
	return gaps
}

// footer counts what is shown of all records, and says when the agent was last
// seen.
func footer(shown []*v1alpha1.CertificateRecord, total int, renewed, now time.Time) string {
	var expired, orphans, unreadable int
	for i := range shown {
		if isExpired(shown[i], now) {
			expired++
		}
		if shown[i].Orphan {
			orphans++
		}
		if shown[i].Problem != "" {
			unreadable++
		}
	}
	text := plural(total, "certificate", "certificates")
	if len(shown) != total {
		text = fmt.Sprintf("%d of %s", len(shown), text)
	}
	var counts []string
	if expired > 0 {
		counts = append(counts, fmt.Sprintf("%d expired", expired))
	}
	if orphans > 0 {
		counts = append(counts, plural(orphans, "orphan", "orphans"))
	}
	if unreadable > 0 {
		counts = append(counts, fmt.Sprintf("%d unreadable", unreadable))
	}
	if len(counts) > 0 {
		text += " (" + strings.Join(counts, ", ") + ")"
	}
	if !renewed.IsZero() {
		text += "; the agent was last seen " + span(max(0, now.Sub(renewed))) + " ago"
	}
	return text
}
