package preview

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// ownerOf says whose an object is, for people.
func ownerOf(o metav1.Object) string {
	labels, annotations := o.GetLabels(), o.GetAnnotations()
	switch owner, release := observed.OwnerOf(labels, annotations); owner {
	case observed.OwnerPlatform:
		return "TLSPlatform " + labels[names.LabelPlatform]
	case observed.OwnerOLM:
		if release == "" {
			return "OLM"
		}
		return "OLM " + release
	case observed.OwnerHelm:
		if namespace := annotations[names.AnnotationHelmNamespace]; namespace != "" {
			release = namespace + "/" + release
		}
		return "Helm release " + release
	case observed.OwnerPlain, observed.OwnerNone:
		fallthrough
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
