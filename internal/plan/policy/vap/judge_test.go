package vap

import (
	"strings"
	"testing"
	"time"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

const prefix = "TLS policy of estate: "

// Parts of messages under allRules.
const (
	keys   = "set spec.privateKey to RSA of at least 3072 bits, ECDSA of at least 256 bits or Ed25519"
	longer = " is longer than 2160h; set spec.duration to 2160h or less"
	below  = "not below **.example.com, example.com or *.svc.cluster.local; use an allowed name or ask the platform team for an exception"
	denied = "denied (by admin.example.com or **.legacy.example.com); remove it"
	issuer = " is not approved; set spec.issuerRef to AWSPCAClusterIssuer.awspca.cert-manager.io pca, ClusterIssuer internal, ClusterIssuer public or ClusterIssuer vault"
)

// created by these changes to a good Certificate, and the message that is wanted.
type judged struct {
	changes []any
	want    string
}

func judgeAll(t *testing.T, resource, source string, change func(*v1alpha1.Policy), tests map[string]judged) {
	t.Helper()
	part, _ := Build(estate(change), facts, now, Exempt{Namespaces: []string{"cert-manager"}, Hub: "hub"})
	engine := engines(t, &part)[resource]
	if engine == nil {
		t.Fatalf("there is no policy for %s", resource)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			want := tt.want
			if want != "" {
				want = prefix + want
			}
			if got := engine.judge(t, object(t, source, tt.changes...), nil).message; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestCertificatesAreJudgedByTheirFields(t *testing.T) {
	judgeAll(t, "certificates", goodCertificate, allRules, map[string]judged{
		"one that keeps all rules passes": {},
		"an RSA key that is too short":    {[]any{"spec/privateKey/algorithm", "RSA", "spec/privateKey/size", int64(2048)}, "PrivateKey: a key of RSA 2048 is not allowed; " + keys},
		"an RSA key that is long enough":  {[]any{"spec/privateKey/algorithm", "RSA", "spec/privateKey/size", int64(4096)}, ""},
		"the default size of RSA":         {[]any{"spec/privateKey/algorithm", "RSA", "spec/privateKey/size", nil}, "PrivateKey: a key of RSA 2048 is not allowed; " + keys},
		"the default key":                 {[]any{"spec/privateKey", nil}, "PrivateKey: a key of RSA 2048 (cert-manager's default) is not allowed; " + keys},
		"a size without an algorithm":     {[]any{"spec/privateKey/algorithm", nil, "spec/privateKey/size", int64(4096)}, ""},
		"the default size of ECDSA":       {[]any{"spec/privateKey/size", nil}, ""},
		"Ed25519, whose size is ignored":  {[]any{"spec/privateKey/algorithm", "Ed25519", "spec/privateKey/size", int64(1)}, ""},
		"an empty algorithm":              {[]any{"spec/privateKey/algorithm", "", "spec/privateKey/size", int64(0)}, "PrivateKey: a key of RSA 2048 (cert-manager's default) is not allowed; " + keys},
		"a key that is kept":              {[]any{"spec/privateKey/rotationPolicy", "Never"}, "PrivateKey: a rotation policy of Never is not allowed; set spec.privateKey.rotationPolicy to Always"},
		"a key that is rotated":           {[]any{"spec/privateKey/rotationPolicy", "Always"}, ""},

		"a duration at the limit":            {[]any{"spec/duration", "2160h0m0s"}, ""},
		"a duration a second over the limit": {[]any{"spec/duration", "2160h0m1s"}, "MaxDuration: a duration of 2160h0m1s" + longer},
		"the default duration":               {[]any{"spec/duration", nil}, ""},

		"three broken rules are all reported": {
			[]any{"spec/dnsNames", []string{"a.b.com"}, "spec/duration", "8760h", "spec/privateKey/algorithm", "RSA", "spec/privateKey/size", int64(2048)},
			"PrivateKey: a key of RSA 2048 is not allowed; " + keys + " | MaxDuration: a duration of 8760h" + longer + ` | DNSNames: "a.b.com" is ` + below,
		},
		"one that is being deleted is not judged": {[]any{"metadata/deletionTimestamp", created, "spec/duration", "8760h"}, ""},
	})
}

func TestNamesOfCertificatesAreJudged(t *testing.T) {
	judgeAll(t, "certificates", goodCertificate, allRules, map[string]judged{
		"a name outside":                           {[]any{"spec/dnsNames", []string{"a.b.com"}}, `DNSNames: "a.b.com" is ` + below},
		"two names outside":                        {[]any{"spec/dnsNames", []string{"a.b.com", "x.example.com", "c.d.com"}}, `DNSNames: "a.b.com", "c.d.com" are ` + below},
		"a name in another case with a dot":        {[]any{"spec/dnsNames", []string{"WWW.Example.COM."}}, ""},
		"no DNS names at all":                      {[]any{"spec/dnsNames", nil}, ""},
		"one label below a one-label pattern":      {[]any{"spec/dnsNames", []string{"db.svc.cluster.local"}}, ""},
		"two labels below a one-label pattern":     {[]any{"spec/dnsNames", []string{"db.shop.svc.cluster.local"}}, `DNSNames: "db.shop.svc.cluster.local" is ` + below},
		"a denied name":                            {[]any{"spec/dnsNames", []string{"Admin.example.com"}}, `DNSNames: "Admin.example.com" is ` + denied},
		"a wildcard that covers a denied name":     {[]any{"spec/dnsNames", []string{"*.example.com"}}, `DNSNames: "*.example.com" is ` + denied},
		"a common name outside":                    {[]any{"spec/commonName", "a.b.com"}, `DNSNames: "a.b.com" is ` + below},
		"a common name that is denied":             {[]any{"spec/commonName", "x.legacy.example.com"}, `DNSNames: "x.legacy.example.com" is ` + denied},
		"a common name that is no DNS name":        {[]any{"spec/commonName", "Shop of Example Inc."}, ""},
		"a common name of one label":               {[]any{"spec/commonName", "shop"}, ""},
		"a common name in a literal subject":       {[]any{"spec/commonName", nil, "spec/literalSubject", "O=Example, CN = a.b.com"}, `DNSNames: "a.b.com" is ` + below},
		"a common name by its object identifier":   {[]any{"spec/commonName", nil, "spec/literalSubject", "2.5.4.3=a.b.com,O=Example"}, `DNSNames: "a.b.com" is ` + below},
		"an allowed one in a literal subject":      {[]any{"spec/commonName", nil, "spec/literalSubject", "CN=shop.example.com,O=Example"}, ""},
		"a literal subject without a common name":  {[]any{"spec/commonName", nil, "spec/literalSubject", "OU=mongo,O=Example\\, Inc."}, ""},
		"an escaped common name can't be judged":   {[]any{"spec/commonName", nil, "spec/literalSubject", `CN=\61.b.com,O=Example`}, "DNSNames: spec.literalSubject has a common name with escapes, which can't be judged; write the subject without escapes, or use spec.subject and spec.commonName | DNSNames: \"\\61.b.com\" is " + below},
		"a line break does not hide the message":   {[]any{"spec/dnsNames", []string{"a\nb.com"}}, `DNSNames: "a b.com" is ` + below},
		"a long name does not hide the message":    {[]any{"spec/dnsNames", []string{strings.Repeat("a", 5000) + ".com"}}, `DNSNames: "` + strings.Repeat("a", 200) + `..." is ` + below},
		"letters that fold to ASCII are no bypass": {[]any{"spec/dnsNames", []string{"x.e\u017Fample.com"}}, "DNSNames: \"x.e\u017Fample.com\" is " + below},
	})
}

func TestIssuersAndAnnotationsOfCertificatesAreJudged(t *testing.T) {
	judgeAll(t, "certificates", goodCertificate, allRules, map[string]judged{
		"another ClusterIssuer":                      {[]any{"spec/issuerRef/name", "mine"}, `Issuers: ClusterIssuer "mine"` + issuer},
		"an Issuer by the name of an approved one":   {[]any{"spec/issuerRef/kind", nil}, `Issuers: Issuer "public"` + issuer},
		"an empty kind is Issuer":                    {[]any{"spec/issuerRef/kind", ""}, `Issuers: Issuer "public"` + issuer},
		"an approved name in another group":          {[]any{"spec/issuerRef/group", "example.org"}, `Issuers: ClusterIssuer.example.org "public"` + issuer},
		"a written group is the same as an empty":    {[]any{"spec/issuerRef/group", "cert-manager.io"}, ""},
		"an approved issuer of another group":        {[]any{"spec/issuerRef/name", "pca", "spec/issuerRef/kind", "AWSPCAClusterIssuer", "spec/issuerRef/group", "awspca.cert-manager.io"}, ""},
		"the bootstrap issuer is not for teams":      {[]any{"spec/issuerRef/name", "internal-bootstrap"}, `Issuers: ClusterIssuer "internal-bootstrap"` + issuer},
		"an Issuer where they are approved":          {[]any{"metadata/namespace", "sandbox", "spec/issuerRef/kind", "Issuer"}, ""},
		"a ClusterIssuer where Issuers are approved": {[]any{"metadata/namespace", "sandbox", "spec/issuerRef/name", "mine"}, `Issuers: ClusterIssuer "mine"` + issuer},

		"an annotation that is missing":          {[]any{"metadata/annotations/tlsplatform.io//owner", nil}, "Annotations: tlsplatform.io/owner is missing; set it"},
		"an annotation that is empty":            {[]any{"metadata/annotations/tlsplatform.io//owner", ""}, "Annotations: tlsplatform.io/owner is missing; set it"},
		"an annotation with another value":       {[]any{"metadata/annotations/tlsplatform.io//purpose", "webmtls"}, `Annotations: tlsplatform.io/purpose is "webmtls"; set it to a value that matches web|mtls`},
		"an annotation with a pattern, missing":  {[]any{"metadata/annotations/tlsplatform.io//purpose", nil}, "Annotations: tlsplatform.io/purpose is missing; set it to a value that matches web|mtls"},
		"no annotations at all, both are listed": {[]any{"metadata/annotations", nil}, "Annotations: tlsplatform.io/owner is missing; set it | Annotations: tlsplatform.io/purpose is missing; set it to a value that matches web|mtls"},
	})
}

func TestAnEmptyDurationIsJudgedByTheDefault(t *testing.T) {
	short := func(p *v1alpha1.Policy) {
		allRules(p)
		p.Rules.MaxDuration.Duration = 36 * time.Hour
		p.Rules.Issuers, p.Rules.Annotations = nil, nil
	}
	const want = "MaxDuration: a duration of 2160h (cert-manager's default) is longer than 36h; set spec.duration to 36h or less"
	tests := map[string]judged{
		"left out": {[]any{"spec/duration", nil}, want},
		"short":    {[]any{"spec/duration", "36h"}, ""},
	}
	t.Run("of a Certificate", func(t *testing.T) { judgeAll(t, "certificates", goodCertificate, short, tests) })
	t.Run("of a CertificateRequest", func(t *testing.T) { judgeAll(t, "certificaterequests", goodRequest, short, tests) })
}

func TestCertificateRequestsAreJudgedByTheirFields(t *testing.T) {
	judgeAll(t, "certificaterequests", goodRequest, allRules, map[string]judged{
		"one that keeps all rules passes": {},
		"a long duration":                 {[]any{"spec/duration", "2161h"}, "MaxDuration: a duration of 2161h is longer than 2160h; set spec.duration to 2160h or less"},
		"an annotation that is missing":   {[]any{"metadata/annotations/tlsplatform.io//owner", nil}, "Annotations: tlsplatform.io/owner is missing; set it"},
		"an Issuer of one's own": {[]any{"spec/issuerRef/kind", "Issuer", "spec/issuerRef/name", "mine"},
			`Issuers: Issuer "mine" is not approved; set spec.issuerRef to AWSPCAClusterIssuer.awspca.cert-manager.io pca, ClusterIssuer internal, ClusterIssuer public or ClusterIssuer vault`},
	})
}

func TestIssuersAreJudgedByWhereTheyAreMade(t *testing.T) {
	const issuer = "{apiVersion: cert-manager.io/v1, kind: Issuer, metadata: {name: mine, namespace: shop, creationTimestamp: \"" + created + "\"}, spec: {selfSigned: {}}}"
	judgeAll(t, "issuers", issuer, allRules, map[string]judged{
		"in a namespace that may not have one": {nil, `Issuers: namespace "shop" may not have an Issuer of its own; refer to AWSPCAClusterIssuer.awspca.cert-manager.io pca, ClusterIssuer internal, ClusterIssuer public or ClusterIssuer vault instead`},
		"in a namespace that may":              {[]any{"metadata/namespace", "sandbox"}, ""},
	})
	judgeAll(t, "clusterissuers", goodClusterIssuer, allRules, map[string]judged{
		"one of the platform":      {nil, ""},
		"the bootstrap of one":     {[]any{"metadata/name", "internal-bootstrap"}, ""},
		"an approved one":          {[]any{"metadata/name", "vault"}, ""},
		"no bootstrap without CA":  {[]any{"metadata/name", "public-bootstrap"}, `Issuers: ClusterIssuer "public-bootstrap" is neither declared by the platform nor approved; declare it in spec.issuers of the TLSPlatform, or approve it in spec.policy.rules.issuers.approved`},
		"approved in another kind": {[]any{"metadata/name", "pca"}, `Issuers: ClusterIssuer "pca" is neither declared by the platform nor approved; declare it in spec.issuers of the TLSPlatform, or approve it in spec.policy.rules.issuers.approved`},
	})
}

func TestUpdatesAreJudgedByTheFieldsThatChange(t *testing.T) {
	part, _ := Build(estate(allRules), facts, now, Exempt{})
	engine := engines(t, &part)["certificates"]
	// bad breaks every rule; it was there before the policy.
	bad := []any{
		"spec/dnsNames", []string{"a.b.com"}, "spec/duration", "8760h", "spec/privateKey/algorithm", "RSA",
		"spec/privateKey/size", int64(2048), "spec/issuerRef/name", "mine", "metadata/annotations", nil,
	}
	tests := map[string]struct {
		changes []any
		want    string // the rules in the message, in their order
	}{
		"nothing":                                 {nil, ""},
		"a field without a rule":                  {[]any{"spec/secretName", "other"}, ""},
		"a label":                                 {[]any{"metadata/labels", map[string]any{"a": "b"}}, ""},
		"the duration, still too long":            {[]any{"spec/duration", "9000h"}, "MaxDuration"},
		"the duration, short enough now":          {[]any{"spec/duration", "720h"}, ""},
		"the key's encoding, which no rule is on": {[]any{"spec/privateKey/encoding", "PKCS8"}, ""},
		"the key's size":                          {[]any{"spec/privateKey/size", int64(1024)}, "PrivateKey"},
		"the names":                               {[]any{"spec/dnsNames", []string{"a.b.com", "c.d.com"}}, "DNSNames"},
		"a common name that was not there":        {[]any{"spec/commonName", "c.d.com"}, "DNSNames"},
		"the issuer":                              {[]any{"spec/issuerRef/name", "yours"}, "Issuers"},
		"one annotation judges itself only":       {[]any{"metadata/annotations", map[string]any{"tlsplatform.io/purpose": "no"}}, "Annotations"},
		"two fields of two rules":                 {[]any{"spec/duration", "9000h", "spec/issuerRef/name", "yours"}, "MaxDuration Issuers"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := engine.judge(t, object(t, goodCertificate, append(append([]any{}, bad...), tt.changes...)...), object(t, goodCertificate, bad...))
			var rules []string
			for _, m := range strings.Split(strings.TrimPrefix(got.message, prefix), " | ") {
				if rule, _, found := strings.Cut(m, ":"); found {
					rules = append(rules, rule)
				}
			}
			if strings.Join(rules, " ") != tt.want {
				t.Errorf("broken rules %q, want %q: %s", rules, tt.want, got.message)
			}
		})
	}
}

func TestExceptionsLiftTheirRulesForTheirObjectsUntilTheirEnd(t *testing.T) {
	part, _ := Build(estate(excepted), facts, now, Exempt{})
	all := engines(t, &part)
	long := []any{"spec/duration", "8760h"}
	tests := map[string]struct {
		resource, source string
		changes          []any
		refused          bool
		exceptions       string
	}{
		"the named object":                                     {"certificates", goodCertificate, append(long, "metadata/name", "partner"), false, "partner"},
		"another name":                                         {"certificates", goodCertificate, long, true, ""},
		"the name in another namespace":                        {"certificates", goodCertificate, append(long, "metadata/name", "partner", "metadata/namespace", "depot"), true, ""},
		"a rule that it does not lift":                         {"certificates", goodCertificate, []any{"metadata/name", "partner", "metadata/annotations", nil}, true, "partner"},
		"a second before the end":                              {"certificates", goodCertificate, append(long, "metadata/name", "partner", "metadata/creationTimestamp", "2026-11-26T11:59:59Z"), false, "partner"},
		"at the end":                                           {"certificates", goodCertificate, append(long, "metadata/name", "partner", "metadata/creationTimestamp", "2026-11-26T12:00:00Z"), true, ""},
		"a request of the named Certificate":                   {"certificaterequests", goodRequest, append(long, "metadata/name", "partner-1", "metadata/annotations/cert-manager.io//certificate-name", "partner"), false, "partner"},
		"a request of another Certificate":                     {"certificaterequests", goodRequest, long, true, ""},
		"all objects of the namespaces, when none is named":    {"certificates", goodCertificate, []any{"metadata/namespace", "older", "metadata/annotations", nil}, false, "migration"},
		"an Issuer in a namespace whose issuers are lifted":    {"issuers", goodCertificate, []any{"metadata/namespace", "old"}, false, "migration"},
		"an exception that has ended before the plan was made": {"certificates", goodCertificate, []any{"spec/privateKey", nil}, true, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := all[tt.resource].judge(t, object(t, tt.source, tt.changes...), nil)
			if (got.message != "") != tt.refused {
				t.Errorf("refused is %v, want %v: %s", got.message != "", tt.refused, got.message)
			}
			if got.exceptions != tt.exceptions {
				t.Errorf("the audit has exceptions %q, want %q", got.exceptions, tt.exceptions)
			}
		})
	}
}

const goodClusterIssuer = "{apiVersion: cert-manager.io/v1, kind: ClusterIssuer, metadata: {name: public, creationTimestamp: \"" + created + "\"}, spec: {selfSigned: {}}}"

func TestThePlatformMakesWhatItDeclares(t *testing.T) {
	part, _ := Build(estate(allRules), facts, now, Exempt{Hub: "hub"})
	engine := engines(t, &part)["clusterissuers"]
	unknown := object(t, goodClusterIssuer, "metadata/name", "declared-just-now")
	if got := engine.judge(t, unknown, nil).message; got == "" {
		t.Error("somebody may make a ClusterIssuer that is not declared")
	}
	// The policy in the API server may be older than the spec that the hub acts on.
	engine.user = "hub"
	if got := engine.judge(t, unknown, nil).message; got != "" {
		t.Errorf("the hub is refused: %s", got)
	}
}
