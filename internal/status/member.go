package status

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// MemberInput is what is known of one cluster.
type MemberInput struct {
	// Member with its last status. What is not seen now stays as it was seen last.
	Member *v1alpha1.MemberCluster
	// Outcome of the last run, or of the attempt to reach the cluster.
	Outcome *observed.Outcome
	// Platform is the name of the TLSPlatform that selects the cluster; empty for
	// none.
	Platform string
	// Released says that a platform which is deleted has let go of the cluster.
	Released bool
	// Identity of the operator in the cluster, nil while there is none.
	Identity *v1alpha1.IdentityStatus
	// Heard is when the agent renewed its Lease last; zero for never.
	Heard time.Time
	// Now is for conditions that changed.
	Now metav1.Time
}

// Member returns the status of a MemberCluster.
func Member(in MemberInput) v1alpha1.MemberClusterStatus {
	m := member{status: *in.Member.Status.DeepCopy(), in: in}
	m.status.ObservedGeneration = in.Member.Generation
	m.status.Platform = in.Platform
	if in.Released {
		m.status.Revision = nil
	}
	if in.Identity != nil {
		m.status.Identity = in.Identity
	}
	m.connected()
	m.inSync()
	m.agent()
	if !in.Outcome.Unreachable {
		m.seen()
	}
	return m.status
}

type member struct {
	status v1alpha1.MemberClusterStatus
	in     MemberInput
}

func (m *member) set(kind string, state metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(&m.status.Conditions, metav1.Condition{
		Type: kind, Status: state, Reason: reason, Message: text(message, maxMessage),
		ObservedGeneration: m.in.Member.Generation, LastTransitionTime: m.in.Now,
	})
}

// connected says whether the API server answers. A cluster that answers and is
// refused for what it is counts as connected: InSync says why nothing happens.
func (m *member) connected() {
	o := m.in.Outcome
	switch {
	case o.Unreachable && o.Err.Reason == v1alpha1.ReasonConnecting:
		m.set(v1alpha1.ConditionConnected, metav1.ConditionUnknown, o.Err.Reason, o.Err.Message)
	case o.Unreachable:
		m.set(v1alpha1.ConditionConnected, metav1.ConditionFalse, o.Err.Reason, o.Err.Message)
	case len(o.Facts.Incomplete) > 0:
		m.set(v1alpha1.ConditionConnected, metav1.ConditionTrue, v1alpha1.ReasonDiscoveryIncomplete, fmt.Sprintf(
			"the API server answers, and what serves %s does not: those kinds are taken for absent; look at the APIService and its pods",
			strings.Join(o.Facts.Incomplete, ", ")))
	default:
		m.set(v1alpha1.ConditionConnected, metav1.ConditionTrue, v1alpha1.ReasonAvailable, "the API server answers")
	}
}

// inSync says whether the cluster has everything that it shall have.
func (m *member) inSync() {
	o := m.in.Outcome
	why := lacks(o)
	switch worst := worstPart(o); {
	case o.Unreachable:
		m.set(v1alpha1.ConditionInSync, metav1.ConditionUnknown, o.Err.Reason, "the cluster can't be reached: what is shown was seen before")
	case o.Err != nil:
		m.set(v1alpha1.ConditionInSync, metav1.ConditionFalse, o.Err.Reason, o.Err.Message)
	case m.in.Platform == "":
		m.set(v1alpha1.ConditionInSync, metav1.ConditionFalse, v1alpha1.ReasonNotSelected,
			"no TLSPlatform selects this cluster by its labels; nothing is done to it")
	case worst != nil && worst.State != observed.PartReady:
		message := worst.Name + ": " + worst.Message
		if o.Drifted > 0 {
			message += fmt.Sprintf("; besides, others changed %d objects, which are left so: kubectl tls drift lists them", o.Drifted)
		}
		m.set(v1alpha1.ConditionInSync, metav1.ConditionFalse, worst.Reason, message)
	case why.reason != "":
		m.set(v1alpha1.ConditionInSync, metav1.ConditionFalse, why.reason, why.message)
	case len(o.Parts) == 0:
		m.set(v1alpha1.ConditionInSync, metav1.ConditionFalse, v1alpha1.ReasonProgressing, "nothing was delivered yet")
	default:
		m.set(v1alpha1.ConditionInSync, metav1.ConditionTrue, v1alpha1.ReasonAvailable, "the cluster has the whole plan")
	}
}

// InSync says whether a cluster has everything that it shall have, as the
// condition of its MemberCluster does.
func InSync(o *observed.Outcome) bool {
	return !o.Unreachable && len(o.Parts) > 0 && worstPart(o) == nil && lacks(o).reason == ""
}

// worstPart that is not healthy, nil when all are.
func worstPart(o *observed.Outcome) *observed.Part {
	var worst *observed.Part
	for i := range o.Parts {
		p := &o.Parts[i]
		if badness[p.State] > badness[observed.PartReady] && (worst == nil || badness[p.State] > badness[worst.State]) {
			worst = p
		}
	}
	return worst
}

// agent says whether the agent of the cluster is alive.
func (m *member) agent() {
	o := m.in.Outcome
	switch {
	case o.Unreachable:
		if meta.FindStatusCondition(m.status.Conditions, v1alpha1.ConditionAgentReporting) != nil {
			m.set(v1alpha1.ConditionAgentReporting, metav1.ConditionUnknown, o.Err.Reason, "the cluster can't be reached")
		}
	case o.Silent != "":
		m.set(v1alpha1.ConditionAgentReporting, metav1.ConditionFalse, v1alpha1.ReasonSilent, o.Silent)
	case m.in.Heard.IsZero():
		meta.RemoveStatusCondition(&m.status.Conditions, v1alpha1.ConditionAgentReporting)
	default:
		m.set(v1alpha1.ConditionAgentReporting, metav1.ConditionTrue, v1alpha1.ReasonAvailable, "the agent renews its Lease")
	}
}

// seen fills what was seen of the cluster now.
func (m *member) seen() {
	o := m.in.Outcome
	if o.Facts.UID != "" {
		m.status.KubernetesVersion, m.status.UID = o.Facts.KubernetesVersion, o.Facts.UID
	}
	if r := m.status.Revision; r != nil {
		r.Ready = r.Ready || r.Name == o.Revision && o.Err == nil && len(o.Parts) > 0 && worstPart(o) == nil
	}
	if o.Err != nil && len(o.Parts) == 0 {
		m.reported() // nothing else was looked at
		return
	}
	m.status.Objects = int32(min(o.Objects, 1<<30))
	m.status.Components = componentsOf(o)
	m.status.Issuers = nil
	for _, is := range o.Issuers {
		m.status.Issuers = append(m.status.Issuers, v1alpha1.IssuerStatus{
			Name: is.Name, Backend: is.Backend, Ready: is.Ready, Reason: is.Reason, Message: text(is.Message, maxLine),
		})
	}
	m.status.Retained = slices.Clone(o.Retained)
	if len(m.status.Retained) > maxRetained {
		m.status.Retained = m.status.Retained[:maxRetained]
	}
	m.reported()
}

// reported fills what the agent says.
func (m *member) reported() {
	o := m.in.Outcome
	if c := counts(o); c != nil {
		m.status.Certificates = c
	}
	if o.Agent == nil {
		return
	}
	m.status.AgentVersion = o.Agent.Version
	m.status.Profile = o.Agent.Profile.DeepCopy()
	m.status.Drifted, m.status.Drift = nil, nil
	if e := o.Agent.Estate; e != nil {
		drifted := e.Drifted
		m.status.Drifted, m.status.Drift = &drifted, slices.Clone(e.Drift)
	}
}
