package preview

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// Labels and annotations by which installers mark what is theirs.
const (
	helmRelease   = "meta.helm.sh/release-name"
	helmNamespace = "meta.helm.sh/release-namespace"
	olmOwner      = "olm.owner"
	olmManaged    = "olm.managed"
)

// ownerOf says whose an object is, by the marks that installers leave.
func ownerOf(o metav1.Object) string {
	labels, annotations := o.GetLabels(), o.GetAnnotations()
	switch {
	case labels[names.LabelPlatform] != "":
		return "TLSPlatform " + labels[names.LabelPlatform]
	case labels[olmOwner] != "":
		return "OLM " + labels[olmOwner]
	case labels[olmManaged] == "true":
		return "OLM"
	case annotations[helmRelease] != "" && annotations[helmNamespace] != "":
		return "Helm release " + annotations[helmNamespace] + "/" + annotations[helmRelease]
	case annotations[helmRelease] != "":
		return "Helm release " + annotations[helmRelease]
	default:
		return "plain"
	}
}

// managersOf an object, sorted, without those that write its status alone and
// without the part's own.
func managersOf(o metav1.Object, own string) []string {
	var list []string
	for _, e := range o.GetManagedFields() {
		if e.Subresource == "" && e.Manager != own {
			list = append(list, e.Manager)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
