package policy

import (
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

func TestEffectiveIssuers(t *testing.T) {
	issuers := []v1alpha1.Issuer{{Name: "public"}, {Name: "internal"}}
	tests := map[string]struct {
		policy *v1alpha1.Policy
		want   *Issuers
	}{
		"without a policy there is no rule":        {nil, nil},
		"without a rule about issuers there is no": {&v1alpha1.Policy{}, nil},
		"an empty rule approves the issuers of the platform": {
			&v1alpha1.Policy{Rules: v1alpha1.PolicyRules{Issuers: &v1alpha1.IssuerRule{}}},
			&Issuers{Approved: []IssuerID{
				{"cert-manager.io", "ClusterIssuer", "internal"},
				{"cert-manager.io", "ClusterIssuer", "public"},
			}},
		},
		"empty fields are what cert-manager takes them for, and doubles are one": {
			&v1alpha1.Policy{Rules: v1alpha1.PolicyRules{Issuers: &v1alpha1.IssuerRule{
				Approved: []v1alpha1.ApprovedIssuer{
					{Name: "team"},
					{Name: "public", Kind: "ClusterIssuer", Group: "cert-manager.io"},
					{Name: "pca", Kind: "AWSPCAClusterIssuer", Group: "awspca.cert-manager.io"},
				},
				NamespacedIn: []string{"b", "a"},
			}}},
			&Issuers{
				Approved: []IssuerID{
					{"awspca.cert-manager.io", "AWSPCAClusterIssuer", "pca"},
					{"cert-manager.io", "ClusterIssuer", "internal"},
					{"cert-manager.io", "ClusterIssuer", "public"},
					{"cert-manager.io", "Issuer", "team"},
				},
				NamespacedIn: []string{"a", "b"},
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := EffectiveIssuers(&v1alpha1.TLSPlatform{Spec: v1alpha1.TLSPlatformSpec{Issuers: issuers, Policy: tt.policy}})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("unexpected issuers (-want +got):\n%s", diff)
			}
			if got == nil {
				return
			}
			if diff := cmp.Diff([]string{"internal", "public"}, got.ClusterIssuers()); diff != "" {
				t.Errorf("unexpected ClusterIssuers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnnotationRegexpMatchesTheWholeValueAndNothingElse(t *testing.T) {
	tests := map[string]struct {
		pattern, value string
		want           bool
	}{
		"the whole value":                       {"team-[a-z]+", "team-a", true},
		"text before it":                        {"team-[a-z]+", "xteam-a", false},
		"text after it":                         {"team-[a-z]+", "team-a1", false},
		"a line after it":                       {"team-[a-z]+", "team-a\n", false},
		"the second of two alternatives":        {"a|b", "b", true},
		"alternatives do not escape the anchor": {"a|b", "ab", false},
		"an open quotation stays inside":        {`\Qa.b`, "a.b", true},
		"an open quotation is literal":          {`\Qa.b`, "axb", false},
		"a flag stays inside":                   {"(?i)abc", "ABC", true},
		"multi-line anchors match lines only":   {"(?m)^a$", "a\nb", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			expression, err := AnnotationRegexp(v1alpha1.AnnotationRule{Name: "x", Pattern: tt.pattern})
			if err != nil {
				t.Fatalf("compiling: %v", err)
			}
			if got := regexp.MustCompile(expression).MatchString(tt.value); got != tt.want {
				t.Errorf("%s on %q: got %v, want %v", expression, tt.value, got, tt.want)
			}
		})
	}
	for name, pattern := range map[string]string{
		"an open group":       "(a",
		"a group closed only": "a)|(b",
		"a lookahead":         "(?=a)",
		"too many repeats":    "a{1001}",
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			if got, err := AnnotationRegexp(v1alpha1.AnnotationRule{Name: "x", Pattern: pattern}); err == nil {
				t.Errorf("%q became %q", pattern, got)
			}
		})
	}
}

func TestCopiedToRequest(t *testing.T) {
	for annotation, want := range map[string]bool{
		"tlsplatform.io/owner": true,
		"owner":                true,
		"kubectl.kubernetes.io/last-applied-configuration": false,
		"fluxcd.io/sync":                 false,
		"argocd.argoproj.io/tracking-id": false,
	} {
		if got := CopiedToRequest(annotation); got != want {
			t.Errorf("%s: got %v, want %v", annotation, got, want)
		}
	}
}

func TestActiveExceptions(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	until := func(name string, d time.Duration) v1alpha1.PolicyException {
		return v1alpha1.PolicyException{Name: name, Until: metav1.NewTime(now.Add(d))}
	}
	next := func(d time.Duration) *time.Time { at := now.Add(d); return &at }
	tests := map[string]struct {
		in            []v1alpha1.PolicyException
		active, ended []string
		next          *time.Time
	}{
		"none":                      {},
		"the earliest end is next":  {[]v1alpha1.PolicyException{until("b", 2*time.Hour), until("a", time.Hour)}, []string{"a", "b"}, nil, next(time.Hour)},
		"it ends at its instant":    {[]v1alpha1.PolicyException{until("a", 0)}, nil, []string{"a"}, nil},
		"it holds a second before":  {[]v1alpha1.PolicyException{until("a", time.Second)}, []string{"a"}, nil, next(time.Second)},
		"ended ones do not come up": {[]v1alpha1.PolicyException{until("b", time.Hour), until("a", -time.Hour)}, []string{"b"}, []string{"a"}, next(time.Hour)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			active, ended, at := Active(tt.in, now)
			if diff := cmp.Diff(tt.active, namesOf(active)); diff != "" {
				t.Errorf("active (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.ended, namesOf(ended)); diff != "" {
				t.Errorf("ended (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.next, at); diff != "" {
				t.Errorf("next (-want +got):\n%s", diff)
			}
		})
	}
}

func namesOf(list []v1alpha1.PolicyException) []string {
	var out []string
	for _, e := range list {
		out = append(out, e.Name)
	}
	return out
}
