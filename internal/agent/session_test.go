package agent

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
)

func scoped(a *Agent, include ...string) *session {
	return &session{Agent: a, rules: v1alpha1.Inventory{Namespaces: v1alpha1.NamespaceScope{Include: include}}}
}

// TestOrigins: every session reads some origins of earlier ones, and what came
// from others goes.
func TestOrigins(t *testing.T) {
	t.Parallel()
	a := &Agent{spaces: map[string]inventory.Origin{}}
	first, second := a.spaceOf("a"), a.spaceOf("b")
	if first == second || first < originNamespaces || second-first != 2 {
		t.Fatalf("origins of two namespaces are %d and %d", first, second)
	}
	for name, test := range map[string]struct {
		include []string
		cluster bool // listings of the whole cluster are read
		read    []inventory.Origin
		unread  []inventory.Origin
	}{
		"all namespaces":         {nil, true, nil, []inventory.Origin{first, first + 1, second, second + 1}},
		"both":                   {[]string{"a", "b"}, false, []inventory.Origin{first, first + 1, second, second + 1}, nil},
		"both in another order":  {[]string{"b", "a"}, false, []inventory.Origin{first, first + 1, second, second + 1}, nil},
		"one that came second":   {[]string{"b"}, false, []inventory.Origin{second, second + 1}, []inventory.Origin{first, first + 1}},
		"one before those known": {[]string{"aa", "a"}, false, []inventory.Origin{first, first + 1}, []inventory.Origin{second, second + 1}},
	} {
		t.Run(name, func(t *testing.T) { // not parallel: a is one agent in one goroutine
			read := scoped(a, test.include...).origins()
			for _, o := range []inventory.Origin{originSecrets, originConfigMaps} {
				if read(o) != test.cluster {
					t.Errorf("origin %d read: %t", o, !test.cluster)
				}
			}
			for o := originMutatingWebhooks; o < originNamespaces; o++ {
				if !read(o) {
					t.Errorf("origin %d, of the whole cluster whatever is included, is not read", o)
				}
			}
			for _, o := range test.read {
				if !read(o) {
					t.Errorf("origin %d is not read", o)
				}
			}
			for _, o := range test.unread {
				if read(o) {
					t.Errorf("origin %d is read", o)
				}
			}
		})
	}
}

func TestReplicaSetsKeptForARollbackUseNothing(t *testing.T) {
	t.Parallel()
	controller := true
	owned := []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", Controller: &controller}}
	for name, test := range map[string]struct {
		replicas *int32
		owners   []metav1.OwnerReference
		uses     bool
	}{
		"one that runs":                           {ptr(int32(2)), owned, true},
		"one without a number, which means one":   {nil, owned, true},
		"one of an earlier revision":              {ptr(int32(0)), owned, false},
		"one that somebody scaled to none":        {ptr(int32(0)), nil, true},
		"one that runs although none controls it": {ptr(int32(1)), nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := reduceReplicaSet(&appsv1.ReplicaSet{
				ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-1", OwnerReferences: test.owners},
				Spec: appsv1.ReplicaSetSpec{Replicas: test.replicas, Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
					Volumes: []corev1.Volume{{Name: "tls", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "web-tls"}}}},
				}}},
			})
			if uses := len(got.References) > 0; uses != test.uses {
				t.Errorf("uses something: %t, want %t", uses, test.uses)
			}
			if got.Source.Namespace != "shop" || got.Source.Name != "web-1" || got.Source.Kind != "ReplicaSet" {
				t.Errorf("its source is %+v", got.Source)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }
