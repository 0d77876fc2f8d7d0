package consistency

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// Cluster is one cluster of a fleet.
type Cluster struct {
	// Name of the MemberCluster.
	Name string
	// Profile is what runs there, nil when that is not known.
	Profile *v1alpha1.ClusterProfile
	// Unseen says why there is no profile, as "Reason: message" of the condition
	// that tells. It is empty with a profile.
	Unseen string
}

// FromMember is the cluster as its MemberCluster describes it. A profile counts
// as long as the hub reaches the cluster and its agent is not silent: after that
// it says what was, and nobody can tell whether it still is.
func FromMember(m *v1alpha1.MemberCluster) Cluster {
	c := Cluster{Name: m.Name}
	connected := meta.FindStatusCondition(m.Status.Conditions, v1alpha1.ConditionConnected)
	reporting := meta.FindStatusCondition(m.Status.Conditions, v1alpha1.ConditionAgentReporting)
	switch {
	case connected == nil:
		c.Unseen = "the hub has not looked at it yet"
	case connected.Status != metav1.ConditionTrue:
		c.Unseen = reasonOf(connected)
	case reporting != nil && reporting.Status == metav1.ConditionFalse:
		c.Unseen = reasonOf(reporting)
	case m.Status.Profile == nil:
		c.Unseen = "its agent has not reported a profile yet"
	default:
		c.Profile = m.Status.Profile
	}
	return c
}

func reasonOf(c *metav1.Condition) string {
	if c.Message == "" {
		return c.Reason
	}
	return c.Reason + ": " + c.Message
}

// sorted returns the clusters ordered by name.
func sorted(clusters []Cluster) []Cluster {
	byName := func(a, b Cluster) int { return cmp.Compare(a.Name, b.Name) }
	if slices.IsSortedFunc(clusters, byName) {
		return clusters
	}
	clusters = slices.Clone(clusters)
	slices.SortStableFunc(clusters, byName)
	return clusters
}

// seen returns the clusters with a profile, ordered by name.
func seen(clusters []Cluster) []Cluster {
	list := make([]Cluster, 0, len(clusters))
	for _, c := range sorted(clusters) {
		if c.Profile != nil {
			list = append(list, c)
		}
	}
	return list
}

// isKnown says that a backend identifies a CA, or the kind selfSigned. The
// agent writes "unknown" for issuers that it can't judge, and "ca secret
// namespace/name unread" where it could not read the CA certificate.
func isKnown(backend string) bool {
	return backend != "" && backend != "unknown" && !strings.HasPrefix(backend, "ca secret ")
}
