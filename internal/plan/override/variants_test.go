package override_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/override"
)

func TestVariants(t *testing.T) {
	t.Parallel()
	members := map[string]map[string]string{
		"local": nil,
		"test1": {"env": "test"},
		"prod2": {"env": "prod"},
		"prod1": {"env": "prod"},
	}
	tests := map[string]struct {
		overrides []v1alpha1.Override
		members   map[string]map[string]string
		want      []override.Variant
		says      []string
	}{
		"no member needs no variant": {},
		"without overrides there is one": {
			members: members,
			want:    []override.Variant{{Members: []string{"local", "prod1", "prod2", "test1"}}},
		},
		"each combination is there once": {
			overrides: []v1alpha1.Override{
				patch(t, "all", "", `policy: {action: Audit}`),
				patch(t, "prod", "prod", `policy: {action: Enforce}`),
				patch(t, "nobody", "dev", `nonsense: 1`),
			},
			members: members,
			want: []override.Variant{
				{Key: "all", Overrides: []string{"all"}, Members: []string{"local", "test1"}},
				{Key: "all+prod", Overrides: []string{"all", "prod"}, Members: []string{"prod1", "prod2"}},
			},
		},
		"one that can't be merged hides no other": {
			overrides: []v1alpha1.Override{
				patch(t, "prod", "prod", `nonsense: 1`),
				patch(t, "test", "test", `policy: {nonsense: 1}`),
			},
			members: members,
			want:    []override.Variant{{Members: []string{"local"}}},
			says:    []string{`cluster prod1: override "prod"`, `cluster test1: override "test"`},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := parse(t, base)
			spec.Overrides = tt.overrides
			got, err := override.Variants(spec, tt.members)
			if (err != nil) != (len(tt.says) > 0) {
				t.Fatalf("error is %v", err)
			}
			for _, text := range tt.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("error does not say %q: %v", text, err)
				}
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(override.Variant{}, "Spec")); diff != "" {
				t.Errorf("variants (-want +got):\n%s", diff)
			}
			for _, v := range got {
				want, _, err := override.For(spec, tt.members[v.Members[0]])
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(asMap(t, want), asMap(t, v.Spec)); diff != "" {
					t.Errorf("variant %q is not what its members have:\n%s", v.Key, diff)
				}
			}
		})
	}
}
