package desired

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// weight of a kind in the order of apply: what others refer to comes first, and
// webhooks come last, since they can refuse everything once they are there.
var weight = map[string]int{
	"Namespace":                        0,
	"CustomResourceDefinition":         1,
	"ServiceAccount":                   2,
	"Secret":                           3,
	"ConfigMap":                        3,
	"ClusterRole":                      4,
	"Role":                             4,
	"ClusterRoleBinding":               5,
	"RoleBinding":                      5,
	"Service":                          6,
	"NetworkPolicy":                    6,
	"PodDisruptionBudget":              7,
	"Deployment":                       8,
	"StatefulSet":                      8,
	"DaemonSet":                        8,
	"Job":                              9,
	"ValidatingAdmissionPolicy":        11,
	"ValidatingAdmissionPolicyBinding": 12,
	"MutatingWebhookConfiguration":     13,
	"ValidatingWebhookConfiguration":   13,
}

const defaultWeight = 10

// Weight of a kind in the order of apply; what weighs less comes first.
func Weight(kind string) int {
	if w, ok := weight[kind]; ok {
		return w
	}
	return defaultWeight
}

// Sort puts objects into the order of apply: by weight of their kind, then by
// group, kind, namespace and name, so that equal plans are equal byte for byte.
func Sort(objects []*unstructured.Unstructured) {
	slices.SortStableFunc(objects, func(a, b *unstructured.Unstructured) int {
		ra, rb := RefOf(a), RefOf(b)
		return cmp.Or(
			cmp.Compare(Weight(a.GetKind()), Weight(b.GetKind())),
			cmp.Compare(ra.Group, rb.Group),
			cmp.Compare(ra.Kind, rb.Kind),
			cmp.Compare(ra.Namespace, rb.Namespace),
			cmp.Compare(ra.Name, rb.Name),
		)
	})
}

// Digest of an object's desired content: 16 hex digits of the SHA-256 of its
// JSON with sorted keys.
func Digest(o *unstructured.Unstructured) string {
	return digestOf(o.Object)
}

// DigestOf one of the part's objects.
func (p *Part) DigestOf(o *unstructured.Unstructured) string {
	if digest, known := p.Digests[o]; known {
		return digest
	}
	return Digest(o)
}

// Digest of the whole part: its objects, identity and dependencies.
func (p *Part) Digest() string {
	digests := make([]string, 0, len(p.Objects)+1)
	digests = append(digests, string(p.Name))
	for _, o := range p.Objects {
		digests = append(digests, p.DigestOf(o))
	}
	return digestOf(digests)
}

func digestOf(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		// Unstructured content comes from JSON or YAML, so it can be encoded.
		panic(fmt.Sprintf("desired: object that is not JSON: %v", err))
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}
