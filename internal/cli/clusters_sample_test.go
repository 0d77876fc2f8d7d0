package cli

import (
	"crypto/sha256"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// condition since a time ago.
func condition(kind string, status metav1.ConditionStatus, reason, message string, ago time.Duration) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message, LastTransitionTime: *in(-ago)}
}

// digest of a sample.
func digest(seed int) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte{byte(seed), byte(seed >> 8)}))
}

// sampleProfile is what most clusters of the sample run.
func sampleProfile() *v1alpha1.ClusterProfile {
	return &v1alpha1.ClusterProfile{
		Components: []v1alpha1.ComponentProfile{
			{Name: "cert-manager", Version: "v1.18.2", Namespace: "cert-manager", Owner: "Platform", Available: true},
			{Name: "trust-manager", Version: "v0.19.0", Namespace: "cert-manager", Owner: "Platform", Available: true},
		},
		Issuers: []v1alpha1.IssuerProfile{
			{Kind: "ClusterIssuer", Name: "public", Backend: "acme https://acme-v02.api.letsencrypt.org/directory", Ready: true, Declared: true},
			{Kind: "ClusterIssuer", Name: "internal", Backend: "ca " + digest(1), Ready: true, Declared: true},
		},
		Bundles:  []v1alpha1.DigestProfile{{Kind: "Bundle", Name: "corp", Digest: digest(2), Declared: true}},
		Policies: []v1alpha1.DigestProfile{{Kind: "CertificateRequestPolicy", Name: "web", Digest: digest(3), Declared: true}},
		Settings: []v1alpha1.Setting{{Name: "feature-gates", Value: "AdditionalCertificateOutputFormats=true"}},
	}
}

// member is a cluster where everything is as it shall be.
func member(name string, labels map[string]string) *v1alpha1.MemberCluster {
	zero := int32(0)
	return &v1alpha1.MemberCluster{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Status: v1alpha1.MemberClusterStatus{
			Conditions: []metav1.Condition{
				condition(v1alpha1.ConditionConnected, metav1.ConditionTrue, "Connected", "", 30*day),
				condition(v1alpha1.ConditionInSync, metav1.ConditionTrue, "InSync", "", 2*day),
				condition(v1alpha1.ConditionAgentReporting, metav1.ConditionTrue, "Reporting", "", 30*day),
			},
			KubernetesVersion: "v1.34.2", Platform: "fleet", Objects: 61, AgentVersion: "v0.4.0", Drifted: &zero,
			Revision:     &v1alpha1.RevisionStatus{Name: "fleet-7c9d", Since: *in(-3 * day), Ready: true},
			Components:   []v1alpha1.ComponentStatus{{Name: "certManager", Version: "v1.18.2"}},
			Certificates: &v1alpha1.CertificateCounts{Total: 212, Expiry: v1alpha1.ExpiryCounts{WithinWeek: 1, WithinMonth: 9, Later: 202}},
			Profile:      sampleProfile(),
		},
	}
}

// setCondition replaces a condition.
func setCondition(m *v1alpha1.MemberCluster, c metav1.Condition) {
	for i := range m.Status.Conditions {
		if m.Status.Conditions[i].Type == c.Type {
			m.Status.Conditions[i] = c
		}
	}
}

// sampleMembers is a fleet with something of everything, ordered by name.
func sampleMembers() []*v1alpha1.MemberCluster {
	prod := map[string]string{"stage": "prod"}
	edge := member("edge-7", map[string]string{"stage": "edge"})
	setCondition(edge, condition(v1alpha1.ConditionConnected, metav1.ConditionFalse, "Unreachable", "dial tcp 192.0.2.7:6443: i/o timeout", 3*hour))
	setCondition(edge, condition(v1alpha1.ConditionInSync, metav1.ConditionUnknown, "Unreachable", "", 3*hour))
	setCondition(edge, condition(v1alpha1.ConditionAgentReporting, metav1.ConditionUnknown, "Unreachable", "", 3*hour))
	edge.Status.Profile.Components[0].Version = "v1.12.0"

	fresh := &v1alpha1.MemberCluster{ObjectMeta: metav1.ObjectMeta{Name: "fresh"}}

	outlier := member("prod-eu-2", prod)
	setCondition(outlier, condition(v1alpha1.ConditionInSync, metav1.ConditionFalse, "Drifted", "35 objects were changed by others, and spec.delivery.correctDrift is off.", 25*time.Minute))
	drifted := int32(35)
	outlier.Status.Drifted = &drifted
	outlier.Status.Revision.Ready = false
	outlier.Status.Components[0].Version = "v1.17.0"
	outlier.Status.Drift = []v1alpha1.DriftItem{
		{
			ObjectReference: v1alpha1.ObjectReference{Group: "cert-manager.io", Kind: "ClusterIssuer", Name: "public"},
			State:           v1alpha1.DriftDeleted, Since: in(-25 * time.Minute),
		},
		{
			ObjectReference: v1alpha1.ObjectReference{Group: "apps", Kind: "Deployment", Namespace: "cert-manager", Name: "cert-manager"},
			State:           v1alpha1.DriftChanged, Fields: []string{"spec.replicas", "spec.template.spec.containers"}, By: []string{"kubectl-edit"}, Since: in(-2 * hour),
		},
	}
	p := outlier.Status.Profile
	p.Components[0].Version, p.Components[1].Owner = "v1.17.0", "Helm"
	p.Issuers[0].Backend = "acme https://acme-staging-v02.api.letsencrypt.org/directory"
	p.Issuers = append(p.Issuers,
		v1alpha1.IssuerProfile{Kind: "Issuer", Namespace: "shop", Name: "old", Backend: "selfSigned"},
		v1alpha1.IssuerProfile{Kind: "Issuer", Namespace: "shop", Name: "odd", Backend: "ca secret shop/odd-ca unread"})
	p.Bundles[0].Digest = digest(4)

	silent := member("silent", prod)
	setCondition(silent, condition(v1alpha1.ConditionAgentReporting, metav1.ConditionFalse, "AgentSilent", "The agent has not renewed its Lease for 12m.", 12*time.Minute))
	setCondition(silent, condition(v1alpha1.ConditionInSync, metav1.ConditionUnknown, "AgentSilent", "What the agent would see is not known.", 12*time.Minute))

	return []*v1alpha1.MemberCluster{
		edge, fresh, member("local", map[string]string{"stage": "hub"}), member("prod-eu-1", prod), outlier, silent,
	}
}

// manyMembers are twelve clusters of which one differs, one is cut and one is
// not seen.
func manyMembers() []*v1alpha1.MemberCluster {
	var list []*v1alpha1.MemberCluster
	for i := range 12 {
		m := member(fmt.Sprintf("prod-%02d", i), map[string]string{"stage": "prod"})
		switch i {
		case 3:
			m.Status.Profile.Components[0].Version = "v1.17.0"
		case 5:
			m.Status.Profile.Bundles, m.Status.Profile.Omitted = nil, 1
		case 7:
			m.Status.Profile = nil
		case 9:
			// Without cert-manager there are no settings of it.
			m.Status.Profile.Components, m.Status.Profile.Settings = m.Status.Profile.Components[1:], nil
		}
		m.Status.Profile = withSplit(m.Status.Profile, i)
		list = append(list, m)
	}
	return list
}

// withSplit adds a policy that half of the clusters have otherwise.
func withSplit(p *v1alpha1.ClusterProfile, i int) *v1alpha1.ClusterProfile {
	if p != nil {
		p.Policies = append(p.Policies, v1alpha1.DigestProfile{Kind: "ClusterPolicy", Name: "tls", Digest: digest(10 + i%3)})
	}
	return p
}

// hostileMembers are clusters whose every text is an attack on a terminal.
func hostileMembers() []*v1alpha1.MemberCluster {
	const attack = "\x1b]0;owned\x07=1+1\u202egnp\u009b31m\xff\r\nsecond\ttab"
	n := int32(40)
	make1 := func(name, value string) *v1alpha1.MemberCluster {
		return &v1alpha1.MemberCluster{
			ObjectMeta: metav1.ObjectMeta{Name: name + attack},
			Status: v1alpha1.MemberClusterStatus{
				Conditions: []metav1.Condition{
					condition(v1alpha1.ConditionConnected, metav1.ConditionTrue, attack, attack, hour),
					condition(v1alpha1.ConditionInSync, attack, attack, attack, hour),
				},
				KubernetesVersion: attack, Platform: attack, AgentVersion: attack, Drifted: &n,
				Revision:   &v1alpha1.RevisionStatus{Name: attack},
				Components: []v1alpha1.ComponentStatus{{Name: "certManager", Version: attack}},
				Drift: []v1alpha1.DriftItem{{
					ObjectReference: v1alpha1.ObjectReference{Group: attack, Kind: attack, Namespace: attack, Name: attack},
					State:           attack, Fields: []string{attack}, By: []string{attack}, Since: in(-hour),
				}},
				Profile: &v1alpha1.ClusterProfile{
					Components: []v1alpha1.ComponentProfile{{Name: attack, Version: attack + value, Owner: attack + value}},
					Issuers:    []v1alpha1.IssuerProfile{{Kind: attack, Name: attack, Backend: attack + value}, {Kind: attack, Namespace: attack, Name: attack, Backend: attack}},
					Policies:   []v1alpha1.DigestProfile{{Kind: attack, Name: attack, Digest: attack + value}},
					Settings:   []v1alpha1.Setting{{Name: attack, Value: attack}},
				},
			},
		}
	}
	unseen := make1("x", "")
	unseen.Status.Conditions[0].Status = metav1.ConditionFalse
	return []*v1alpha1.MemberCluster{make1("a", "1"), make1("b", "1"), make1("c", "2"), unseen}
}

// fleetOf is a view of all of the members.
func fleetOf(members []*v1alpha1.MemberCluster, chosen ...string) *fleetView {
	view := &fleetView{members: members}
	for _, name := range chosen {
		if view.chosen == nil {
			view.chosen = map[string]bool{}
		}
		view.chosen[name] = true
	}
	return view
}

// hub has the sample fleet and a platform whose rollout was stopped.
func hub() []client.Object {
	objects := []client.Object{&v1alpha1.TLSPlatform{
		ObjectMeta: metav1.ObjectMeta{Name: "fleet"},
		Status: v1alpha1.TLSPlatformStatus{Rollout: &v1alpha1.RolloutStatus{
			Revision: "fleet-7c9d", Phase: v1alpha1.RolloutStopped, Wave: 2, Updated: 2, Total: 6, Message: "cert-manager is not ready in prod-eu-2",
		}},
	}}
	for _, m := range sampleMembers() {
		objects = append(objects, m)
	}
	return objects
}
