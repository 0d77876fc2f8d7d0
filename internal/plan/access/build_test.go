package access

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/plantest"
)

func refs(objects []*unstructured.Unstructured) []string {
	out := make([]string, 0, len(objects))
	for _, o := range objects {
		out = append(out, desired.RefOf(o).String())
	}
	return out
}

func TestObjectsOfAMember(t *testing.T) {
	t.Parallel()
	objects, err := Objects("tls")
	if err != nil {
		t.Fatalf("building: %v", err)
	}
	want := []string{
		"Namespace tls",
		"CustomResourceDefinition certificateslices.tlsplatform.io",
		"CustomResourceDefinition tlsagents.tlsplatform.io",
		"ServiceAccount tls/tls-platform-hub",
		"ServiceAccount tls/tls-platform-installer",
		"ClusterRole tls-platform-hub",
		"ClusterRole tls-platform-installer",
		"Role tls/tls-platform-hub-namespace",
		"Role tls/tls-platform-installer-namespace",
		"ClusterRoleBinding tls-platform-hub",
		"ClusterRoleBinding tls-platform-installer",
		"RoleBinding tls/tls-platform-hub-namespace",
		"RoleBinding tls/tls-platform-installer-namespace",
	}
	if diff := cmp.Diff(want, refs(objects)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	for _, o := range objects {
		raw, err := o.MarshalJSON()
		if err != nil {
			t.Fatalf("encoding: %v", err)
		}
		if strings.Contains(string(raw), names.SystemNamespace) {
			t.Errorf("%s still names %s", desired.RefOf(o), names.SystemNamespace)
		}
		revision := o.GetAnnotations()[names.AnnotationSchemaRevision]
		if (revision == "1") != (o.GetKind() == "CustomResourceDefinition") {
			t.Errorf("%s has schema revision %q", desired.RefOf(o), revision)
		}
	}
}

func TestTheSameAsTheManifestsOfTheHub(t *testing.T) {
	t.Parallel()
	objects, err := Objects(names.SystemNamespace)
	if err != nil {
		t.Fatalf("building: %v", err)
	}
	var written []*unstructured.Unstructured
	for _, name := range files {
		raw, err := os.ReadFile(filepath.Join("../../../config", name))
		if err != nil {
			t.Fatalf("reading: %v", err)
		}
		parsed, err := parse(raw)
		if err != nil {
			t.Fatalf("parsing %s: %v", name, err)
		}
		written = append(written, parsed...)
	}
	desired.Sort(written)
	for _, o := range objects {
		annotations := o.GetAnnotations()
		delete(annotations, names.AnnotationSchemaRevision)
		o.SetAnnotations(annotations)
	}
	if diff := cmp.Diff(written, objects); diff != "" {
		t.Errorf("objects (-manifests +got):\n%s", diff)
	}
}

func TestOneMemberDoesNotChangeAnother(t *testing.T) {
	t.Parallel()
	first, err := Objects("a")
	if err != nil {
		t.Fatalf("building: %v", err)
	}
	for _, o := range first {
		o.SetLabels(map[string]string{"changed": "by a plan"})
		o.SetAnnotations(map[string]string{"changed": "by a plan"})
	}
	second, err := Objects("b")
	if err != nil {
		t.Fatalf("building: %v", err)
	}
	for _, o := range second {
		if o.GetLabels()["changed"] != "" || o.GetAnnotations()["changed"] != "" {
			t.Errorf("%s shares its metadata with an earlier plan", desired.RefOf(o))
		}
		if o.GetNamespace() == "a" {
			t.Errorf("%s is in the namespace of another member", desired.RefOf(o))
		}
	}
}

func TestTheHubReadsNoOtherSecretsOfAMember(t *testing.T) {
	t.Parallel()
	allowed := []string{"tls-platform-registry", "tls-platform-release-cert-manager", "tls-platform-release-trust-manager"}
	for _, rule := range rulesOf(t, names.ServiceAccountHub) {
		if !slices.Contains(rule.Resources, "secrets") && !slices.Contains(rule.Resources, "*") {
			continue
		}
		if len(rule.ResourceNames) == 0 || !cmp.Equal(rule.Verbs, []string{"get"}) {
			t.Errorf("%v on secrets %v", rule.Verbs, rule.ResourceNames)
		}
		for _, name := range rule.ResourceNames {
			if !slices.Contains(allowed, name) {
				t.Errorf("the hub may read Secret %s of a member", name)
			}
		}
	}
}

// TestTheInstallerMayWriteAll holds every object against the installer's rights:
// it writes them again whenever the operator is upgraded.
func TestTheInstallerMayWriteAll(t *testing.T) {
	t.Parallel()
	rules := rulesOf(t, names.ServiceAccountInstaller)
	objects, err := Objects("tls")
	if err != nil {
		t.Fatalf("building: %v", err)
	}
	for _, o := range objects {
		group, resource := o.GroupVersionKind().Group, strings.ToLower(o.GetKind())+"s"
		verbs := []string{"get", "create", "patch", "delete"}
		if strings.HasSuffix(o.GetKind(), "Role") {
			verbs = append(verbs, "escalate", "bind")
		}
		for _, verb := range verbs {
			if !slices.ContainsFunc(rules, func(r rbacv1.PolicyRule) bool {
				return len(r.ResourceNames) == 0 && slices.Contains(r.APIGroups, group) &&
					slices.Contains(r.Resources, resource) && slices.Contains(r.Verbs, verb)
			}) {
				t.Errorf("the installer may not %s %s of %q", verb, resource, group)
			}
		}
	}
}

// rulesOf an account, by the names of its roles.
func rulesOf(t *testing.T, account string) []rbacv1.PolicyRule {
	t.Helper()
	objects, err := Objects("tls")
	if err != nil {
		t.Fatalf("building: %v", err)
	}
	var out []rbacv1.PolicyRule
	for _, o := range objects {
		if o.GetName() != account && o.GetName() != account+"-namespace" || !strings.HasSuffix(o.GetKind(), "Role") {
			continue
		}
		var role rbacv1.ClusterRole
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &role); err != nil {
			t.Fatalf("reading %s: %v", desired.RefOf(o), err)
		}
		out = append(out, role.Rules...)
	}
	if len(out) == 0 {
		t.Fatalf("%s has no rules", account)
	}
	return out
}

func TestBuild(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		local    bool
		revision int
		objects  bool
		hold     string
	}{
		"a member":                               {revision: names.SchemaRevision, objects: true},
		"a member without definitions":           {objects: true},
		"the hub's own cluster":                  {local: true, revision: names.SchemaRevision},
		"a member with newer definitions":        {revision: names.SchemaRevision + 1, hold: v1alpha1.ReasonNewerSchema},
		"the hub's own cluster, with newer ones": {local: true, revision: names.SchemaRevision + 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts := plantest.Facts()
			facts.SchemaRevision = tt.revision
			part := Build("tls", tt.local, facts)
			if part.Name != desired.Access || part.Identity != desired.IdentityInstaller || !part.Adopt {
				t.Errorf("the part is %s by %s, adopting %v", part.Name, part.Identity, part.Adopt)
			}
			if (len(part.Objects) > 0) != tt.objects {
				t.Errorf("%d objects", len(part.Objects))
			}
			hold := ""
			if part.Hold != nil {
				hold = part.Hold.Reason
			}
			if hold != tt.hold {
				t.Errorf("held for %q, want %q", hold, tt.hold)
			}
		})
	}
}
