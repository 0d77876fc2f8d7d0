package profile

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func reduced(t *testing.T, spec string) *IssuerRecord {
	t.Helper()
	key, record, err := Reduce(ClusterIssuer, []byte(`{"metadata":{"name":"ca"},"spec":`+spec+`}`))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Key{ClusterIssuer, "", "ca"}); key != want {
		t.Fatalf("key %v, want %v", key, want)
	}
	r, ok := record.(*IssuerRecord)
	if !ok {
		t.Fatalf("a %T", record)
	}
	return r
}

func TestBackend(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ spec, want string }{
		"ACME": {
			`{"acme":{"server":"https://acme-v02.api.letsencrypt.org/directory","email":"a@example.com"}}`,
			"acme https://acme-v02.api.letsencrypt.org/directory",
		},
		"ACME, written in another way": {
			`{"acme":{"server":" HTTPS://ACME-v02.API.LetsEncrypt.org:443/directory/?x=1#y"}}`,
			"acme https://acme-v02.api.letsencrypt.org/directory",
		},
		"ACME with credentials in the URL":         {`{"acme":{"server":"https://me:secret@ca.example.com/acme"}}`, "acme https://ca.example.com/acme"},
		"ACME whose URL is none":                   {`{"acme":{"server":"me:secret@ca"}}`, "acme invalid"},
		"Vault":                                    {`{"vault":{"server":"http://Vault.example.com:80/","path":"/pki/sign/web"}}`, "vault http://vault.example.com pki/sign/web"},
		"Vault at another port":                    {`{"vault":{"server":"https://vault:8200","path":"pki/sign/web"}}`, "vault https://vault:8200 pki/sign/web"},
		"Vault with a namespace":                   {`{"vault":{"server":"https://vault","path":"pki/sign/web","namespace":"team/"}}`, "vault https://vault team/pki/sign/web"},
		"Vault with a namespace in the path":       {`{"vault":{"server":"https://vault","path":"team/pki/sign/web"}}`, "vault https://vault team/pki/sign/web"},
		"Vault at an IPv6 address":                 {`{"vault":{"server":"https://[FD00::1]:443","path":"p"}}`, "vault https://[fd00::1] p"},
		"Vault at an IPv6 address of another port": {`{"vault":{"server":"https://[fd00::1]:8200","path":"p"}}`, "vault https://[fd00::1]:8200 p"},
		"Venafi":                             {`{"venafi":{"zone":"Web\\Public","tpp":{"url":"https://tpp.example.com/vedsdk/"}}}`, `venafi https://tpp.example.com Web\Public`},
		"Venafi without the path":            {`{"venafi":{"zone":"Web\\Public","tpp":{"url":"https://tpp.example.com"}}}`, `venafi https://tpp.example.com Web\Public`},
		"Venafi in the cloud":                {`{"venafi":{"zone":"App\\T","cloud":{"apiTokenSecretRef":{"name":"x"}}}}`, `venafi https://api.venafi.cloud App\T`},
		"Venafi in the cloud of a region":    {`{"venafi":{"zone":"z","cloud":{"url":"https://api.venafi.eu/"}}}`, "venafi https://api.venafi.eu z"},
		"Venafi of a tenant":                 {`{"venafi":{"zone":"z","ngts":{"tsgID":"12"}}}`, "venafi https://api.strata.paloaltonetworks.com/ngts 12/z"},
		"Venafi of a kind that is not known": {`{"venafi":{"zone":"z","next":{}}}`, "unknown"},
		"self-signed":                        {`{"selfSigned":{}}`, "selfSigned"},
		"one that is not known":              {`{"next":{"url":"https://example.com"}}`, "unknown"},
		"none":                               {`null`, "unknown"},
		"control characters":                 {`{"venafi":{"zone":"a\u0000\u202eb","cloud":{}}}`, "venafi https://api.venafi.cloud a\uFFFD\uFFFDb"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := reduced(t, test.spec).Backend; got != test.want {
				t.Errorf("backend %q, want %q", got, test.want)
			}
		})
	}
}

func TestBackendOfACA(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(&IssuerRecord{Secret: "root"}, reduced(t, `{"ca":{"secretName":"root"}}`)); diff != "" {
		t.Error(diff)
	}
}

// TestLongBackends: two that differ behind the bound are still told apart, and
// are within it.
func TestLongBackends(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 200)
	one := reduced(t, `{"vault":{"server":"https://vault","path":"`+long+`1"}}`).Backend
	two := reduced(t, `{"vault":{"server":"https://vault","path":"`+long+`2"}}`).Backend
	if one == two {
		t.Error("two paths are one")
	}
	for _, s := range []string{one, two} {
		if len(s) > maxText {
			t.Errorf("%d bytes, want at most %d", len(s), maxText)
		}
	}
}

func TestIssuerState(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		object string
		want   *IssuerRecord
	}{
		"ready and declared": {
			`{"metadata":{"namespace":"shop","name":"ca","labels":{"tlsplatform.io/platform":"main"}},"spec":{"selfSigned":{}},
			  "status":{"conditions":[{"type":"Other","status":"False"},{"type":"Ready","status":"True"}]}}`,
			&IssuerRecord{Backend: "selfSigned", Ready: true, Declared: true},
		},
		"not ready and somebody else's": {
			`{"metadata":{"namespace":"shop","name":"ca","labels":{"app":"x"}},"spec":{"selfSigned":{}},
			  "status":{"conditions":[{"type":"Ready","status":"Unknown"}]}}`,
			&IssuerRecord{Backend: "selfSigned"},
		},
		"without a status": {`{"metadata":{"namespace":"shop","name":"ca"},"spec":{"selfSigned":{}}}`, &IssuerRecord{Backend: "selfSigned"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, got, err := Reduce(Issuer, []byte(test.object))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Key{Issuer, "shop", "ca"}, key); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(Record(test.want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzReduce(f *testing.F) {
	f.Add(`{"metadata":{"name":"a"},"spec":{"acme":{"server":"https://[::1%25x]:99/a/../b"}}}`)
	f.Add(`{"metadata":{"name":"a"},"spec":{"vault":{"server":"//","path":"\ud800"}}}`)
	f.Add(`{"spec":{"match":{"kinds":[null,{"apiGroups":["*"],"kinds":[1,"Certificate"]}]},"n":1e400}}`)
	f.Add(`{"spec":{"rules":[{"match":{"any":[{"resources":{"kinds":["a.b/v1/Certificate.x"]}}]}}]}}`)
	f.Add(`{"spec":{"matchConstraints":{"resourceRules":{"apiGroups":"cert-manager.io"}},"policyName":[]}}`)
	f.Add(`[]`)
	kinds := append(PolicyKinds(), ClusterIssuer, Bundle, schema.GroupKind{Group: ConstraintGroup, Kind: "K8sAny"})
	f.Fuzz(func(t *testing.T, object string) {
		for _, gk := range kinds {
			key, record, err := Reduce(gk, []byte(object))
			if err != nil {
				continue
			}
			again, same, err := Reduce(gk, []byte(object))
			if diff := cmp.Diff(record, same); err != nil || again != key || diff != "" {
				t.Fatalf("another result for the same %s: %v %s", gk, err, diff)
			}
			if record == nil {
				continue
			}
			profile := profileOf(map[Key]Record{key: record}, input)
			raw, err := json.Marshal(profile)
			if err != nil || len(raw) > MaxProfile {
				t.Fatalf("%d bytes: %v", len(raw), err)
			}
			for _, i := range profile.Issuers {
				if len(i.Backend) > maxText || len(i.Name) > maxText || strings.ContainsAny(i.Backend+i.Name, "\x00\n\x1b\u202e") {
					t.Fatalf("not fit to be shown: %+v", i)
				}
			}
		}
	})
}
