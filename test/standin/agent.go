package standin

import (
	"encoding/json"
	"time"
	"unique"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// agent stands in for the agent of a cluster. It runs while there is a
// Deployment of the agent and a TLSAgent.
type agent struct {
	timer   *time.Timer // of a report that is due
	ended   bool
	running string // the namespace that the agent runs in
}

// agentLag is how long after a change the agent reports.
const agentLag = 200 * time.Millisecond

// agentManager is the field manager of the agent.
const agentManager = "tls-platform-agent"

// touchAgent has the agent look soon. The cluster is locked.
func (c *Cluster) touchAgent() {
	if c.agent.timer == nil && !c.agent.ended {
		c.agent.timer = time.AfterFunc(agentLag, c.report)
	}
}

// stop ends the agent. The cluster is locked.
func (a *agent) stop() {
	a.ended = true
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
}

// report writes the status of the TLSAgent when it says something new.
func (c *Cluster) report() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.agent.timer = nil
	c.agent.running = c.agentNamespace()
	r := c.find(agentsResource)
	if r == nil || c.agent.running == "" || c.agent.ended {
		return
	}
	live := c.storeOf(agentsResource).objects[v1alpha1.AgentName]
	if live == nil {
		return
	}
	before, err := live.decode(r)
	if err != nil {
		return
	}
	var old v1alpha1.TLSAgent
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(before.Object, &old); err != nil {
		return
	}
	status := c.observe(&old)
	if equality.Semantic.DeepEqual(old.Status, status) {
		return
	}
	c.writeReport(r, live, before, status)
}

func (c *Cluster) writeReport(r *resource, live *object, before *unstructured.Unstructured, status v1alpha1.TLSAgentStatus) {
	raw, err := json.Marshal(status)
	if err != nil {
		return
	}
	var content map[string]any
	if err := json.Unmarshal(raw, &content); err != nil {
		return
	}
	after := before.DeepCopy()
	after.Object["status"] = content
	owned, ok := r.onStatus.UpdateNoErrors(before, after, agentManager).(*unstructured.Unstructured)
	if !ok {
		return
	}
	if next, err := split(owned); err == nil {
		c.commit(change{resource: r, live: live, next: next, status: true})
	}
}

// agentNamespace is where the Deployment of the agent is, empty when there is
// none that is available.
func (c *Cluster) agentNamespace() string {
	r := c.find(deploymentsResource)
	for _, o := range c.storeOf(deploymentsResource).objects {
		if o.name != names.Agent {
			continue
		}
		if u, err := o.decode(r); err == nil && isTrue(u, "Available") {
			return o.namespace
		}
	}
	return ""
}

// observe is what the agent sees. The cluster is locked.
func (c *Cluster) observe(old *v1alpha1.TLSAgent) v1alpha1.TLSAgentStatus {
	count := c.fleet.options.Certificates
	status := v1alpha1.TLSAgentStatus{
		ObservedGeneration: old.Generation,
		Version:            c.fleet.options.AgentVersion,
		Certificates: v1alpha1.CertificateCounts{
			Total: count, ByLayer: v1alpha1.LayerCounts{Application: count}, Expiry: v1alpha1.ExpiryCounts{Later: count},
		},
		Estate:  c.estate(),
		Profile: c.profile(),
	}
	status.Conditions = append(status.Conditions, old.Status.Conditions...)
	for _, kind := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionCoverageComplete} {
		meta.SetStatusCondition(&status.Conditions, metav1.Condition{
			Type: kind, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonAvailable,
			Message: "simulated", ObservedGeneration: old.Generation,
		})
	}
	return status
}

// leaseOwned are the fields of a Lease that an agent renews.
var leaseOwned = unique.Make(`{"f:spec":{"f:acquireTime":{},"f:holderIdentity":{},"f:leaseDurationSeconds":{},"f:renewTime":{}}}`)

// leaseSeconds is how long the agent's Lease holds.
const leaseSeconds = 30

// renewLease is the agent's heartbeat.
func (c *Cluster) renewLease() {
	c.mu.Lock()
	defer c.mu.Unlock()
	namespace := c.agent.running
	r := c.find(leasesResource)
	if namespace == "" || c.storeOf(namespacesResource).objects[namespace] == nil {
		return
	}
	u := named(r, namespace, names.AgentLease)
	now := metav1.NowMicro().UTC().Format(metav1.RFC3339Micro)
	u.Object["spec"] = map[string]any{
		"holderIdentity": "simulated", "leaseDurationSeconds": int64(leaseSeconds), "acquireTime": now, "renewTime": now,
	}
	next, err := split(u)
	if err != nil {
		return
	}
	next.managed = []ownership{{
		manager: agentManager, operation: metav1.ManagedFieldsOperationUpdate, apiVersion: r.apiVersion(),
		time: time.Now(), fields: leaseOwned,
	}}
	c.commit(change{resource: r, live: c.storeOf(leasesResource).objects[next.key()], next: next})
}
