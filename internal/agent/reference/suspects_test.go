package reference

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

func TestSuspects(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		spec string
		want []string
	}{
		"names in text, in references and in lists": {`
spec:
  properties:
    tls:
      properties:
        secretName: {type: string}
        keySecretRef: {type: object, properties: {name: {type: string}, key: {type: string}}}
        clientCertificateRef: {properties: {name: {type: string}}}
        secretKey: {type: string}
        secretNamespace: {type: string}
    listeners:
      type: array
      items: {properties: {certificateRefs: {type: array, items: {properties: {name: {type: string}}}}}}
    clusters: {additionalProperties: {properties: {credentialName: {type: string}}}}
    'with.dots': {properties: {caSecrets: {type: array, items: {type: string}}}}`,
			[]string{
				".spec.clusters[*].credentialName",
				".spec.listeners[*].certificateRefs[*].name",
				".spec.tls.clientCertificateRef.name",
				".spec.tls.keySecretRef.name",
				".spec.tls.secretName",
				".spec['with.dots'].caSecrets[*]",
			}},
		"templates of Pods and status are left out": {`
spec:
  properties:
    template:
      properties:
        containers: {type: array, items: {type: object}}
        volumes: {type: array, items: {properties: {secret: {properties: {secretName: {type: string}}}}}}
    env: {type: array, items: {properties: {secretKeyRef: {properties: {name: {type: string}}}}}}
    imagePullSecrets: {type: array, items: {properties: {name: {type: string}}}}
status: {properties: {secretName: {type: string}}}`,
			nil},
		"nothing that names a Secret": {`
spec: {properties: {replicas: {type: integer}, secretRotation: {type: boolean}}}`, nil},
		"at most eight": {`
spec: {properties: {aSecret: {type: string}, bSecret: {type: string}, cSecret: {type: string}, dSecret: {type: string}, eSecret: {type: string}, fSecret: {type: string}, gSecret: {type: string}, hSecret: {type: string}, iSecret: {type: string}}}`,
			[]string{
				".spec.aSecret", ".spec.bSecret", ".spec.cSecret", ".spec.dSecret", ".spec.eSecret", ".spec.fSecret",
				".spec.gSecret", ".spec.hSecret",
			}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var properties map[string]apiextensionsv1.JSONSchemaProps
			if err := yaml.Unmarshal([]byte(c.spec), &properties); err != nil {
				t.Fatal(err)
			}
			version := apiextensionsv1.CustomResourceDefinitionVersion{
				Served: true,
				Schema: &apiextensionsv1.CustomResourceValidation{
					OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Properties: properties},
				},
			}
			old := version
			old.Served = false
			got := Suspects(&apiextensionsv1.CustomResourceDefinition{Spec: apiextensionsv1.CustomResourceDefinitionSpec{
				Versions: []apiextensionsv1.CustomResourceDefinitionVersion{version, version, old, {Served: true}},
			}})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("suspects (-want +got):\n%s", diff)
			}
			for _, path := range got {
				if _, err := parsePath(path); err != nil {
					t.Errorf("a suspect is no path: %v", err)
				}
			}
		})
	}
}

func TestKindsThatRepeatOthersAreNoSuspects(t *testing.T) {
	t.Parallel()
	version := apiextensionsv1.CustomResourceDefinitionVersion{
		Served: true,
		Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
			Properties: map[string]apiextensionsv1.JSONSchemaProps{"secretName": {Type: "string"}},
		}},
	}
	for group, want := range map[string][]string{
		"tlsplatform.io":       nil,
		"acme.cert-manager.io": nil,
		"example.com":          {".secretName"},
	} {
		got := Suspects(&apiextensionsv1.CustomResourceDefinition{Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: group, Versions: []apiextensionsv1.CustomResourceDefinitionVersion{version},
		}})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("suspects in %s (-want +got):\n%s", group, diff)
		}
	}
}
