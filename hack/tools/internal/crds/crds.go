package crds

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	runtimeschema "k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// Set holds the validators of all served versions of some definitions.
type Set struct {
	definitions int
	kinds       map[runtimeschema.GroupVersionKind]kind
}

// kind judges the objects of one version of one definition.
type kind struct {
	structural *schema.Structural
	schema     validation.SchemaCreateValidator
	cel        *cel.Validator
}

// Load reads every *.yaml file of a folder as one CustomResourceDefinition and
// fails when the API server would refuse one of them.
func Load(ctx context.Context, dir string) (*Set, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("listing definitions in %s: %w", dir, err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no definitions in %s: run make generate", dir)
	}
	set := &Set{kinds: map[runtimeschema.GroupVersionKind]kind{}}
	for _, file := range files {
		if err := set.add(ctx, file); err != nil {
			return nil, fmt.Errorf("loading definition %s: %w", file, err)
		}
	}
	return set, nil
}

// Len is the number of definitions.
func (s *Set) Len() int { return s.definitions }

func (s *Set) add(ctx context.Context, file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var external apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(raw, &external); err != nil {
		return err
	}
	apiextensionsv1.SetDefaults_CustomResourceDefinition(&external)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&external.Spec)
	// An API server fills this in by itself; validation asks for it.
	external.Status.StoredVersions = storedVersions(&external)
	var crd apiextensions.CustomResourceDefinition
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&external, &crd, nil); err != nil {
		return err
	}
	if errs := crdvalidation.ValidateCustomResourceDefinition(ctx, &crd); len(errs) > 0 {
		return errs.ToAggregate()
	}
	s.definitions++
	for _, version := range external.Spec.Versions {
		k, err := newKind(version.Schema)
		if err != nil {
			return fmt.Errorf("version %s: %w", version.Name, err)
		}
		gvk := runtimeschema.GroupVersionKind{Group: external.Spec.Group, Version: version.Name, Kind: external.Spec.Names.Kind}
		s.kinds[gvk] = k
	}
	return nil
}

func storedVersions(crd *apiextensionsv1.CustomResourceDefinition) []string {
	for _, version := range crd.Spec.Versions {
		if version.Storage {
			return []string{version.Name}
		}
	}
	return nil
}

func newKind(external *apiextensionsv1.CustomResourceValidation) (kind, error) {
	if external == nil || external.OpenAPIV3Schema == nil {
		return kind{}, errors.New("no schema")
	}
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(external.OpenAPIV3Schema, &props, nil); err != nil {
		return kind{}, err
	}
	structural, err := schema.NewStructural(&props)
	if err != nil {
		return kind{}, err
	}
	validator, _, err := validation.NewSchemaValidator(&props)
	if err != nil {
		return kind{}, err
	}
	return kind{
		structural: structural,
		schema:     validator,
		cel:        cel.NewValidator(structural, true, celconfig.PerCallLimit),
	}, nil
}

// CheckFile judges every document of a YAML file that is of a kind of the set.
// It returns what the API server would refuse, and how many objects were
// judged. A file without any such object is an error: it was not meant to be
// judged, or its apiVersion or kind is misspelt.
func (s *Set) CheckFile(ctx context.Context, file string) (findings []string, objects int, err error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, 0, fmt.Errorf("reading objects: %w", err)
	}
	decoder := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(raw)))
	for {
		document, err := decoder.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, 0, fmt.Errorf("splitting %s into documents: %w", file, err)
		}
		object, err := parse(document)
		if err != nil {
			return nil, 0, fmt.Errorf("parsing %s: %w", file, err)
		}
		k, ok := s.kinds[gvkOf(object)]
		if !ok {
			continue
		}
		objects++
		for _, finding := range k.check(ctx, object) {
			findings = append(findings, fmt.Sprintf("%s %s: %s", gvkOf(object).Kind, nameOf(object), finding))
		}
	}
	if objects == 0 {
		return nil, 0, fmt.Errorf("%s has no object of the loaded kinds: check apiVersion and kind", file)
	}
	return findings, objects, nil
}

// check returns what the API server would refuse on create.
func (k kind) check(ctx context.Context, object map[string]any) []string {
	var findings []string
	unknown := pruning.PruneWithOptions(object, k.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	for _, path := range unknown {
		findings = append(findings, "unknown field "+path)
	}
	defaulting.Default(object, k.structural)
	errs := validation.ValidateCustomResource(nil, object, k.schema)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, k.structural, object)...)
	if len(errs) == 0 && k.cel != nil {
		// As in the API server, rules are judged only on objects whose types hold.
		errs, _ = k.cel.Validate(ctx, nil, k.structural, object, nil, celconfig.RuntimeCELCostBudget)
	}
	for _, err := range errs {
		findings = append(findings, err.Error())
	}
	return findings
}

// parse reads one document as the API server would: whole numbers are int64,
// which CEL rules insist on.
func parse(document []byte) (map[string]any, error) {
	raw, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return nil, err
	}
	var object map[string]any
	if err := utiljson.Unmarshal(raw, &object); err != nil {
		return nil, err
	}
	return object, nil
}

func gvkOf(object map[string]any) runtimeschema.GroupVersionKind {
	apiVersion, _ := object["apiVersion"].(string)
	kind, _ := object["kind"].(string)
	return runtimeschema.FromAPIVersionAndKind(apiVersion, kind)
}

func nameOf(object map[string]any) string {
	metadata, _ := object["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	return name
}
