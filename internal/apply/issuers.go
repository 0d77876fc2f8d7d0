package apply

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/health"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// issuers reports on the ClusterIssuers that teams reference.
func (r *run) issuers(objects []*unstructured.Unstructured) {
	for _, o := range objects {
		name := o.GetLabels()[names.LabelIssuer]
		if o.GetKind() != "ClusterIssuer" || name != o.GetName() {
			continue
		}
		verdict, ok := r.health.verdict(desired.RefOf(o))
		if !ok {
			verdict = health.Verdict{Message: "it has not been looked at yet"}
		}
		issuer := observed.Issuer{
			Name: name, Backend: o.GetAnnotations()[names.AnnotationBackend],
			Ready: verdict.Ready, Reason: v1alpha1.ReasonUnhealthy, Message: verdict.Message,
		}
		if verdict.Ready {
			issuer.Reason = v1alpha1.ReasonAvailable
		}
		r.outcome.Issuers = append(r.outcome.Issuers, issuer)
	}
}
