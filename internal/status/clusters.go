package status

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// components are the parts that are components, with their names and states in
// the spec.
var components = []struct{ part, spec string }{
	{"cert-manager", "certManager"},
	{"trust-manager", "trustManager"},
}

// Bounds of the lists of a status.
const (
	maxProblems = 32
	maxRetained = 32
	// maxLine bounds what is said about one cluster of many, in bytes.
	maxLine = 512
)

// clusters fills the figures over all clusters, and lists those that have
// problems.
func (b *builder) clusters() {
	var ready, total, issuersReady, issuers int
	var certificates *v1alpha1.CertificateCounts
	b.status.Problems = nil
	counted := v1alpha1.ClusterCounts{Total: int32(min(len(b.outcomes), 1<<30))}
	for i := range b.outcomes {
		o := &b.outcomes[i]
		count(o, &counted)
		b.problem(o)
		for _, c := range componentsOf(o) {
			if c.State == v1alpha1.ComponentAbsent {
				continue
			}
			total++
			if c.Ready {
				ready++
			}
		}
		issuers += len(o.Issuers)
		for _, is := range o.Issuers {
			if is.Ready {
				issuersReady++
			}
		}
		if c := counts(o); c != nil {
			if certificates == nil {
				certificates = &v1alpha1.CertificateCounts{}
			}
			addCounts(certificates, c)
		}
	}
	b.status.Clusters, b.status.Certificates = counted, certificates
	b.status.Summary.Components = fmt.Sprintf("%d/%d", ready, total)
	b.status.Summary.Issuers = fmt.Sprintf("%d/%d", issuersReady, issuers)
	b.status.Summary.Certificates, b.status.Summary.Expiring, b.status.Summary.Orphans = nil, nil, nil
	if certificates != nil {
		e := certificates.Expiry
		expiring := e.Expired + e.WithinDay + e.WithinWeek
		b.status.Summary.Certificates, b.status.Summary.Expiring = &certificates.Total, &expiring
		b.status.Summary.Orphans = &certificates.Orphans
	}
	b.boundProblems()
}

// count adds one cluster to the figures.
func count(o *observed.Outcome, n *v1alpha1.ClusterCounts) {
	if o.Unreachable {
		n.Unreachable++
		return
	}
	if InSync(o) {
		n.InSync++
	}
	if o.Silent != "" {
		n.Silent++
	}
	if o.Agent != nil && o.Agent.Estate != nil && o.Agent.Estate.Drifted > 0 {
		n.Drifted++
	}
	if len(o.Behind) > 0 {
		n.Behind++
	}
}

// problem lists a cluster that does not have the whole estate.
func (b *builder) problem(o *observed.Outcome) {
	why := lacks(o)
	if why.reason == "" {
		return
	}
	p := v1alpha1.ClusterProblem{Name: o.Cluster, Reason: why.reason, Message: text(why.message, maxLine)}
	if !o.Since.IsZero() {
		since := metav1.NewTime(o.Since)
		p.Since = &since
	}
	b.status.Problems = append(b.status.Problems, p)
}

// boundProblems puts the worst first: what needs a person, then the rest, each by
// name.
func (b *builder) boundProblems() {
	rank := func(p v1alpha1.ClusterProblem) int {
		switch p.Reason {
		case v1alpha1.ReasonProgressing, v1alpha1.ReasonConnecting:
			return 1
		case v1alpha1.ReasonRolloutWaiting:
			return 2
		}
		return 0
	}
	slices.SortFunc(b.status.Problems, func(x, y v1alpha1.ClusterProblem) int {
		return cmp.Or(cmp.Compare(rank(x), rank(y)), cmp.Compare(x.Name, y.Name))
	})
	if len(b.status.Problems) > maxProblems {
		b.status.Problems = b.status.Problems[:maxProblems]
	}
}

// componentsOf one cluster.
func componentsOf(o *observed.Outcome) []v1alpha1.ComponentStatus {
	var list []v1alpha1.ComponentStatus
	for _, c := range components {
		p := o.Part(c.part)
		if p == nil || p.State == observed.PartEmpty && p.Reason == v1alpha1.ReasonNotDeclared {
			continue
		}
		list = append(list, componentStatus(c.spec, p))
	}
	return list
}

func componentStatus(name string, p *observed.Part) v1alpha1.ComponentStatus {
	status := v1alpha1.ComponentStatus{
		Name: name, State: v1alpha1.ComponentManaged, Version: p.Version, Digest: p.Digest,
		Ready: p.State == observed.PartReady, Reason: p.Reason, Message: p.Message,
	}
	switch {
	case p.External:
		status.State = v1alpha1.ComponentObserved
	case p.State == observed.PartEmpty:
		status.State = v1alpha1.ComponentAbsent
	}
	return status
}
