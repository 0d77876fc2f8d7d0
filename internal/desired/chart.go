package desired

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// ChartRequest says which chart to render and with what.
type ChartRequest struct {
	// Component that the chart installs, for example cert-manager.
	Component PartName
	// Repository is the OCI reference of the chart without a tag, as
	// oci://host/path/chart, mirrors applied.
	Repository string
	// Version of the chart, which is also its tag.
	Version string
	// Digest that the chart's manifest must have, sha256:…; empty for any.
	Digest string
	// ReleaseName is the chart's .Release.Name.
	ReleaseName string
	// Namespace is the chart's .Release.Namespace, and the namespace of rendered
	// objects that name none.
	Namespace string
	// Values that override the chart's own.
	Values map[string]any
	// KubeVersion is the chart's .Capabilities.KubeVersion, for example v1.37.0.
	KubeVersion string
	// APIVersions are added to the chart's .Capabilities.APIVersions, which has
	// the kinds that Kubernetes itself serves anyway. Sorted.
	APIVersions []string
}

// Key identifies the inputs of the rendering: 16 hex digits over every field
// that can change the outcome. Capabilities are part of it, so a request should
// carry only those that charts ask for: the cluster's whole discovery would
// make a new key of every unrelated custom resource definition.
func (r ChartRequest) Key() string {
	return digestOf([]any{
		r.Component, r.Repository, r.Version, r.Digest, r.ReleaseName, r.Namespace,
		r.Values, r.KubeVersion, r.APIVersions,
	})
}

// RenderedChart is what a chart asks to be applied.
type RenderedChart struct {
	// Name of the chart, as its Chart.yaml says.
	Name string
	// Version of the chart.
	Version string
	// AppVersion is the version of what the chart installs.
	AppVersion string
	// Digest of the chart's manifest, sha256:….
	Digest string
	// KubeVersionRange is the chart's kubeVersion constraint; empty for none.
	KubeVersionRange string
	// Key of the request.
	Key string
	// Objects in the order of apply. Hooks are left out. They may be shared by
	// plans: don't change them.
	Objects []*unstructured.Unstructured
	// Digests of the objects, where they are known already.
	Digests map[*unstructured.Unstructured]string
}
