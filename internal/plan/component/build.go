package component

import (
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilversion "k8s.io/apimachinery/pkg/util/version"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// Build makes the part of a Managed component of its rendered chart.
func Build(
	name desired.PartName, spec *v1alpha1.Component, rendered desired.RenderedChart,
	facts *observed.Cluster, opts Options,
) desired.Part {
	def, ok := definitions[name]
	part := desired.Part{
		Name:      name,
		DependsOn: slices.Clone(def.dependsOn),
		Identity:  desired.IdentityInstaller,
		Adopt:     spec.Adopt,
		Release: &desired.Release{
			Version: rendered.Version, AppVersion: rendered.AppVersion, Digest: rendered.Digest, Key: rendered.Key,
			Namespace: namespaceOf(spec), KubeVersionRange: rendered.KubeVersionRange,
		},
	}
	if !ok {
		part.Hold = unknownComponent(name)
		return part
	}
	part.Hold = refusal(name, spec, rendered, facts)
	if part.Hold != nil {
		return part
	}
	part.Objects, part.Digests = objectsOf(name, spec, rendered, opts), rendered.Digests
	part.Notes = notesOf(name, rendered, facts)
	return part
}

func refusal(name desired.PartName, spec *v1alpha1.Component, rendered desired.RenderedChart, facts *observed.Cluster) *desired.Hold {
	if h := preflight(name, spec, facts); h != nil {
		return h
	}
	crds := servedVersions(rendered.Objects)
	if _, ok := crds[definitions[name].crd]; !ok {
		return hold(v1alpha1.ReasonInvalidSpec,
			"chart %s %s does not have the custom resource definition %s, so it is not %s as the platform needs it; "+
				"check spec.components.%s.chart.repository and values",
			rendered.Name, rendered.Version, definitions[name].crd, name, definitions[name].field)
	}
	return checkStoredVersions(name, spec, crds, facts.Installs[string(name)])
}

// checkStoredVersions refuses definitions that would make stored objects
// unreadable; the API server would refuse them too, but halfway through.
func checkStoredVersions(
	name desired.PartName, spec *v1alpha1.Component, crds map[string][]string, install observed.Install,
) *desired.Hold {
	var lost []string
	for crd, versions := range crds {
		for _, stored := range install.StoredVersions[crd] {
			if !slices.Contains(versions, stored) {
				lost = append(lost, fmt.Sprintf("%s has objects stored as %s, and the chart only knows %s",
					crd, stored, strings.Join(versions, ", ")))
			}
		}
	}
	if len(lost) == 0 {
		return nil
	}
	slices.Sort(lost)
	return hold(v1alpha1.ReasonStoredVersion,
		"%s %s can't read everything that is stored: %s. With the version that runs, write each object once unchanged "+
			"(kubectl get … -o yaml | kubectl replace -f -), then remove the old version from status.storedVersions of the definition",
		name, spec.Version, strings.Join(lost, "; "))
}

// servedVersions are the versions of each custom resource definition.
func servedVersions(objects []*unstructured.Unstructured) map[string][]string {
	crds := map[string][]string{}
	for _, o := range objects {
		if o.GetKind() != "CustomResourceDefinition" {
			continue
		}
		declared, _, _ := unstructured.NestedSlice(o.Object, "spec", "versions")
		names := make([]string, 0, len(declared))
		for _, version := range declared {
			if v, ok := version.(map[string]any); ok {
				if version, ok := v["name"].(string); ok {
					names = append(names, version)
				}
			}
		}
		crds[o.GetName()] = names
	}
	return crds
}

// objectsOf the part: those of the chart, and the namespace.
func objectsOf(name desired.PartName, spec *v1alpha1.Component, rendered desired.RenderedChart, opts Options) []*unstructured.Unstructured {
	objects := slices.Clone(rendered.Objects)
	namespace := namespaceOf(spec)
	// An object belongs to one part: in a shared namespace, to cert-manager's.
	shared := name != desired.CertManager && namespace == opts.certManagerNamespace()
	exists := slices.ContainsFunc(objects, func(o *unstructured.Unstructured) bool {
		return desired.RefOf(o) == desired.Ref{Kind: "Namespace", Name: namespace}
	})
	if !shared && !exists {
		objects = append(objects, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1",
			"kind":       "Namespace",
			"metadata":   map[string]any{"name": namespace},
		}})
	}
	desired.Sort(objects)
	return objects
}

// notesOf what is worth knowing although the part is applied.
func notesOf(name desired.PartName, rendered desired.RenderedChart, facts *observed.Cluster) []desired.Note {
	install := facts.Installs[string(name)]
	var notes []desired.Note
	if message := untested(name, rendered, facts.KubernetesVersion); message != "" {
		notes = append(notes, desired.Note{Reason: ReasonKubernetesUntested, Message: message})
	}
	if install.Owner == observed.OwnerHelm {
		notes = append(notes, desired.Note{Reason: v1alpha1.ReasonRetained, Message: fmt.Sprintf(
			"%s is adopted from the Helm release %s: its records (Secrets sh.helm.release.v1.%s.v*) stay. "+
				"Don't use helm upgrade or helm uninstall on it any more; remove the records with "+
				"kubectl -n %s delete secret -l owner=helm,name=%s",
			name, orUnknown(install.Release), install.Release, install.Namespace, install.Release)})
	}
	if install.Owner != observed.OwnerNone && install.Namespace != "" {
		if _, err := semver.NewVersion(install.Version); err != nil {
			notes = append(notes, desired.Note{Reason: ReasonVersionUnknown, Message: fmt.Sprintf(
				"the version of %s that runs in namespace %s can't be read (found %q), so a downgrade was not ruled out; "+
					"check that it is not newer than %s", name, install.Namespace, install.Version, rendered.Version)})
		}
	}
	return notes
}

// untested says that the cluster's version of Kubernetes lies outside of what
// the component declares.
func untested(name desired.PartName, rendered desired.RenderedChart, kubernetes string) string {
	cluster, err := utilversion.ParseGeneric(kubernetes)
	if err != nil {
		return fmt.Sprintf("the cluster's version of Kubernetes can't be read (found %q), so it was not compared with what %s %s supports",
			kubernetes, name, rendered.Version)
	}
	const advice = "it is installed all the same; check its release notes before you rely on it"
	if v, err := semver.NewVersion(rendered.Version); err == nil {
		declared, ok := definitions[name].kubernetes[fmt.Sprintf("%d.%d", v.Major(), v.Minor())]
		if ok && (cluster.Major() != 1 || cluster.Minor() < declared.from || cluster.Minor() > declared.to) {
			return fmt.Sprintf("%s %s declares Kubernetes 1.%d to 1.%d, the cluster runs %s: %s",
				name, rendered.Version, declared.from, declared.to, kubernetes, advice)
		}
	}
	if rendered.KubeVersionRange == "" {
		return ""
	}
	constraint, err := semver.NewConstraint(rendered.KubeVersionRange)
	if err != nil {
		return ""
	}
	// Suffixes of vendors would count as pre-releases.
	if constraint.Check(semver.New(uint64(cluster.Major()), uint64(cluster.Minor()), uint64(cluster.Patch()), "", "")) {
		return ""
	}
	return fmt.Sprintf("the chart of %s %s asks for Kubernetes %s, the cluster runs %s: %s",
		name, rendered.Version, rendered.KubeVersionRange, kubernetes, advice)
}
