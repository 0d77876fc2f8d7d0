package publish

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares a value as JSON with a golden file.
func golden(t *testing.T, name string, value any) {
	t.Helper()
	got, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// inObject gives a view the object that its record is in.
func inObject(place inventory.Place, v inventory.View) *inventory.View {
	v.Object = &inventory.Object{Place: place, Records: []inventory.Record{*v.Record}}
	return &v
}

func TestRecordOf(t *testing.T) {
	t.Parallel()
	unparseable := &certificate.Certificate{Fingerprint: certificate.Fingerprint{1}, Findings: certificate.Unparseable}
	root := &certificate.Certificate{Fingerprint: certificate.Fingerprint{2}, Subject: "CN=root", NotAfter: 1900000000, IsCA: true}
	configMap := inventory.Place{Kind: inventory.KindConfigMap, Namespace: "istio-system", Name: "istio-ca-root-cert"}
	cases := map[string]*inventory.View{
		"ingress": inObject(secret(7), ingressView(7, 0)),
		"bundle": inObject(configMap, inventory.View{
			Record: &inventory.Record{
				Key: "root-cert.pem", Role: inventory.Bundle, Mesh: "Istio",
				Value: &certificate.Bundle{
					Format: certificate.PEM, Count: 3, Certificates: []*certificate.Certificate{root, unparseable, issuingCA},
					Digest: certificate.Fingerprint{9}, Findings: certificate.Unparseable,
					Problems: []certificate.Problem{
						{Finding: certificate.Unparseable, Message: "certificate 2: no valid DER"},
						{Finding: certificate.Malformed, Message: "trailing bytes"},
					},
				},
			},
			Layer: v1alpha1.LayerMesh, Manager: inventory.ManagedByMesh, Findings: certificate.Unparseable | certificate.Malformed,
			Use: reference.Verdict{Use: reference.Exempt, Reason: "a mesh makes it"},
		}),
		"orphan": inObject(secret(8), inventory.View{
			Record: &inventory.Record{
				Key:   "keystore.jks",
				Value: &certificate.Bundle{Format: certificate.JKS, Findings: certificate.WrongPassword, Problems: []certificate.Problem{{Finding: certificate.WrongPassword, Message: "the password does not open it"}}},
			},
			Layer: v1alpha1.LayerApplication, Manager: inventory.ManagedByHand, Findings: certificate.WrongPassword,
			Referrers: []reference.Referrer{{Source: reference.Source{Kind: "Gateway", Namespace: "other", Name: "g"}, Certain: true, Ungranted: true}},
			Use: reference.Verdict{
				Use: reference.Unreferenced, Reason: "nothing refers to it", Confidence: reference.Medium,
				Doubts: []string{"Gateway other/g refers to it without a ReferenceGrant"},
			},
			UnreferencedSince: 1763000000, Orphan: true,
		}),
		"unparseable": inObject(secret(9), inventory.View{
			Record: &inventory.Record{Key: "tls.crt", Value: &certificate.Bundle{
				Format: certificate.PEM, Count: 1, Certificates: []*certificate.Certificate{unparseable}, Findings: certificate.Unparseable,
			}},
			Layer: v1alpha1.LayerApplication, Manager: inventory.ManagedByHand, Findings: certificate.Unparseable,
		}),
		"empty": inObject(secret(10), inventory.View{
			Record: &inventory.Record{Key: "tls.crt"}, Layer: "Elsewhere", Manager: inventory.ManagedByHand,
		}),
	}
	for name, v := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, "record-"+name, RecordOf(v))
		})
	}
}

// hostileView has as much of everything as there can be, in characters that take
// six bytes each in JSON.
func hostileView(key int) inventory.View {
	long := strings.Repeat("<", certificate.MaxText)
	var many []string
	var referrers []reference.Referrer
	for i := range 100 {
		many = append(many, long)
		referrers = append(referrers, reference.Referrer{
			Source: reference.Source{Kind: long, Namespace: long, Name: long + strconv.Itoa(i)}, Field: long,
		})
	}
	var chain []*certificate.Certificate
	for i := range 100 {
		chain = append(chain, &certificate.Certificate{
			Fingerprint: certificate.Fingerprint{byte(i)}, Subject: long, Issuer: long, Serial: strings.Repeat("f", 64), Names: many[:certificate.MaxNames],
			NameCount: 5000, NotBefore: math.MinInt64, NotAfter: math.MaxInt64, PublicKey: long, Signature: long, IsCA: true,
		})
	}
	return inventory.View{
		Record: &inventory.Record{Key: strconv.Itoa(key) + long, Value: &certificate.Bundle{
			Certificates: chain, Count: math.MaxInt64, Findings: math.MaxUint64,
			Problems: slices.Repeat([]certificate.Problem{{Finding: certificate.Malformed, Message: long}}, certificate.MaxProblems),
		}},
		Layer: v1alpha1.LayerApplication, Manager: inventory.ManagedByHand, ManagerName: long + long, Issuer: &inventory.IssuerRef{Name: long, Kind: long},
		Renewal: math.MaxInt64, Owner: long, Purpose: long, Findings: math.MaxUint64, Referrers: referrers,
		Use:               reference.Verdict{Use: reference.Unreferenced, Reason: long, Doubts: many, Confidence: reference.Low},
		UnreferencedSince: math.MinInt64, Orphan: true,
	}
}

func TestRecordOfHostileView(t *testing.T) {
	t.Parallel()
	r := RecordOf(inObject(secret(1), hostileView(0)))
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	// A record has to fit on a page, even when nothing is left out.
	if len(data) > maxContent/2 {
		t.Errorf("the record has %d bytes", len(data))
	}
	var back v1alpha1.CertificateRecord
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, again) {
		t.Error("the record is not the same after it was read")
	}
	for name, c := range map[string]struct{ got, want any }{
		"names":     {len(r.Names), maxNames},
		"nameCount": {r.NameCount, int32(5000)},
		"chain":     {len(r.Chain), maxChain},
		"usedBy":    {len(r.UsedBy), maxReferrers},
		"useCount":  {r.UseCount, int32(100)},
		"count":     {r.Certificates, int32(math.MaxInt32)},
		"notBefore": {r.NotBefore.UTC().Format("2006-01-02T15:04:05Z07:00"), "0001-01-01T00:00:01Z"},
		"notAfter":  {r.NotAfter.UTC().Format("2006-01-02T15:04:05Z07:00"), "9999-12-31T23:59:59Z"},
	} {
		if c.got != c.want {
			t.Errorf("%s is %v, and should be %v", name, c.got, c.want)
		}
	}
}

func TestReferrersInAnyOrderGiveTheSameRecord(t *testing.T) {
	t.Parallel()
	v := ingressView(1, 0)
	v.Referrers = nil
	for i := range 50 {
		v.Referrers = append(v.Referrers, reference.Referrer{
			Source: reference.Source{Kind: "Deployment", Namespace: "a", Name: strconv.Itoa(i)}, Field: "f", Certain: i%7 == 0,
		})
	}
	want := RecordOf(inObject(secret(1), v))
	if !want.UsedBy[7].Certain {
		t.Errorf("guesses come before certain references: %+v", want.UsedBy)
	}
	random := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		random.Shuffle(len(v.Referrers), func(i, j int) { v.Referrers[i], v.Referrers[j] = v.Referrers[j], v.Referrers[i] })
		if diff := cmp.Diff(want, RecordOf(inObject(secret(1), v))); diff != "" {
			t.Fatalf("another order of referrers (-want +got):\n%s", diff)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		text  string
		limit int
		want  string
	}{
		"short text stays":                      {"CN=shop", 10, "CN=shop"},
		"text of the limit stays":               {"0123456789", 10, "0123456789"},
		"long text is cut":                      {"0123456789a", 10, "0123456…"},
		"a character is not cut in two":         {"0123456ä890", 10, "0123456…"},
		"letters of other scripts stay":         {"Zürich 東京", 64, "Zürich 東京"},
		"control characters become spaces":      {"a\x1b[31mb\x00\n", 64, "a [31mb  "},
		"marks of direction become spaces":      {"a\u202eb", 64, "a b"},
		"invalid bytes become replacements":     {"a\xffb", 64, "a\uFFFDb"},
		"a limit below the ellipsis cuts to it": {"abcdef", 2, "…"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := text(c.text, c.limit)
			if got != c.want || !utf8.ValidString(got) {
				t.Errorf("%q, and should be %q", got, c.want)
			}
		})
	}
}
