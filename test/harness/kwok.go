package harness

import (
	"embed"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

//go:embed stages/*.yaml
var stages embed.FS

// imageQuery is the jq expression, as kwok evaluates it, of what decides whose
// a pod is. Package node asks the same question.
const imageQuery = ".spec.containers.[0].image"

// writeStages writes kwok's stages to dir and returns their files. Pods whose
// first container has one of the known images match no stage: they are real.
func writeStages(dir string, known []string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("creating the folder of kwok's stages: %w", err)
	}
	entries, err := stages.ReadDir("stages")
	if err != nil {
		return nil, fmt.Errorf("listing kwok's stages: %w", err)
	}
	var files []string
	for _, entry := range entries {
		text, err := stages.ReadFile(path.Join("stages", entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading kwok's stage %s: %w", entry.Name(), err)
		}
		text, err = excludeImages(text, known)
		if err != nil {
			return nil, fmt.Errorf("kwok's stage %s: %w", entry.Name(), err)
		}
		file := filepath.Join(dir, entry.Name())
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return nil, fmt.Errorf("writing kwok's stage %s: %w", entry.Name(), err)
		}
		files = append(files, file)
	}
	return files, nil
}

// excludeImages adds to a pod stage's selector that the pod's image is none of
// the known. Other stages are returned as they are.
func excludeImages(stage []byte, known []string) ([]byte, error) {
	if len(known) == 0 {
		return stage, nil // kwok refuses an empty list of values
	}
	var object struct {
		APIVersion string         `json:"apiVersion"`
		Kind       string         `json:"kind"`
		Metadata   map[string]any `json:"metadata"`
		Spec       map[string]any `json:"spec"`
	}
	if err := yaml.UnmarshalStrict(stage, &object); err != nil {
		return nil, fmt.Errorf("parsing: %w", err)
	}
	ref, ok := object.Spec["resourceRef"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("spec.resourceRef is missing")
	}
	if ref["kind"] != "Pod" {
		return stage, nil
	}
	selector, ok := object.Spec["selector"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("spec.selector is missing")
	}
	expressions, ok := selector["matchExpressions"].([]any)
	if !ok {
		return nil, fmt.Errorf("spec.selector.matchExpressions is missing")
	}
	selector["matchExpressions"] = append(expressions, map[string]any{"key": imageQuery, "operator": "NotIn", "values": known})
	text, err := yaml.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return text, nil
}
