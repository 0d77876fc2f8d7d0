package estate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
)

func TestUnwatched(t *testing.T) {
	t.Parallel()
	policy := desired.Ref{Group: "policy.example.com", Kind: "Policy", Name: "p"}
	entries := map[desired.Ref]ledger.Entry{cmRef("a"): entry(t, "u", ours), policy: entry(t, "p", ours)}
	forbidden := tail.State{Condition: tail.Forbidden, Message: "configmaps is forbidden"}
	failing := tail.State{Condition: tail.Failing, Message: "timeout"}
	tests := map[string]struct {
		play func(*stand)
		want []string
	}{
		"a kind that is not served": {
			func(s *stand) { s.reads("configmaps", entity(cmRef("a"), "u", ours)) },
			[]string{"policies.policy.example.com: not served"},
		},
		"a kind of a group that does not answer": {
			func(s *stand) {
				s.reads("configmaps", entity(cmRef("a"), "u", ours))
				s.Serve(served(), map[string]bool{"policy.example.com": true})
			},
			[]string{"policies.policy.example.com: its API group does not answer"},
		},
		"a kind that is forbidden": {
			func(s *stand) { s.tail("configmaps").Report(forbidden) },
			[]string{"configmaps: forbidden: configmaps is forbidden", "policies.policy.example.com: not served"},
		},
		"a kind that is forbidden later says nothing of drift": {
			func(s *stand) {
				s.reads("configmaps")
				s.after(settling)
				s.tail("configmaps").Report(forbidden)
			},
			[]string{"configmaps: forbidden: configmaps is forbidden", "policies.policy.example.com: not served"},
		},
		"a kind that can't be read": {
			func(s *stand) { s.tail("configmaps").Report(failing) },
			[]string{"configmaps: failing: timeout", "policies.policy.example.com: not served"},
		},
		"a kind that fails for a short time is watched": {
			func(s *stand) {
				s.reads("configmaps", entity(cmRef("a"), "u", ours))
				s.tail("configmaps").Report(failing)
			},
			[]string{"policies.policy.example.com: not served"},
		},
		"a kind that fails for long is not": {
			func(s *stand) {
				s.reads("configmaps", changed(begin))
				s.after(settling)
				s.tail("configmaps").Report(failing)
				s.want("for a moment", s.after(0), "a Changed [] by [kubectl-edit] since 12:00:00")
				s.after(patience)
			},
			[]string{"configmaps: failing: timeout", "policies.policy.example.com: not served"},
		},
		"a ledger that can't be understood": {
			func(s *stand) {
				s.reads("configmaps", entity(cmRef("a"), "u", ours))
				s.tail("ledger").Sink.Object([]byte(`{"metadata":{"resourceVersion":"2"},"data":{"ledger.json":"["}}`))
			},
			[]string{"configmaps: the ledger can't be read: decoding the ledger: unexpected end of JSON input", "policies.policy.example.com: not served"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			s.Serve(served(), nil)
			s.writes("1", entries)
			if r := s.after(time.Second); r != nil {
				t.Errorf("before anything is known: %+v", r)
			}
			if _, asked := s.news(); asked != 1 {
				t.Errorf("asked %d times for the kinds that are served", asked)
			}
			s.Serve(served(), nil)
			tt.play(s)
			r := s.after(settling)
			s.want("in the end", r)
			if diff := cmp.Diff(tt.want, r.Unwatched); diff != "" {
				t.Errorf("unwatched (-want +got):\n%s", diff)
			}
			if r.Ledger != "1" {
				t.Errorf("the report is about ledger %q", r.Ledger)
			}
		})
	}
}

func TestLedgerThatIsNotThere(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.Serve(served(), nil)
	if r := s.after(time.Hour); r != nil {
		t.Errorf("before it was looked for: %+v", r)
	}
	s.reads("ledger")
	if r := s.after(time.Hour); r != nil {
		t.Errorf("there is none: %+v", r)
	}
	s.tail("ledger").Report(tail.State{Condition: tail.Forbidden, Message: "no"})
	want := &v1alpha1.EstateReport{Unwatched: []string{"configmaps: the ledger is not watched: forbidden: no"}}
	if diff := cmp.Diff(want, s.after(0)); diff != "" {
		t.Errorf("it may not be read (-want +got):\n%s", diff)
	}
	s = settledStand(t)
	s.tail("ledger").Sink.Deleted(nil)
	if r := s.after(0); r != nil {
		t.Errorf("it was deleted: %+v", r)
	}
	if f := s.tails["configmaps"]; f.ctx.Err() == nil {
		t.Error("what it listed is followed")
	}
}

func TestNamespacesOfLimitedContents(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.Limit(true)
	s.Serve(served(), nil)
	other := desired.Ref{Kind: "ConfigMap", Namespace: "other", Name: "b"}
	s.writes("1", map[desired.Ref]ledger.Entry{cmRef("a"): entry(t, "u", ours), other: entry(t, "v", ours)})
	s.reads("configmaps shop", changed(begin))
	s.tail("configmaps other").Report(tail.State{Condition: tail.Forbidden})
	r := s.after(settling)
	s.want("one of them", r, "a Changed [] by [kubectl-edit] since 12:00:00")
	if diff := cmp.Diff([]string{"configmaps of namespace other: forbidden"}, r.Unwatched); diff != "" {
		t.Error(diff)
	}
}

// TestContentsAreNotAskedFor: of kinds whose health is no more than that they
// exist, the metadata alone is asked for.
func TestContentsAreNotAskedFor(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.Serve(served(), nil)
	secret := desired.Ref{Kind: "Secret", Namespace: "shop", Name: "s"}
	deployment := desired.Ref{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "d"}
	s.writes("1", map[desired.Ref]ledger.Entry{secret: {}, deployment: {}, cmRef("a"): {}})
	for resource, metadata := range map[string]bool{"secrets": true, "configmaps": true, "deployments": false} {
		f := s.tail(resource)
		if f.MetadataOnly != metadata || f.Protobuf || !strings.Contains(f.LabelSelector, "platform") {
			t.Errorf("%s: %+v", resource, f.Options)
		}
	}
}

func TestAnotherVersionIsFollowed(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.Serve(served(), nil)
	bundle := desired.Ref{Group: "trust.cert-manager.io", Kind: "Bundle", Name: "b"}
	s.writes("1", map[desired.Ref]ledger.Entry{bundle: entry(t, "u", ours)})
	old := s.tail("bundles")
	s.reads("bundles", entity(bundle, "u", left))
	s.want("in the first version", s.after(settling), "b Changed [] by [] since 12:00:00")
	kinds := served()
	kinds[old.Resource.GroupVersion().WithKind("Bundle").GroupKind()] = old.Resource.GroupResource().WithVersion("v1")
	s.Serve(kinds, nil)
	if s.tail("bundles").Resource.Version != "v1" {
		t.Fatal("the old version is followed")
	}
	s.want("until the other one was read", s.after(time.Minute), "b Changed [] by [] since 12:00:00")
	old.Sink.Object(encode(t, entity(bundle, "u", ours)))
	old.Report(tail.State{Condition: tail.Forbidden})
	s.reads("bundles", entity(bundle, "u", ours))
	s.want("then", s.after(0))
	old.Sink.Object(encode(t, entity(bundle, "u", left)))
	s.want("whatever the old one still brings", s.after(settling))
}
