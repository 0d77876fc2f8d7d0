package standin

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// fieldOwners computes who owns which field, by the API server's own code.
type fieldOwners = managedfields.FieldManager

// typeConverters make fieldOwners.
type typeConverters struct {
	scheme  *runtime.Scheme // what the client library has schemas of
	typed   managedfields.TypeConverter
	deduced managedfields.TypeConverter
}

func newTypeConverters() *typeConverters {
	scheme := runtime.NewScheme() // others add to that of the library
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		panic("standin: " + err.Error()) // it can't fail on an empty scheme
	}
	return &typeConverters{
		scheme: scheme, typed: applyconfigurations.NewTypeConverter(scheme), deduced: managedfields.NewDeducedTypeConverter(),
	}
}

// builtin kinds have the schema that comes with the client library. It has none
// of definitions.
func (t *typeConverters) builtin(gvk schema.GroupVersionKind, subresource string) *fieldOwners {
	if gvk.Kind == "CustomResourceDefinition" {
		types, err := t.custom(gvk, []byte(definitionSchema))
		if err != nil {
			panic("standin: " + err.Error()) // it is a constant
		}
		return newOwners(types, gvk, subresource)
	}
	if t.scheme.Recognizes(gvk) {
		return newOwners(t.typed, gvk, subresource)
	}
	return newOwners(t.deduced, gvk, subresource)
}

func newOwners(types managedfields.TypeConverter, gvk schema.GroupVersionKind, subresource string) *fieldOwners {
	m, err := managedfields.NewDefaultCRDFieldManager(types, sameVersion{}, sameVersion{}, sameVersion{}, gvk, gvk.GroupVersion(), subresource, nil)
	if err != nil {
		panic(fmt.Sprintf("standin: field manager of %s: %v", gvk, err)) // only a nil argument fails
	}
	return m
}

// modelPrefix is that of names of schemas.
const modelPrefix = "io.k8s.apimachinery.pkg.apis.meta.v1."

// objectMeta is the part of the schema of metadata whose merge keys matter.
const objectMeta = `{"type":"object","properties":{
"annotations":{"type":"object","additionalProperties":{"type":"string"}},
"creationTimestamp":{"type":"string"},"deletionGracePeriodSeconds":{"type":"integer"},"deletionTimestamp":{"type":"string"},
"finalizers":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"set"},
"generateName":{"type":"string"},"generation":{"type":"integer"},
"labels":{"type":"object","additionalProperties":{"type":"string"}},
"managedFields":{"type":"array","items":{"type":"object","x-kubernetes-preserve-unknown-fields":true},"x-kubernetes-list-type":"atomic"},
"name":{"type":"string"},"namespace":{"type":"string"},
"ownerReferences":{"type":"array","x-kubernetes-list-map-keys":["uid"],"x-kubernetes-list-type":"map","items":{"type":"object","x-kubernetes-map-type":"atomic","properties":{
"apiVersion":{"type":"string"},"blockOwnerDeletion":{"type":"boolean"},"controller":{"type":"boolean"},"kind":{"type":"string"},"name":{"type":"string"},"uid":{"type":"string"}}}},
"resourceVersion":{"type":"string"},"selfLink":{"type":"string"},"uid":{"type":"string"}}}`

// custom kinds have the schema of their definition, in the JSON of
// openAPIV3Schema.
func (t *typeConverters) custom(gvk schema.GroupVersionKind, openAPI []byte) (managedfields.TypeConverter, error) {
	var model, meta spec.Schema
	if err := json.Unmarshal(openAPI, &model); err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", gvk.Kind, err)
	}
	if err := json.Unmarshal([]byte(objectMeta), &meta); err != nil {
		return nil, fmt.Errorf("reading the schema of metadata: %w", err)
	}
	if model.Properties == nil {
		model.Properties = map[string]spec.Schema{}
	}
	model.Properties["apiVersion"] = *spec.StringProperty()
	model.Properties["kind"] = *spec.StringProperty()
	model.Properties["metadata"] = *spec.RefSchema("#/definitions/" + modelPrefix + "ObjectMeta")
	model.AddExtension("x-kubernetes-group-version-kind", []any{
		map[string]any{"group": gvk.Group, "version": gvk.Version, "kind": gvk.Kind},
	})
	types, err := managedfields.NewTypeConverter(map[string]*spec.Schema{
		"custom." + gvk.Kind: &model, modelPrefix + "ObjectMeta": &meta,
	}, false)
	if err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", gvk.Kind, err)
	}
	return types, nil
}

// definitionSchema is what matters of the schema of definitions.
const definitionSchema = `{"type":"object","properties":{
"spec":{"type":"object","properties":{
"conversion":{"type":"object","properties":{"strategy":{"type":"string"},"webhook":{"type":"object","properties":{
"clientConfig":{"type":"object","properties":{"caBundle":{"type":"string"},"url":{"type":"string"},"service":{"type":"object","properties":{
"name":{"type":"string"},"namespace":{"type":"string"},"path":{"type":"string"},"port":{"type":"integer"}}}}},
"conversionReviewVersions":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"atomic"}}}}},
"group":{"type":"string"},"names":` + namesSchema + `,"preserveUnknownFields":{"type":"boolean"},"scope":{"type":"string"},
"versions":{"type":"array","items":{"type":"object","x-kubernetes-preserve-unknown-fields":true},"x-kubernetes-list-type":"atomic"}}},
"status":{"type":"object","properties":{"acceptedNames":` + namesSchema + `,
"conditions":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["type"],"items":{"type":"object","properties":{
"lastTransitionTime":{"type":"string"},"message":{"type":"string"},"observedGeneration":{"type":"integer"},"reason":{"type":"string"},
"status":{"type":"string"},"type":{"type":"string"}}}},
"storedVersions":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"atomic"}}}}}`

const namesSchema = `{"type":"object","properties":{
"categories":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"atomic"},"kind":{"type":"string"},"listKind":{"type":"string"},
"plural":{"type":"string"},"shortNames":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"atomic"},"singular":{"type":"string"}}}`

// sameVersion is what the field managers need to convert, default and create
// objects. One version of each kind is stored, and nothing is defaulted.
type sameVersion struct{}

// Convert is never called.
func (sameVersion) Convert(_, _, _ any) error { return nil }

// ConvertToVersion returns the object as it is. An object in another version of
// its group is said to be of the wanted one.
func (sameVersion) ConvertToVersion(in runtime.Object, target runtime.GroupVersioner) (runtime.Object, error) {
	gvk := in.GetObjectKind().GroupVersionKind()
	if wanted, ok := target.KindForGroupVersionKinds([]schema.GroupVersionKind{gvk}); ok && wanted != gvk {
		out := in.DeepCopyObject()
		out.GetObjectKind().SetGroupVersionKind(wanted)
		return out, nil
	}
	return in, nil
}

// ConvertFieldLabel passes labels on.
func (sameVersion) ConvertFieldLabel(_ schema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}

// Default does nothing.
func (sameVersion) Default(runtime.Object) {}

// New returns an empty object.
func (sameVersion) New(gvk schema.GroupVersionKind) (runtime.Object, error) {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	o.SetGroupVersionKind(gvk)
	return o, nil
}
