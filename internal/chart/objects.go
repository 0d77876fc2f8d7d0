package chart

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
)

const (
	hookAnnotation = "helm.sh/hook"
	managedByLabel = "app.kubernetes.io/managed-by"
)

// separator of YAML documents as Helm understands it: charts rely on it.
var separator = regexp.MustCompile(`(?m)^---[ \t]*`)

// document is one YAML document of a file.
type document struct {
	file string
	text string
}

func split(file, text string) []document {
	var all []document
	for _, part := range separator.Split(text, -1) {
		if strings.TrimSpace(part) != "" {
			all = append(all, document{file: file, text: part})
		}
	}
	return all
}

// checkExpanded reads through the archive without keeping it, so that a small
// archive can't grow beyond all bounds in memory.
func checkExpanded(raw []byte, most int64) error {
	unzipped, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("reading archive: %w", err)
	}
	limited := &io.LimitedReader{R: unzipped, N: most + 1}
	archive := tar.NewReader(limited)
	for {
		_, err = archive.Next()
		if limited.N <= 0 {
			return fmt.Errorf("the archive expands to more than %d bytes", most)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading archive: %w", err)
		}
	}
}

// objectsOf parses documents to objects: lists flattened, hooks left out, each
// in its namespace, sorted.
func objectsOf(documents []document, namespace string) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	for _, d := range documents {
		parsed, err := parse(d)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", d.file, err)
		}
		objects = append(objects, parsed...)
	}
	objects = slices.DeleteFunc(objects, isDroppedHook)
	scopes := scopesOf(objects)
	seen := make(map[desired.Ref]bool, len(objects))
	for _, o := range objects {
		normalise(o)
		switch {
		case scopes.clusterScoped(o):
			unstructured.RemoveNestedField(o.Object, "metadata", "namespace")
		case o.GetNamespace() == "":
			o.SetNamespace(namespace)
		}
		ref := desired.RefOf(o)
		if seen[ref] {
			return nil, fmt.Errorf("the chart has %s twice", ref)
		}
		seen[ref] = true
	}
	desired.Sort(objects)
	return objects, nil
}

func parse(d document) ([]*unstructured.Unstructured, error) {
	raw, err := yaml.YAMLToJSON([]byte(d.text))
	if err != nil {
		return nil, fmt.Errorf("parsing YAML: %w", err)
	}
	if string(bytes.TrimSpace(raw)) == "null" {
		return nil, nil // nothing but comments
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(raw); err != nil {
		return nil, fmt.Errorf("expected a Kubernetes object with apiVersion and kind: %w", err)
	}
	if !o.IsList() {
		return checked([]*unstructured.Unstructured{o})
	}
	var items []*unstructured.Unstructured
	err = o.EachListItem(func(item runtime.Object) error {
		u, ok := item.(*unstructured.Unstructured)
		if !ok {
			return fmt.Errorf("list item of type %T", item)
		}
		items = append(items, u)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading list: %w", err)
	}
	return checked(items)
}

func checked(objects []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	for _, o := range objects {
		if o.GetKind() == "" || o.GetAPIVersion() == "" || o.GetName() == "" {
			return nil, fmt.Errorf("expected apiVersion, kind and metadata.name, found %q, %q and %q",
				o.GetAPIVersion(), o.GetKind(), o.GetName())
		}
	}
	return objects, nil
}

// isDroppedHook says whether the object is a hook that our own health checks
// replace. What stays loses its mark.
func isDroppedHook(o *unstructured.Unstructured) bool {
	annotations := o.GetAnnotations()
	hooks, ok := annotations[hookAnnotation]
	if !ok {
		return false
	}
	kind := o.GetKind()
	needed := kind == "CustomResourceDefinition" || kind == "ServiceAccount"
	early := slices.ContainsFunc(strings.Split(hooks, ","), func(h string) bool {
		h = strings.TrimSpace(h)
		return h == "pre-install" || h == "crd-install"
	})
	if !needed || !early {
		return true
	}
	for name := range annotations {
		if strings.HasPrefix(name, hookAnnotation) {
			delete(annotations, name)
		}
	}
	if len(annotations) == 0 {
		unstructured.RemoveNestedField(o.Object, "metadata", "annotations")
	} else {
		o.SetAnnotations(annotations)
	}
	return false
}

// normalise removes what we don't mean to own: status, nulls that templates
// leave behind, and the claim that Helm manages the object.
func normalise(o *unstructured.Unstructured) {
	delete(o.Object, "status")
	dropNulls(o.Object)
	if labels := o.GetLabels(); labels[managedByLabel] == "Helm" {
		labels[managedByLabel] = managedBy
		o.SetLabels(labels)
	}
}

func dropNulls(v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if value == nil {
				delete(v, key)
				continue
			}
			dropNulls(value)
		}
	case []any:
		for _, item := range v {
			dropNulls(item)
		}
	}
}

// scopes knows which kinds have no namespace.
type scopes map[schema.GroupKind]bool

// scopesOf adds the kinds that the objects themselves define to those that are
// known.
func scopesOf(objects []*unstructured.Unstructured) scopes {
	found := scopes{}
	for _, o := range objects {
		if o.GetKind() != "CustomResourceDefinition" {
			continue
		}
		group, _, _ := unstructured.NestedString(o.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(o.Object, "spec", "names", "kind")
		scope, _, _ := unstructured.NestedString(o.Object, "spec", "scope")
		found[schema.GroupKind{Group: group, Kind: kind}] = scope == "Cluster"
	}
	return found
}

func (s scopes) clusterScoped(o *unstructured.Unstructured) bool {
	gk := o.GroupVersionKind().GroupKind()
	if cluster, ok := s[gk]; ok {
		return cluster
	}
	return slices.Contains(clusterKinds[gk.Group], gk.Kind)
}

// clusterKinds are kinds without a namespace, by API group, that the charts of
// this field render without defining them.
var clusterKinds = map[string][]string{
	"":                             {"Namespace", "Node", "PersistentVolume"},
	"admissionregistration.k8s.io": {"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"},
	"apiextensions.k8s.io":         {"CustomResourceDefinition"},
	"apiregistration.k8s.io":       {"APIService"},
	"certificates.k8s.io":          {"CertificateSigningRequest", "ClusterTrustBundle"},
	"flowcontrol.apiserver.k8s.io": {"FlowSchema", "PriorityLevelConfiguration"},
	"networking.k8s.io":            {"IngressClass", "IPAddress", "ServiceCIDR"},
	"node.k8s.io":                  {"RuntimeClass"},
	"policy":                       {"PodSecurityPolicy"},
	"rbac.authorization.k8s.io":    {"ClusterRole", "ClusterRoleBinding"},
	"scheduling.k8s.io":            {"PriorityClass"},
	"storage.k8s.io":               {"CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"},
	"cert-manager.io":              {"ClusterIssuer"},
	"trust.cert-manager.io":        {"Bundle", "ClusterBundle"},
	"policy.cert-manager.io":       {"CertificateRequestPolicy"},
	"gateway.networking.k8s.io":    {"GatewayClass"},
	"kyverno.io":                   {"ClusterPolicy", "ClusterCleanupPolicy"},
	"templates.gatekeeper.sh":      {"ConstraintTemplate"},
	"cilium.io":                    {"CiliumClusterwideNetworkPolicy"},
	"security.openshift.io":        {"SecurityContextConstraints"},
}
