package profile

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestPolicies(t *testing.T) {
	t.Parallel()
	constraint := schema.GroupKind{Group: ConstraintGroup, Kind: "K8sDeny"}
	for name, test := range map[string]struct {
		kind schema.GroupKind
		spec string
		want bool
	}{
		"an admission policy for certificates": {admissionPolicy, `{"matchConstraints":{"resourceRules":[{"apiGroups":["apps"]},{"apiGroups":["cert-manager.io"],"resources":["certificates"]}]}}`, true},
		"one for challenges":                   {admissionPolicy, `{"matchConstraints":{"resourceRules":[{"apiGroups":["acme.cert-manager.io"]}]}}`, true},
		"one for certificates of any group":    {admissionPolicy, `{"matchConstraints":{"resourceRules":[{"apiGroups":["*"],"resources":["certificates/status"]}]}}`, true},
		"one for everything":                   {admissionPolicy, `{"matchConstraints":{"resourceRules":[{"apiGroups":["*"],"resources":["*"]}]}}`, true},
		"one for Pods of any group":            {admissionPolicy, `{"matchConstraints":{"resourceRules":[{"apiGroups":["*"],"resources":["pods"]}]}}`, false},
		"one for certificates of others":       {admissionPolicy, `{"matchConstraints":{"resourceRules":[{"apiGroups":["networking.internal.knative.dev"],"resources":["certificates"]}]}}`, false},
		"one that is broken":                   {admissionPolicy, `{"matchConstraints":[1]}`, false},
		"a policy of Kyverno in CEL":           {kyvernoCELPolicy, `{"matchConstraints":{"resourceRules":[{"apiGroups":["cert-manager.io"]}]}}`, true},
		"a policy of approver-policy":          {requestPolicy, `{}`, true},
		"a policy of Kyverno by kind":          {kyvernoPolicy, `{"rules":[{"match":{"any":[{"resources":{"kinds":["Pod","CertificateRequest"]}}]}}]}`, true},
		"one by group, version and kind":       {kyvernoPolicy, `{"rules":[{"match":{"resources":{"kinds":["cert-manager.io/v1/*"]}}}]}`, true},
		"one by version and kind":              {kyvernoPolicy, `{"rules":[{"match":{"resources":{"kinds":["v1/Issuer"]}}}]}`, true},
		"one of a subresource":                 {kyvernoPolicy, `{"rules":[{"match":{"resources":{"kinds":["Certificate.status"]}}}]}`, true},
		"one of a subresource by slash":        {kyvernoPolicy, `{"rules":[{"match":{"resources":{"kinds":["Certificate/status"]}}}]}`, true},
		"one that makes certificates":          {kyvernoPolicy, `{"rules":[{"generate":{"apiVersion":"cert-manager.io/v1","kind":"Certificate"}}]}`, true},
		"one that makes those of others":       {kyvernoPolicy, `{"rules":[{"generate":{"apiVersion":"networking.internal.knative.dev/v1","kind":"Certificate"}}]}`, false},
		"one for those of others":              {kyvernoPolicy, `{"rules":[{"match":{"resources":{"kinds":["networking.internal.knative.dev/v1/Certificate"]}}}]}`, false},
		"one of Kyverno for everything":        {kyvernoPolicy, `{"rules":[{"match":{"resources":{"kinds":["*"]}}}]}`, false},
		"one whose text mentions them":         {kyvernoPolicy, `{"rules":[{"validate":{"message":"Certificate"}}]}`, false},
		"a constraint for certificates":        {constraint, `{"match":{"kinds":[{"apiGroups":["cert-manager.io"],"kinds":["*"]}]}}`, true},
		"one by kind":                          {constraint, `{"match":{"kinds":[{"apiGroups":["*"],"kinds":["Pod","ClusterIssuer"]}]}}`, true},
		"a constraint for everything":          {constraint, `{"match":{"kinds":[{"apiGroups":["*"],"kinds":["*"]}]}}`, false},
		"a constraint for Pods":                {constraint, `{"match":{"kinds":[{"apiGroups":[""],"kinds":["Pod"]}]}}`, false},
		"a constraint without a match":         {constraint, `{"parameters":{"kinds":["Certificate"]}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, record, err := Reduce(test.kind, []byte(`{"metadata":{"name":"p"},"spec":`+test.spec+`}`))
			if err != nil {
				t.Fatal(err)
			}
			if got := record != nil; got != test.want {
				t.Errorf("kept: %t, want %t", got, test.want)
			}
			_, record, err = Reduce(test.kind, []byte(`{"metadata":{"name":"p","labels":{"tlsplatform.io/platform":"main"}},"spec":`+test.spec+`}`))
			if err != nil {
				t.Fatal(err)
			}
			if record == nil || !record.(*PolicyRecord).Declared {
				t.Error("a policy of the platform is not kept")
			}
		})
	}
}

func TestBindings(t *testing.T) {
	t.Parallel()
	_, got, err := Reduce(admissionBinding, []byte(`{"metadata":{"name":"b"},"spec":{"policyName":"p"}}`))
	if err != nil {
		t.Fatal(err)
	}
	want, _ := digest(map[string]any{"policyName": "p"})
	if diff := cmp.Diff(Record(&PolicyRecord{Digest: want, Binds: "p"}), got); diff != "" {
		t.Error(diff)
	}
}

// TestDigest: it is about what the spec says, not how it is written or what
// stands beside it.
func TestDigest(t *testing.T) {
	t.Parallel()
	of := func(object string) string {
		_, record, err := Reduce(Bundle, []byte(object))
		if err != nil {
			t.Fatal(err)
		}
		return record.(*BundleRecord).Digest
	}
	first := of(`{"metadata":{"name":"a","uid":"1"},"spec":{"sources":[{"useDefaultCAs":true}],"target":{"configMap":{"key":"ca.crt"}}},"status":{"x":1}}`)
	if len(first) != digestLength {
		t.Errorf("digest %q", first)
	}
	for name, test := range map[string]struct {
		object string
		same   bool
	}{
		"another order, another status": {`{"status":{"x":2},"spec":{"target":{"configMap":{"key":"ca.crt"}}, "sources":[{"useDefaultCAs":true}]},"metadata":{"name":"b","uid":"2"}}`, true},
		"another source":                {`{"spec":{"sources":[{"useDefaultCAs":false}],"target":{"configMap":{"key":"ca.crt"}}}}`, false},
		"no spec":                       {`{}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := of(test.object) == first; got != test.same {
				t.Errorf("the same: %t, want %t", got, test.same)
			}
		})
	}
	large := of(`{"spec":{"n":9007199254740993}}`)
	if large == of(`{"spec":{"n":9007199254740992}}`) {
		t.Error("large numbers are rounded")
	}
}

func TestPolicyResources(t *testing.T) {
	t.Parallel()
	for resource, want := range map[string]bool{
		"validatingadmissionpolicies.admissionregistration.k8s.io":       true,
		"validatingadmissionpolicybindings.admissionregistration.k8s.io": true,
		"certificaterequestpolicies.policy.cert-manager.io":              true,
		"clusterpolicies.kyverno.io":                                     true,
		"validatingpolicies.policies.kyverno.io":                         true,
		"k8sdeny.constraints.gatekeeper.sh":                              true,
		"clusterissuers.cert-manager.io":                                 false,
		"secrets":                                                        false,
	} {
		if got := IsPolicyResource(resource); got != want {
			t.Errorf("%s: %t, want %t", resource, got, want)
		}
	}
}
