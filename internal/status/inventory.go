package status

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// Parts of the plan that the condition InventoryReady is about.
const (
	partAgent     = "agent"
	partInventory = "inventory"
)

const inventoryHealthy = "the agents have read every certificate that they can see"

// finding is what is to be said of the agent of one cluster.
type finding struct {
	// rank orders findings: the highest speaks for the condition. Zero is fine.
	rank int
	// reason is a condition reason, message says what was found.
	reason, message string
	// progressing is true when it is expected to end by itself.
	progressing bool
	// notes say what an agent that is fine can't see.
	notes []string
}

// Ranks of findings.
const (
	rankReading = iota + 1
	rankUnhealthy
	rankRefused
)

// inventory sets InventoryReady from the agents of all clusters.
func (b *builder) inventory() {
	var worst finding
	var messages, notes []string
	var judged bool
	for i := range b.outcomes {
		o := &b.outcomes[i]
		if o.Part(partAgent) == nil && o.Part(partInventory) == nil {
			continue // nothing was tried: ClustersInSync says why
		}
		judged = true
		for _, name := range []string{partAgent, partInventory} {
			if p := o.Part(name); p != nil && p.Terminal {
				b.stalled = append(b.stalled, b.at(o)+p.Message)
			}
		}
		f := judgeAgent(o)
		if f.rank > worst.rank {
			worst = f
		}
		if f.rank > 0 {
			messages = append(messages, b.at(o)+f.message)
		}
		if f.progressing {
			b.progressing = append(b.progressing, b.at(o)+f.message)
		}
		for _, n := range f.notes {
			notes = append(notes, b.at(o)+n)
		}
	}
	switch {
	case !judged:
		b.remove(v1alpha1.ConditionInventoryReady)
	case worst.rank > 0:
		b.set(v1alpha1.ConditionInventoryReady, metav1.ConditionFalse, worst.reason, strings.Join(append(messages, notes...), "; "))
	default:
		text := strings.Join(append([]string{inventoryHealthy}, notes...), "; ")
		b.set(v1alpha1.ConditionInventoryReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable, text)
	}
}

// judgeAgent says how the inventory of one cluster is doing. What was refused
// comes first, then whether the agent runs, then what it says itself.
func judgeAgent(o *observed.Outcome) finding {
	for _, name := range []string{partAgent, partInventory} {
		p := o.Part(name)
		if p == nil {
			continue
		}
		switch p.State {
		case observed.PartFailed, observed.PartHeld, observed.PartWaiting:
			return finding{rank: rankRefused, reason: p.Reason, message: p.Message}
		case observed.PartReady, observed.PartProgressing, observed.PartUnhealthy, observed.PartEmpty:
		}
	}
	if o.Silent != "" {
		return finding{rank: rankUnhealthy, reason: v1alpha1.ReasonSilent, message: o.Silent}
	}
	var ready *metav1.Condition
	if o.Agent != nil {
		ready = meta.FindStatusCondition(o.Agent.Conditions, v1alpha1.ConditionReady)
	}
	if p := o.Part(partAgent); p != nil && slices.ContainsFunc(p.Unhealthy, down) {
		text := "the agent is not available: " + p.Message
		if ready == nil {
			return finding{rank: rankReading, reason: v1alpha1.ReasonReading, message: text, progressing: true}
		}
		return finding{rank: rankUnhealthy, reason: v1alpha1.ReasonUnhealthy, message: text}
	}
	switch {
	case ready == nil:
		return reading("the agent has not reported yet")
	case o.Agent.ObservedGeneration < o.AgentGeneration:
		return reading("the agent has not taken up the last change of spec.inventory yet")
	case ready.Status != metav1.ConditionTrue:
		return reading("the agent is not ready: " + ready.Message)
	}
	return finding{notes: unseen(o.Agent)}
}

// down says that an object does not do its work. One that is being rolled out
// and still does is none.
func down(f observed.Finding) bool { return !f.Serving }

func reading(message string) finding {
	return finding{rank: rankReading, reason: v1alpha1.ReasonReading, message: message, progressing: true}
}

// unseen lists what an agent says it can't see, in a stable order.
func unseen(agent *v1alpha1.TLSAgentStatus) []string {
	var list []string
	for _, c := range agent.Conditions {
		if c.Status == metav1.ConditionFalse && c.Reason == v1alpha1.ReasonIncomplete {
			list = append(list, c.Message)
		}
	}
	slices.SortFunc(list, cmp.Compare[string])
	return list
}

// counts are the figures of one cluster, nil for an agent that never reported:
// zero would say that nothing is there.
func counts(o *observed.Outcome) *v1alpha1.CertificateCounts {
	if o.Agent == nil || meta.FindStatusCondition(o.Agent.Conditions, v1alpha1.ConditionReady) == nil {
		return nil
	}
	return o.Agent.Certificates.DeepCopy()
}

// addCounts adds the figures of a cluster to those over all.
func addCounts(total, c *v1alpha1.CertificateCounts) {
	total.Total += c.Total
	total.ByLayer.Ingress += c.ByLayer.Ingress
	total.ByLayer.Mesh += c.ByLayer.Mesh
	total.ByLayer.Application += c.ByLayer.Application
	total.Expiry.Expired += c.Expiry.Expired
	total.Expiry.WithinDay += c.Expiry.WithinDay
	total.Expiry.WithinWeek += c.Expiry.WithinWeek
	total.Expiry.WithinMonth += c.Expiry.WithinMonth
	total.Expiry.Later += c.Expiry.Later
	total.Unmanaged += c.Unmanaged
	total.Unreferenced += c.Unreferenced
	total.Orphans += c.Orphans
	total.Unreadable += c.Unreadable
	for _, f := range c.Findings {
		i := slices.IndexFunc(total.Findings, func(t v1alpha1.FindingCount) bool { return t.Reason == f.Reason })
		if i < 0 {
			total.Findings = append(total.Findings, f)
			continue
		}
		total.Findings[i].Count += f.Count
	}
	slices.SortFunc(total.Findings, func(a, b v1alpha1.FindingCount) int { return cmp.Compare(a.Reason, b.Reason) })
}
