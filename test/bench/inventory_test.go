package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/scenarios"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func TestSlope(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		points []point
		want   float64
	}{
		"in proportion":        {points: []point{{5, 10}, {20, 40}, {50, 100}}, want: 1},
		"the same at any size": {points: []point{{5, 3}, {20, 3}, {50, 3}}, want: 0},
		"with the square":      {points: []point{{2, 4}, {10, 100}}, want: 2},
		"with the square root": {points: []point{{4, 2}, {100, 10}}, want: 0.5},
		"one size":             {points: []point{{5, 1}, {5, 2}}, want: math.NaN()},
		"nothing":              {want: math.NaN()},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := slope(tc.points)
			if math.IsNaN(got) != math.IsNaN(tc.want) || math.Abs(got-tc.want) > 1e-9 {
				t.Errorf("got %f, want %f", got, tc.want)
			}
		})
	}
}

func TestStatusMiB(t *testing.T) {
	t.Parallel()
	const status = "Name:\tagent\nVmHWM:\t    4096 kB\nVmRSS:\t    2560 kB\nRssAnon:\t   xx kB\nThreads:\t9\n"
	tests := map[string]struct {
		field string
		want  float64
		fails bool
	}{
		"a field":                            {field: "VmRSS", want: 2.5},
		"another field":                      {field: "VmHWM", want: 4},
		"a field that is not there":          {field: "VmSwap", fails: true},
		"the start of a field's name":        {field: "Vm", fails: true},
		"a field without a size":             {field: "Threads", fails: true},
		"a field with something of no value": {field: "RssAnon", fails: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := statusMiB(strings.NewReader(status), tc.field)
			if (err != nil) != tc.fails || got != tc.want {
				t.Errorf("got %f, %v; want %f", got, err, tc.want)
			}
		})
	}
}

func TestLeavesAreWhatTheySay(t *testing.T) {
	t.Parallel()
	authorities, err := newAuthorities(now)
	if err != nil {
		t.Fatal(err)
	}
	const host = "web.example.com"
	made, err := authorities[3].newLeaf(host, 7, 0, now, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	again, err := authorities[3].newLeaf(host, 7, 0, now, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(made.key, again.key) {
		t.Error("the key of a host differs from run to run")
	}
	renewed, err := authorities[3].newLeaf(host, 7, 1, now, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(made.needles.scalar, renewed.needles.scalar) {
		t.Error("a renewal has the old key")
	}
	block, _ := pem.Decode(made.cert)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if err := certificate.CheckSignatureFrom(authorities[3].certificate); err != nil {
		t.Error(err)
	}
	keyBlock, _ := pem.Decode(made.key)
	key, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if private, ok := key.(*ecdsa.PrivateKey); !ok || !private.PublicKey.Equal(certificate.PublicKey) {
		t.Error("the key is not the certificate's")
	}
}

// A needle that is of the public half, which the certificate has as well, would
// be found where no key is.
func TestNeedlesAreOfTheSecretHalf(t *testing.T) {
	t.Parallel()
	authorities, err := newAuthorities(now)
	if err != nil {
		t.Fatal(err)
	}
	made, err := authorities[0].newLeaf("web.example.com", 7, 0, now, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(made.key)
	encoded := base64.StdEncoding.EncodeToString(made.key)
	for form, c := range map[string]struct {
		in     string
		needle []byte
	}{
		"raw":           {in: string(block.Bytes), needle: made.needles.scalar},
		"PEM":           {in: string(made.key), needle: made.needles.text},
		"base64 of PEM": {in: encoded, needle: made.needles.encoded},
	} {
		if strings.Count(c.in, string(c.needle)) != 1 {
			t.Errorf("the needle %q is not in the form %s: %s", c.needle, form, c.in)
		}
	}
	part, err := base64.StdEncoding.DecodeString(string(made.needles.text))
	if err != nil || !bytes.Contains(made.needles.scalar, part) {
		t.Errorf("the PEM needle is %x, not a part of the key %x (%v)", part, made.needles.scalar, err)
	}
	text, err := base64.StdEncoding.DecodeString(string(made.needles.encoded))
	if err != nil || !bytes.Contains(made.key, text) {
		t.Fatalf("the base64 needle is %q, not a part of the PEM (%v)", text, err)
	}
	if at := bytes.Index(made.key, text) - bytes.Index(made.key, made.needles.text); at < 0 || at+len(text) > needleLength {
		t.Errorf("the base64 needle is %d bytes into the PEM needle: not of the secret half", at)
	}
}

func TestCountSeries(t *testing.T) {
	t.Parallel()
	text := `# HELP tlsplatform_certificate_not_after_timestamp_seconds End.
tlsplatform_certificate_not_after_timestamp_seconds{cluster="bench",layer="Ingress",kind="Secret",certificate_namespace="bench-001",certificate_name="a"} 1790000000
tlsplatform_certificate_not_after_timestamp_seconds{cluster="bench",layer="Application",kind="ConfigMap",certificate_namespace="bench-001",certificate_name="kube-root-ca.crt"} 1790000000
tlsplatform_certificate_not_after_timestamp_seconds{cluster="bench",layer="Ingress",kind="Secret",certificate_namespace="other",certificate_name="a"} 1790000000
tlsplatform_certificates_unreferenced{cluster="bench",layer="Ingress"} 3
tlsplatform_certificates_unreferenced{cluster="bench",layer="Mesh"} 4
tlsplatform_certificates_unreferenced_other{cluster="bench",layer="Mesh"} 5
`
	want := scrape{certificates: 1, unreferenced: 7}
	if diff := cmp.Diff(want, countSeries([]byte(text)), cmp.AllowUnexported(scrape{})); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestWritesPerChange(t *testing.T) {
	t.Parallel()
	changes := []change{{started: now}, {started: now.Add(time.Second)}, {started: now.Add(2 * time.Second)}}
	event := func(verb, resource string, after time.Duration) scenarios.AuditEvent {
		e := scenarios.AuditEvent{Verb: verb, Received: now.Add(after)}
		e.ObjectRef.Resource = resource
		return e
	}
	events := []scenarios.AuditEvent{
		event("update", "certificateslices", -time.Millisecond), // before the first
		event("update", "certificateslices", 200*time.Millisecond),
		event("patch", "tlsagents", 300*time.Millisecond),
		event("update", "leases", 400*time.Millisecond),
		event("get", "secrets", 500*time.Millisecond),
		event("update", "certificateslices", time.Second), // at the very start of the second
		event("patch", "tlsagents", time.Minute),
	}
	if diff := cmp.Diff([]float64{2, 1, 1}, writesPerChange(changes, events)); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

func TestHasRecord(t *testing.T) {
	t.Parallel()
	end := metav1.NewTime(now.Local())
	page := &v1alpha1.CertificateSlice{Records: []v1alpha1.CertificateRecord{
		{Kind: "ConfigMap", Namespace: "ns", Name: "map", NotAfter: &end},
		{Kind: "Secret", Namespace: "ns", Name: "unread"},
		{Kind: "Secret", Namespace: "ns", Name: "web", NotAfter: &end},
	}}
	tests := map[string]struct {
		namespace, name string
		end             time.Time
		want            bool
	}{
		"the certificate, in whatever zone": {namespace: "ns", name: "web", end: now, want: true},
		"its old end":                       {namespace: "ns", name: "web", end: now.Add(-time.Second)},
		"another namespace":                 {namespace: "other", name: "web", end: now},
		"another kind":                      {namespace: "ns", name: "map", end: now},
		"a record without an end":           {namespace: "ns", name: "unread", end: now},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := hasRecord(page, tc.namespace, tc.name, tc.end); got != tc.want {
				t.Errorf("got %t, want %t", got, tc.want)
			}
		})
	}
}

func TestObey(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/heap"
	var out strings.Builder
	if err := obey(strings.NewReader("heap\ndump "+file+"\n"), &out); !errors.Is(err, io.EOF) {
		t.Fatalf("got error %v, want the end of the input", err)
	}
	answers := strings.Split(out.String(), "\n")
	if len(answers) != 3 || !strings.HasPrefix(answers[0], "heap ") || answers[1] != "dumped "+file {
		t.Errorf("got answers %q", answers)
	}
	if err := obey(strings.NewReader("sing\n"), io.Discard); err == nil || !strings.Contains(err.Error(), "sing") {
		t.Errorf("got error %v, want one that names the command", err)
	}
}
