package standin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// Labels of the charts.
const (
	labelName    = "app.kubernetes.io/name"
	labelVersion = "app.kubernetes.io/version"
)

// profile is what runs in the cluster, as the agent compares it. The cluster is
// locked.
func (c *Cluster) profile() *v1alpha1.ClusterProfile {
	p := &v1alpha1.ClusterProfile{}
	for _, o := range c.storeOf(deploymentsResource).list("") {
		d := o.described()
		if name := d.Labels[labelName]; name == "cert-manager" || name == "trust-manager" {
			owner := "Plain"
			if d.Labels[names.LabelPlatform] != "" {
				owner = "Platform"
			}
			p.Components = append(p.Components, v1alpha1.ComponentProfile{
				Name: name, Version: d.Labels[labelVersion], Namespace: o.namespace, Owner: owner, Available: true,
			})
		}
	}
	slices.SortFunc(p.Components, func(a, b v1alpha1.ComponentProfile) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	p.Components = slices.CompactFunc(p.Components, func(a, b v1alpha1.ComponentProfile) bool { return a.Name == b.Name })
	for _, o := range c.storeOf(issuersResource).list("") {
		d := o.described()
		backend := d.Annotations[names.AnnotationBackend]
		if backend == "" {
			backend = "unknown"
		}
		p.Issuers = append(p.Issuers, v1alpha1.IssuerProfile{
			Kind: "ClusterIssuer", Name: o.name, Backend: backend, Ready: true, Declared: d.Labels[names.LabelPlatform] != "",
		})
	}
	p.Policies = c.digests(policiesResource, "ValidatingAdmissionPolicy")
	p.Bundles = c.digests(bundlesResource, "Bundle")
	return p
}

// digests of the specs of all objects of a resource.
func (c *Cluster) digests(gvr schema.GroupVersionResource, kind string) []v1alpha1.DigestProfile {
	var list []v1alpha1.DigestProfile
	for _, o := range c.storeOf(gvr).list("") {
		var content map[string]any
		if err := json.Unmarshal([]byte("{"+o.rest.Value()+"}"), &content); err != nil {
			continue
		}
		unstructured.RemoveNestedField(content, "status")
		raw, err := json.Marshal(content)
		if err != nil {
			continue
		}
		sum := sha256.Sum256(raw)
		list = append(list, v1alpha1.DigestProfile{
			Kind: kind, Name: o.name, Digest: hex.EncodeToString(sum[:8]), Declared: o.described().Labels[names.LabelPlatform] != "",
		})
	}
	return list
}
