package preview

import (
	"fmt"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
)

// contextLines around each change of a diff.
const contextLines = 3

// maxDiffBytes bounds the text that is compared, for each side. Objects of the
// API server have at most 1.5 MiB; the comparison takes more than linear time.
const maxDiffBytes = 4 << 20

// diffOf compares two objects as readable returns them; nil is no object. It is
// empty when they are the same.
func diffOf(ref desired.Ref, before, after *unstructured.Unstructured) (string, error) {
	a, err := text(before)
	if err != nil {
		return "", fmt.Errorf("writing %s as it is: %w", ref, err)
	}
	b, err := text(after)
	if err != nil {
		return "", fmt.Errorf("writing %s as it would be: %w", ref, err)
	}
	if a == b {
		return "", nil
	}
	if len(a) > maxDiffBytes || len(b) > maxDiffBytes {
		return fmt.Sprintf("(%d and %d bytes: too large to compare)\n", len(a), len(b)), nil
	}
	name := path(ref)
	diff, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: lines(a), FromFile: fileName("live", name, before),
		B: lines(b), ToFile: fileName("after", name, after),
		Context: contextLines,
	})
	if err != nil {
		return "", fmt.Errorf("comparing %s: %w", ref, err)
	}
	return diff, nil
}

func fileName(side, name string, o *unstructured.Unstructured) string {
	if o == nil {
		return "/dev/null"
	}
	return side + "/" + name
}

// path of an object in a diff: kind.group/namespace/name.
func path(ref desired.Ref) string {
	name := ref.Kind
	if ref.Group != "" {
		name += "." + ref.Group
	}
	if ref.Namespace != "" {
		name += "/" + ref.Namespace
	}
	return name + "/" + ref.Name
}

// text of an object: YAML with sorted keys, empty for none.
func text(o *unstructured.Unstructured) (string, error) {
	if o == nil {
		return "", nil
	}
	raw, err := yaml.Marshal(o.Object)
	if err != nil {
		return "", fmt.Errorf("encoding: %w", err)
	}
	return string(raw), nil
}

// lines of a text with their ends. The library's own function adds one.
func lines(s string) []string {
	all := strings.SplitAfter(s, "\n")
	return all[:len(all)-1] // YAML ends with a line break, and nothing has none
}
