package component

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	utilversion "k8s.io/apimachinery/pkg/util/version"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// Reasons of notes that are not conditions of their own.
const (
	// ReasonKubernetesUntested says that the component does not declare to run
	// on the cluster's version of Kubernetes.
	ReasonKubernetesUntested = "KubernetesUntested"
	// ReasonVersionUnknown says that the running version could not be read, so
	// that a downgrade can't be ruled out.
	ReasonVersionUnknown = "VersionUnknown"
)

const defaultNamespace = "cert-manager"

// definition is what the platform knows of a component beforehand.
type definition struct {
	// field of spec.components, for messages.
	field string
	// repository of the project's own charts.
	repository string
	// crd that the chart must have to be the component's.
	crd string
	// dependsOn are the parts that must be healthy before.
	dependsOn []desired.PartName
	// kubernetes is the range of Kubernetes that upstream declares, by the
	// component's major.minor version.
	kubernetes map[string]kubernetesRange
	// owned are the values that the platform sets.
	owned func(spec *v1alpha1.Component, opts Options) []ownedValue
}

// kubernetesRange has the first and the last minor version of Kubernetes 1 that
// are declared.
type kubernetesRange struct{ from, to uint }

var definitions = map[desired.PartName]definition{
	desired.CertManager: {
		field:      "certManager",
		repository: "oci://quay.io/jetstack/charts/cert-manager",
		crd:        "certificates.cert-manager.io",
		// From cert-manager's page of supported releases.
		kubernetes: map[string]kubernetesRange{
			"1.18": {29, 33},
			"1.19": {31, 35},
			"1.20": {32, 35},
			"1.21": {33, 36},
		},
		owned: certManagerValues,
	},
	desired.TrustManager: {
		field:      "trustManager",
		repository: "oci://quay.io/jetstack/charts/trust-manager",
		crd:        "bundles.trust.cert-manager.io",
		// cert-manager certifies its webhook.
		dependsOn: []desired.PartName{desired.CertManager},
		owned:     trustManagerValues,
	},
}

// Options are what a component has to know of the rest of the spec.
type Options struct {
	// CertManagerNamespace is the namespace that cert-manager runs in, whoever
	// installed it; empty means cert-manager. trust-manager reads the sources of
	// bundles there.
	CertManagerNamespace string
}

func (o Options) certManagerNamespace() string {
	if o.CertManagerNamespace == "" {
		return defaultNamespace
	}
	return o.CertManagerNamespace
}

// capabilities are the API groups that a rendering may ask for beside those of
// Kubernetes. The list is fixed and leaves out the components' own groups:
// otherwise installing a component would change the request that it came from.
var capabilities = []string{
	"gateway.networking.k8s.io",
	"monitoring.coreos.com",
	"route.openshift.io",
	"security.openshift.io",
}

// Request says which chart to render for a Managed component. The hold is set,
// and the request of no use, when nothing may be rendered at all.
func Request(
	name desired.PartName, spec *v1alpha1.Component, registry *v1alpha1.Registry,
	facts *observed.Cluster, opts Options,
) (desired.ChartRequest, *desired.Hold) {
	def, ok := definitions[name]
	if !ok {
		return desired.ChartRequest{}, unknownComponent(name)
	}
	if hold := preflight(name, spec, facts); hold != nil {
		return desired.ChartRequest{}, hold
	}
	values, hold := valuesOf(name, def, spec, opts)
	if hold != nil {
		return desired.ChartRequest{}, hold
	}
	repository := spec.Chart.Repository
	if repository == "" {
		repository = def.repository
	}
	return desired.ChartRequest{
		Component:   name,
		Repository:  mirrored(repository, registry),
		Version:     spec.Version,
		Digest:      spec.Chart.Digest,
		ReleaseName: releaseName(name, facts.Installs[string(name)]),
		Namespace:   namespaceOf(spec),
		Values:      values,
		KubeVersion: minorVersion(facts.KubernetesVersion),
		APIVersions: apiVersions(facts.APIs),
	}, nil
}

func unknownComponent(name desired.PartName) *desired.Hold {
	known := slices.Sorted(maps.Keys(definitions))
	return hold(v1alpha1.ReasonInvalidSpec, "there is no component %q; expected one of %v", name, known)
}

func namespaceOf(spec *v1alpha1.Component) string {
	if spec.Namespace == "" {
		return defaultNamespace
	}
	return spec.Namespace
}

// releaseName keeps the name that an install was made with: it is part of the
// names and of the immutable selectors of its workloads.
func releaseName(name desired.PartName, install observed.Install) string {
	if install.Release != "" && install.Owner != observed.OwnerOLM {
		return install.Release
	}
	return string(name)
}

// mirrored applies the first mirror whose source is the repository or a folder
// above it.
func mirrored(repository string, registry *v1alpha1.Registry) string {
	if registry == nil {
		return repository
	}
	path := bare(repository)
	for _, m := range registry.Mirrors {
		rest, ok := strings.CutPrefix(path, bare(m.Source))
		if ok && (rest == "" || strings.HasPrefix(rest, "/")) {
			return "oci://" + bare(m.Mirror) + rest
		}
	}
	return repository
}

func bare(reference string) string {
	return strings.TrimRight(strings.TrimPrefix(reference, "oci://"), "/")
}

// minorVersion rounds the version of Kubernetes down, so that a patch of the
// control plane renders nothing anew. An unreadable version is taken as the
// oldest that the charts know.
func minorVersion(version string) string {
	v, err := utilversion.ParseGeneric(version)
	if err != nil {
		return "v1.33.0"
	}
	return "v" + utilversion.MajorMinor(v.Major(), v.Minor()).String() + ".0"
}

// apiVersions are the capabilities that the cluster has, as group/version and
// group/version/kind.
func apiVersions(apis observed.APIs) []string {
	var found []string
	for kind, versions := range apis {
		if !slices.Contains(capabilities, kind.Group) {
			continue
		}
		for _, version := range versions {
			gv := schema.GroupVersion{Group: kind.Group, Version: version}.String()
			found = append(found, gv, gv+"/"+kind.Kind)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
