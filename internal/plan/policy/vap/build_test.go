package vap

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/plantest"
)

func TestGolden(t *testing.T) {
	tests := map[string]struct {
		change func(*v1alpha1.Policy)
		exempt []string
	}{
		"all-rules":  {allRules, []string{"cert-manager", "cert-manager"}},
		"exceptions": {excepted, []string{"trust", "cert-manager"}},
		"duration-only-warn": {func(p *v1alpha1.Policy) {
			allRules(p)
			p.Action = v1alpha1.PolicyWarn
			p.Rules = v1alpha1.PolicyRules{MaxDuration: p.Rules.MaxDuration}
		}, nil},
		"issuers-only-audit": {func(p *v1alpha1.Policy) {
			p.Action = v1alpha1.PolicyAudit
			p.Rules.Issuers = &v1alpha1.IssuerRule{}
		}, nil},
		"uncopied-annotation": {func(p *v1alpha1.Policy) {
			p.Rules.Annotations = []v1alpha1.AnnotationRule{{Name: "argocd.argoproj.io/tracking-id"}}
		}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			part, _ := Build(estate(tt.change), facts, now, Exempt{Namespaces: tt.exempt})
			plantest.Golden(t, name, &part)
			engines(t, &part) // the API server's compiler takes every expression
			again, _ := Build(estate(tt.change), facts, now, Exempt{Namespaces: tt.exempt})
			if part.Digest() != again.Digest() {
				t.Error("the same input gave another part")
			}
		})
	}
}

func TestNothingIsMadeWhereNothingIsDeclared(t *testing.T) {
	for name, platform := range map[string]*v1alpha1.TLSPlatform{
		"no policy": {},
		"no rules":  estate(func(*v1alpha1.Policy) {}),
	} {
		t.Run(name, func(t *testing.T) {
			part, next := Build(platform, plantest.Facts(), now, Exempt{})
			if len(part.Objects) != 0 || part.Hold != nil || len(part.Notes) != 0 || next != nil {
				t.Errorf("got %d objects, hold %v, notes %v, next %v: want none", len(part.Objects), part.Hold, part.Notes, next)
			}
		})
	}
}

func TestTheNextPlanIsDueWhenTheFirstExceptionEnds(t *testing.T) {
	_, next := Build(estate(excepted), facts, now, Exempt{})
	want := now.Add(24 * time.Hour)
	if diff := cmp.Diff(&want, next); diff != "" {
		t.Errorf("next (-want +got):\n%s", diff)
	}
	part, next := Build(estate(excepted), facts, now.Add(72*time.Hour), Exempt{})
	if next != nil {
		t.Errorf("next is %v when all exceptions have ended, want nil", next)
	}
	if text := plantest.Render(t, &part); strings.Contains(text, "exception0") {
		t.Error("an exception that has ended is still in a policy")
	}
	if got := len(part.Notes); got != 4 {
		t.Errorf("%d notes, want one for each of three ended exceptions and one for what is not judged: %v", got, part.Notes)
	}
}

func TestWhatCannotBeCompiledHoldsThePart(t *testing.T) {
	manyExceptions := func(p *v1alpha1.Policy) {
		allRules(p)
		var long []string
		for i := range 64 {
			long = append(long, fmt.Sprintf("%s-%02d", strings.Repeat("n", 250), i))
		}
		for i := range 12 {
			p.Rules.Annotations = nil
			p.Exceptions = append(p.Exceptions, v1alpha1.PolicyException{
				Name: fmt.Sprintf("e%d", i), Namespaces: []string{"a"}, Names: append([]string{strings.Repeat("x", 100_000)}, long...),
				Rules: []v1alpha1.PolicyRuleName{"DNSNames"}, Until: metav1.NewTime(now.Add(time.Hour)),
			})
		}
	}
	tests := map[string]struct {
		change   func(*v1alpha1.Policy)
		kinds    []string
		reason   string
		terminal bool
		message  string
	}{
		"a pattern that is no regular expression": {func(p *v1alpha1.Policy) {
			allRules(p)
			p.Rules.Annotations[1].Pattern = "a)|(b"
		}, nil, v1alpha1.ReasonInvalidSpec, true, `pattern "a)|(b" of annotation tlsplatform.io/purpose is not a regular expression`},
		"an allowed DNS pattern that is none": {func(p *v1alpha1.Policy) {
			allRules(p)
			p.Rules.DNSNames.Allowed = []v1alpha1.DNSPattern{"**"}
		}, nil, v1alpha1.ReasonInvalidSpec, true, `dnsNames.allowed: DNS pattern "**" is not`},
		"a denied DNS pattern that is none": {func(p *v1alpha1.Policy) {
			allRules(p)
			p.Rules.DNSNames.Denied = []v1alpha1.DNSPattern{"a b"}
		}, nil, v1alpha1.ReasonInvalidSpec, true, `dnsNames.denied: DNS pattern "a b" is not`},
		"an expression that is too long": {manyExceptions, []string{"ValidatingAdmissionPolicy.admissionregistration.k8s.io"},
			v1alpha1.ReasonInvalidSpec, true, "and the API server takes 100000"},
		"a cluster without admission policies": {allRules, []string{"Pod."}, v1alpha1.ReasonAPIMissing, false,
			"the rules are not enforced: the cluster does not serve ValidatingAdmissionPolicy"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			part, _ := Build(estate(tt.change), plantest.Facts(tt.kinds...), now, Exempt{})
			if part.Hold == nil {
				t.Fatal("the part is not held")
			}
			if part.Hold.Reason != tt.reason || part.Hold.Terminal != tt.terminal || !strings.Contains(part.Hold.Message, tt.message) {
				t.Errorf("hold %+v, want reason %s, terminal %v and a message with %q", part.Hold, tt.reason, tt.terminal, tt.message)
			}
		})
	}
}
