package status

import (
	"fmt"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// components are the parts that are components, with their names and states in
// the spec.
var components = []struct{ part, spec string }{
	{"cert-manager", "certManager"},
	{"trust-manager", "trustManager"},
}

const maxRetained = 32

// clusters fills the lines for each cluster and the figures over all.
func (b *builder) clusters() {
	var ready, total, issuersReady, issuers int
	b.status.Clusters = nil
	summary := v1alpha1.Summary{Clusters: b.status.Summary.Clusters}
	for i := range b.outcomes {
		o := &b.outcomes[i]
		line := v1alpha1.ClusterStatus{Name: o.Cluster, Objects: int32(min(o.Objects, 1<<30)), Retained: o.Retained}
		if len(line.Retained) > maxRetained {
			line.Retained = line.Retained[:maxRetained]
		}
		for _, c := range components {
			p := o.Part(c.part)
			if p == nil || p.State == observed.PartEmpty && p.Reason == v1alpha1.ReasonNotDeclared {
				continue
			}
			status := componentStatus(c.spec, p)
			line.Components = append(line.Components, status)
			if status.State == v1alpha1.ComponentAbsent {
				continue
			}
			total++
			if status.Ready {
				ready++
			}
		}
		for _, is := range o.Issuers {
			line.Issuers = append(line.Issuers, v1alpha1.IssuerStatus{
				Name: is.Name, Backend: is.Backend, Ready: is.Ready, Reason: is.Reason, Message: is.Message,
			})
			issuers++
			if is.Ready {
				issuersReady++
			}
		}
		counts(o, &line, &summary)
		b.status.Clusters = append(b.status.Clusters, line)
	}
	summary.Components = fmt.Sprintf("%d/%d", ready, total)
	summary.Issuers = fmt.Sprintf("%d/%d", issuersReady, issuers)
	b.status.Summary = summary
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
