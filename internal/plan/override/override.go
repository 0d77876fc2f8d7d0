package override

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	kjson "sigs.k8s.io/json"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// maxErrorText bounds what is said of a patch, in bytes: libraries put the whole
// offending value into their errors.
const maxErrorText = 512

// For merges the overrides that match memberLabels into the estate of spec, in
// their order. It returns the merged spec and the names of the overrides that
// were applied. The merged spec shares nothing with spec, has no overrides, and
// has everything that is not the estate as spec has it. Errors name the override
// and the field.
func For(spec *v1alpha1.TLSPlatformSpec, memberLabels map[string]string) (*v1alpha1.TLSPlatformSpec, []string, error) {
	matching, err := matches(spec.Overrides, memberLabels)
	if err != nil {
		return nil, nil, err
	}
	merged, err := merge(spec, matching)
	if err != nil {
		return nil, nil, err
	}
	return merged, namesOf(matching), nil
}

// matches returns the overrides whose selectors match the labels, in their
// order.
func matches(overrides []v1alpha1.Override, memberLabels map[string]string) ([]*v1alpha1.Override, error) {
	var matching []*v1alpha1.Override
	for i := range overrides {
		o := &overrides[i]
		selector, err := metav1.LabelSelectorAsSelector(&o.Selector)
		if err != nil {
			return nil, fmt.Errorf("override %q: selector: %w", o.Name, clipped(err))
		}
		if selector.Matches(labels.Set(memberLabels)) {
			matching = append(matching, o)
		}
	}
	return matching, nil
}

func namesOf(overrides []*v1alpha1.Override) []string {
	var names []string
	for _, o := range overrides {
		names = append(names, o.Name)
	}
	return names
}

// merge merges overrides into a copy of the spec.
func merge(spec *v1alpha1.TLSPlatformSpec, overrides []*v1alpha1.Override) (*v1alpha1.TLSPlatformSpec, error) {
	if len(overrides) == 0 {
		merged := spec.DeepCopy()
		merged.Overrides = nil
		return merged, nil
	}
	merged := estateOf(spec)
	merged.Overrides = nil
	for _, o := range overrides {
		next, err := mergeOne(merged, o.Patch.Raw)
		if err != nil {
			return nil, fmt.Errorf("override %q: %w", o.Name, err)
		}
		merged = next
	}
	base := spec.DeepCopy()
	merged.Suspend = base.Suspend
	merged.DeletionPolicy = base.DeletionPolicy
	merged.Clusters = base.Clusters
	merged.Delivery = base.Delivery
	return merged, nil
}

// mergeOne merges one patch into an estate, which stays as it is.
func mergeOne(estate *v1alpha1.TLSPlatformSpec, raw []byte) (*v1alpha1.TLSPlatformSpec, error) {
	patch, err := readPatch(raw)
	if err != nil {
		return nil, err
	}
	base, err := toMap(estate)
	if err != nil {
		return nil, err
	}
	mergeValues(base, patch)
	result, err := strategicpatch.StrategicMergeMapPatch(base, patch, v1alpha1.TLSPlatformSpec{})
	if err != nil {
		return nil, fmt.Errorf("merging patch: %w", clipped(err))
	}
	if path := findDirective(map[string]any(result), ""); path != "" {
		return nil, fmt.Errorf("patch: %s: %s is possible only in lists that are merged by a key", path, directiveKey)
	}
	data, err := json.Marshal(result)
	if err != nil {
		return nil, fmt.Errorf("encoding the merged spec: %w", clipped(err))
	}
	merged, err := decodeStrictly(data)
	if err != nil {
		return nil, fmt.Errorf("patch: %w", err)
	}
	if err := checkKeys(merged); err != nil {
		return nil, fmt.Errorf("patch: %w", err)
	}
	return merged, nil
}

// toMap encodes a spec and decodes it into maps. Integers stay integers.
func toMap(spec *v1alpha1.TLSPlatformSpec) (map[string]any, error) {
	data, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("encoding the spec: %w", clipped(err))
	}
	object := map[string]any{}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &object); err != nil {
		return nil, fmt.Errorf("decoding the spec: %w", clipped(err))
	}
	return object, nil
}

// decodeStrictly decodes a spec and refuses fields that it does not have.
func decodeStrictly(data []byte) (*v1alpha1.TLSPlatformSpec, error) {
	spec := &v1alpha1.TLSPlatformSpec{}
	strict, err := kjson.UnmarshalStrict(data, spec)
	if err != nil {
		return nil, clipped(err)
	}
	if len(strict) > 0 {
		return nil, clipped(errors.Join(strict...))
	}
	return spec, nil
}

// clipped bounds the text of an error. The chain is dropped: nobody asks what
// kind of error a decoder gave.
func clipped(err error) error {
	text := err.Error()
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "") + "…"
	}
	return errors.New(text)
}
