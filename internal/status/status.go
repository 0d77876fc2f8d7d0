package status

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// maxMessage bounds a condition's message, in bytes.
const maxMessage = 2048

// subject is one condition and the parts of the plan that it is about.
type subject struct {
	condition string
	parts     []string
	healthy   string // message when all is well
}

var subjects = []subject{
	{v1alpha1.ConditionComponentsReady, []string{"cert-manager", "trust-manager"}, "every component is available"},
	{v1alpha1.ConditionIssuersReady, []string{"issuers"}, "every issuer is ready"},
	{v1alpha1.ConditionPolicyEnforced, []string{"policy"}, "the rules are in force"},
	{v1alpha1.ConditionTrustDistributed, []string{"trust"}, "every bundle is distributed"},
	{v1alpha1.ConditionObservabilityReady, []string{"monitoring"}, "monitoring objects are delivered"},
}

// badness orders the states: the worst one speaks for a condition.
var badness = map[observed.PartState]int{
	observed.PartEmpty: 0, observed.PartReady: 1, observed.PartProgressing: 2,
	observed.PartWaiting: 3, observed.PartUnhealthy: 4, observed.PartHeld: 5, observed.PartFailed: 6,
}

// Input of the status of a platform.
type Input struct {
	// Platform with its last status: transition times of conditions that did not
	// change are kept.
	Platform *v1alpha1.TLSPlatform
	// Outcomes of its clusters, by name.
	Outcomes []observed.Outcome
	// Pending counts clusters that were told something new and have not been
	// looked at since. What is said of them is about what they had before.
	Pending int
	// Rollout of the last change.
	Rollout *v1alpha1.RolloutStatus
	// Consistency of the clusters with each other; nil when there is nothing to
	// compare.
	Consistency *v1alpha1.Consistency
	// Now is for conditions that changed.
	Now metav1.Time
}

// Compute returns the status of a platform.
func Compute(in Input) v1alpha1.TLSPlatformStatus {
	b := builder{
		status:     *in.Platform.Status.DeepCopy(),
		generation: in.Platform.Generation,
		now:        in.Now,
		outcomes:   in.Outcomes,
	}
	b.status.ObservedGeneration = in.Platform.Generation
	b.status.Rollout, b.status.Consistency = in.Rollout, in.Consistency
	if len(in.Outcomes) == 0 {
		return b.noClusters()
	}
	if in.Pending == 0 {
		for _, s := range subjects {
			b.subject(s)
		}
		b.inventory()
		b.inSync()
	} else {
		b.underWay(in.Pending)
	}
	b.rollout(in.Platform.Spec.Delivery.Rollout != nil)
	b.summarise()
	b.clusters()
	return b.status
}

// Invalid returns the status of a platform whose spec can't be followed. What is
// in the clusters stays.
func Invalid(platform *v1alpha1.TLSPlatform, message string, now metav1.Time) v1alpha1.TLSPlatformStatus {
	b := builder{status: *platform.Status.DeepCopy(), generation: platform.Generation, now: now}
	b.status.ObservedGeneration = platform.Generation
	b.set(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonInvalidSpec, message)
	b.set(v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonInvalidSpec, message)
	b.remove(v1alpha1.ConditionReconciling)
	return b.status
}

// Suspended returns the status of a platform whose spec.suspend is set: the
// last observation stays, and Ready says that nobody is looking.
func Suspended(platform *v1alpha1.TLSPlatform, now metav1.Time) v1alpha1.TLSPlatformStatus {
	return single(platform, v1alpha1.ReasonSuspended, "spec.suspend is set: nothing is changed and status shows the last observation; unset it to go on", now)
}

// Deleting returns the status of a platform that is being deleted.
func Deleting(platform *v1alpha1.TLSPlatform, message string, now metav1.Time) v1alpha1.TLSPlatformStatus {
	return single(platform, v1alpha1.ReasonDeleting, message, now)
}

func single(platform *v1alpha1.TLSPlatform, reason, message string, now metav1.Time) v1alpha1.TLSPlatformStatus {
	b := builder{status: *platform.Status.DeepCopy(), generation: platform.Generation, now: now}
	b.status.ObservedGeneration = platform.Generation
	b.set(v1alpha1.ConditionReady, metav1.ConditionFalse, reason, message)
	b.remove(v1alpha1.ConditionReconciling)
	b.remove(v1alpha1.ConditionStalled)
	return b.status
}

type builder struct {
	status     v1alpha1.TLSPlatformStatus
	generation int64
	now        metav1.Time
	outcomes   []observed.Outcome

	progressing, stalled []string
}

func (b *builder) set(kind string, state metav1.ConditionStatus, reason, message string) {
	message = text(message, maxMessage)
	meta.SetStatusCondition(&b.status.Conditions, metav1.Condition{
		Type: kind, Status: state, Reason: reason, Message: message,
		ObservedGeneration: b.generation, LastTransitionTime: b.now,
	})
}

// text of bounded length, in bytes.
func text(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit-3], "") + "..."
}

func (b *builder) remove(kind string) { meta.RemoveStatusCondition(&b.status.Conditions, kind) }

func (b *builder) noClusters() v1alpha1.TLSPlatformStatus {
	for _, s := range subjects {
		b.remove(s.condition)
	}
	b.remove(v1alpha1.ConditionInventoryReady)
	const message = "spec.clusters.selector matches no MemberCluster: label one (kubectl get memberclusters --show-labels), or change the selector"
	b.set(v1alpha1.ConditionClustersInSync, metav1.ConditionFalse, v1alpha1.ReasonNoClusters, message)
	b.set(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNoClusters, message)
	b.remove(v1alpha1.ConditionReconciling)
	b.set(v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonNoClusters, message)
	b.remove(v1alpha1.ConditionRolloutComplete)
	b.status.Clusters, b.status.Problems, b.status.Certificates = v1alpha1.ClusterCounts{}, nil, nil
	b.status.Rollout, b.status.Consistency = nil, nil
	b.status.Summary = v1alpha1.Summary{Clusters: "0/0"}
	return b.status
}

// subject sets one condition from the worst part, and collects notes.
func (b *builder) subject(s subject) {
	var worst *observed.Part
	var messages, notes []string
	for i := range b.outcomes {
		o := &b.outcomes[i]
		for j := range o.Parts {
			p := &o.Parts[j]
			if !slices.Contains(s.parts, p.Name) || p.State == observed.PartEmpty {
				continue
			}
			if worst == nil || badness[p.State] > badness[worst.State] {
				worst = p
			}
			for _, n := range p.Notes {
				notes = append(notes, b.at(o)+n)
			}
			if p.State != observed.PartReady {
				messages = append(messages, b.at(o)+p.Message)
			}
			b.collect(o, p)
		}
	}
	if worst == nil {
		b.remove(s.condition)
		return
	}
	messages = append(messages, notes...)
	if worst.State == observed.PartReady {
		text := strings.Join(append([]string{s.healthy}, notes...), "; ")
		b.set(s.condition, metav1.ConditionTrue, v1alpha1.ReasonAvailable, text)
		return
	}
	b.set(s.condition, metav1.ConditionFalse, worst.Reason, strings.Join(messages, "; "))
}

func (b *builder) collect(o *observed.Outcome, p *observed.Part) {
	text := b.at(o) + p.Message
	switch {
	case p.Terminal:
		b.stalled = append(b.stalled, text)
	case p.State == observed.PartProgressing, p.State == observed.PartWaiting:
		b.progressing = append(b.progressing, text)
	}
}

// at names the cluster in messages, where there are several.
func (b *builder) at(o *observed.Outcome) string {
	if len(b.outcomes) < 2 {
		return ""
	}
	return "cluster " + o.Cluster + ": "
}

// inSync says whether every cluster has the whole plan.
func (b *builder) inSync() {
	var behind []string
	reason := v1alpha1.ReasonProgressing
	for i := range b.outcomes {
		o := &b.outcomes[i]
		why := lacks(o)
		if why.reason == "" {
			continue
		}
		behind = append(behind, fmt.Sprintf("%s%s", at(o.Cluster, why), why.message))
		if o.Err != nil {
			reason = o.Err.Reason
			if o.Err.Terminal {
				b.stalled = append(b.stalled, b.at(o)+o.Err.Message)
			}
		} else if reason == v1alpha1.ReasonProgressing {
			reason = why.reason
		}
	}
	if len(behind) == 0 {
		b.set(v1alpha1.ConditionClustersInSync, metav1.ConditionTrue, v1alpha1.ReasonAvailable, "every cluster has the whole plan")
	} else {
		b.set(v1alpha1.ConditionClustersInSync, metav1.ConditionFalse, reason, strings.Join(behind, "; "))
	}
	b.status.Summary.Clusters = fmt.Sprintf("%d/%d", len(b.outcomes)-len(behind), len(b.outcomes))
}

func at(cluster string, why lack) string {
	if why.reason == v1alpha1.ReasonProgressing {
		return cluster + " "
	}
	return cluster + ": "
}

// lack is why a cluster does not have the whole plan; the zero value says that
// it has.
type lack struct{ reason, message string }

func lacks(o *observed.Outcome) lack {
	switch parts := lagging(o); {
	case o.Err != nil:
		return lack{o.Err.Reason, o.Err.Message}
	case len(parts) > 0:
		return lack{v1alpha1.ReasonProgressing, "lacks " + strings.Join(parts, ", ")}
	case o.Waiting != "":
		return lack{v1alpha1.ReasonRolloutWaiting, o.Waiting}
	case o.Drifted > 0:
		return lack{v1alpha1.ReasonDrifted, fmt.Sprintf(
			"others changed %d objects, which are left so since spec.delivery.correctDrift is false; kubectl tls drift lists them", o.Drifted)}
	}
	return lack{}
}

// underWay says that clusters are being brought up to date. The other conditions
// stay as they are, about what was before.
func (b *builder) underWay(pending int) {
	message := fmt.Sprintf("the last change is on its way to %d of %d clusters", pending, len(b.outcomes))
	b.set(v1alpha1.ConditionClustersInSync, metav1.ConditionFalse, v1alpha1.ReasonProgressing, message)
	b.progressing = append(b.progressing, message)
	inSync := 0
	for i := range b.outcomes {
		if lacks(&b.outcomes[i]).reason == "" {
			inSync++
		}
	}
	b.status.Summary.Clusters = fmt.Sprintf("%d/%d", max(0, inSync-pending), len(b.outcomes))
}

// rollout says how far the last change of the spec got.
func (b *builder) rollout(declared bool) {
	r := b.status.Rollout
	if r == nil || !declared {
		b.remove(v1alpha1.ConditionRolloutComplete)
		return
	}
	switch r.Phase {
	case v1alpha1.RolloutComplete:
		b.set(v1alpha1.ConditionRolloutComplete, metav1.ConditionTrue, v1alpha1.ReasonAvailable, r.Message)
	case v1alpha1.RolloutStopped:
		b.set(v1alpha1.ConditionRolloutComplete, metav1.ConditionFalse, v1alpha1.ReasonRolloutStopped, r.Message)
		b.stalled = append(b.stalled, r.Message)
	case v1alpha1.RolloutProgressing:
		b.set(v1alpha1.ConditionRolloutComplete, metav1.ConditionFalse, v1alpha1.ReasonProgressing, r.Message)
		b.progressing = append(b.progressing, r.Message)
	}
}

// lagging lists the parts that are not applied as planned.
func lagging(o *observed.Outcome) []string {
	var parts []string
	for _, p := range o.Parts {
		switch p.State {
		case observed.PartWaiting, observed.PartHeld, observed.PartFailed:
			parts = append(parts, p.Name)
		case observed.PartReady, observed.PartProgressing, observed.PartUnhealthy, observed.PartEmpty:
		}
	}
	return parts
}

// summarise sets Ready, Reconciling and Stalled from the other conditions.
func (b *builder) summarise() {
	var bad []string
	var first *metav1.Condition
	for i := range b.status.Conditions {
		c := &b.status.Conditions[i]
		switch c.Type {
		case v1alpha1.ConditionReady, v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled:
			continue
		}
		if c.Status != metav1.ConditionTrue {
			bad = append(bad, c.Type)
			if first == nil || c.Type != v1alpha1.ConditionClustersInSync && first.Type == v1alpha1.ConditionClustersInSync {
				first = c
			}
		}
	}
	if first == nil {
		b.set(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable, "the estate is as declared")
	} else {
		b.set(v1alpha1.ConditionReady, metav1.ConditionFalse, first.Reason, fmt.Sprintf("%s: %s", strings.Join(bad, ", "), first.Message))
	}
	b.flag(v1alpha1.ConditionReconciling, v1alpha1.ReasonProgressing, b.progressing)
	b.flag(v1alpha1.ConditionStalled, v1alpha1.ReasonInvalidSpec, b.stalled)
}

// flag sets a condition that is present only while it is true (kstatus).
func (b *builder) flag(kind, reason string, messages []string) {
	if len(messages) == 0 {
		b.remove(kind)
		return
	}
	if kind == v1alpha1.ConditionStalled {
		if ready := meta.FindStatusCondition(b.status.Conditions, v1alpha1.ConditionReady); ready != nil {
			reason = ready.Reason
		}
	}
	b.set(kind, metav1.ConditionTrue, reason, strings.Join(messages, "; "))
}
