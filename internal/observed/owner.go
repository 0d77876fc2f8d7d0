package observed

import (
	"strings"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// OwnerOf says whose an object is, by the labels and annotations that installers
// leave. release is the name of the Helm release or of the ClusterServiceVersion,
// or else the instance that the object is labelled with; it may be empty.
func OwnerOf(labels, annotations map[string]string) (owner Owner, release string) {
	switch {
	case labels[names.LabelPlatform] != "":
		return OwnerPlatform, labels[names.LabelAppInstance]
	case labels[names.LabelOLMOwner] != "":
		return OwnerOLM, labels[names.LabelOLMOwner]
	case labels[names.LabelOLMManaged] == "true":
		return OwnerOLM, ""
	case annotations[names.AnnotationHelmRelease] != "":
		return OwnerHelm, annotations[names.AnnotationHelmRelease]
	}
	return OwnerPlain, labels[names.LabelAppInstance]
}

// BelongsTo says whether a workload is one of a component. Its name and its
// release tell the webhook and the cainjector of cert-manager from others that
// are labelled so.
func BelongsTo(component, workload string, labels map[string]string) bool {
	if labels[names.LabelAppName] == component {
		return true
	}
	return strings.Contains(labels[names.LabelAppInstance], component) || strings.HasPrefix(workload, component)
}
