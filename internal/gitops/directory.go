package gitops

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
)

// KustomizationFile is the name of the file that lists what to apply, in each
// part and in the cluster's folder.
const KustomizationFile = "kustomization.yaml"

// Render writes the plan of one cluster as files, by their path in the cluster's
// folder: NN-part/kind-name.yaml for each object, and a kustomization.yaml in
// each part and above them. NN is the place of the part in the order of apply,
// and the lists are in that order. A plan that holds a part is refused: whoever
// applies the files would remove what the hub leaves alone. So is a Secret.
func Render(plan *desired.Plan) (map[string][]byte, error) {
	files := map[string][]byte{}
	var folders []string
	for i := range plan.Parts {
		p := &plan.Parts[i]
		if p.Hold != nil {
			return nil, fmt.Errorf("part %s is held (%s): %s", p.Name, p.Hold.Reason, p.Hold.Message)
		}
		if len(p.Problems) > 0 {
			return nil, fmt.Errorf("part %s can't be built as a whole (%s): %s", p.Name, p.Problems[0].Reason, p.Problems[0].Message)
		}
		if len(p.Objects) == 0 {
			continue
		}
		folder := fmt.Sprintf("%02d-%s", slices.Index(desired.Order, p.Name)+1, p.Name)
		if err := renderPart(files, folder, p); err != nil {
			return nil, fmt.Errorf("rendering part %s: %w", p.Name, err)
		}
		folders = append(folders, folder)
	}
	raw, err := kustomization(folders)
	if err != nil {
		return nil, err
	}
	files[KustomizationFile] = raw
	return files, nil
}

func renderPart(files map[string][]byte, folder string, p *desired.Part) error {
	names := fileNames(p.Objects)
	for i, o := range p.Objects {
		raw, err := document(o)
		if err != nil {
			return err
		}
		files[folder+"/"+names[i]] = raw
	}
	raw, err := kustomization(names)
	if err != nil {
		return err
	}
	files[folder+"/"+KustomizationFile] = raw
	return nil
}

// document is one object as YAML with sorted keys, without what only an API
// server sets.
func document(o *unstructured.Unstructured) ([]byte, error) {
	ref := desired.RefOf(o)
	if ref.Group == "" && ref.Kind == "Secret" {
		return nil, fmt.Errorf("%s is in the plan, and Secrets are never written to files", ref)
	}
	clean := o.DeepCopy()
	unstructured.RemoveNestedField(clean.Object, "status")
	unstructured.RemoveNestedField(clean.Object, "metadata", "creationTimestamp")
	raw, err := yaml.Marshal(clean.Object)
	if err != nil {
		return nil, fmt.Errorf("encoding %s: %w", ref, err)
	}
	return raw, nil
}

// kustomization lists resources in the order in which they are applied.
func kustomization(resources []string) ([]byte, error) {
	if resources == nil {
		resources = []string{}
	}
	raw, err := yaml.Marshal(map[string]any{
		"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
		"resources": resources,
		// Without it kustomize would put them into an order of its own.
		"sortOptions": map[string]any{"order": "fifo"},
	})
	if err != nil {
		return nil, fmt.Errorf("encoding a kustomization: %w", err)
	}
	return raw, nil
}

// fileNames of objects, in their order: kind-name.yaml. Where that is not the
// object's own, since two share it or the name has characters that file systems
// refuse, a digest of the whole reference makes it so.
func fileNames(objects []*unstructured.Unstructured) []string {
	count := map[string]int{}
	names := make([]string, len(objects))
	for i, o := range objects {
		names[i] = strings.ToLower(o.GetKind()) + "-" + portable(o.GetName())
		count[names[i]]++
	}
	for i, o := range objects {
		if count[names[i]] > 1 || portable(o.GetName()) != o.GetName() {
			names[i] += "-" + digest(desired.RefOf(o))
		}
		names[i] += ".yaml"
	}
	return names
}

// portable replaces what is not a lower case letter, a digit, a dot or a dash.
func portable(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		default:
			return '-'
		}
	}, name)
}

func digest(ref desired.Ref) string {
	sum := sha256.Sum256([]byte(ref.Group + "/" + ref.Kind + "/" + ref.Namespace + "/" + ref.Name))
	return hex.EncodeToString(sum[:4])
}
