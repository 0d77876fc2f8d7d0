package exposition

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// hostileTexts are different, and look alike when they are cut or cleaned.
func hostileTexts() []string {
	long := strings.Repeat("x", 250)
	return []string{
		"", "other", "none", "a", `a"} 1`, "a\n# EOF\n", `a\`, "a\x00", "a\x01", "a\xff", "a\xfe", "%s%n", long + "1", long + "2",
		"é", "\u202Ea", identify(long + "1"), identify("a\x00"), `",cluster="x`,
	}
}

func TestNoSeriesComesTwiceWhateverTheTexts(t *testing.T) {
	t.Parallel()
	views := &fakeViews{}
	texts := hostileTexts()
	for _, namespace := range texts {
		for i, name := range texts {
			c := leaf("CN="+texts[(i+1)%len(texts)], 1)
			c.Fingerprint = [32]byte{1, byte(i)}
			o := secret(namespace, name, c)
			o.Records = nil
			for j, key := range texts {
				ca := root(texts[j], 2, 3, 4, 5, 6, 7, byte(j))
				o.Records = append(o.Records, inventory.Record{Key: key, Value: bundleOf(c, ca)})
			}
			views.put(o, func(v *inventory.View) { v.Owner, v.Renewal = texts[i], 1 })
		}
	}
	o := options(views)
	o.Cluster = func() string { return "a\"\n\xff" + strings.Repeat("x", 200) }
	o.Coverage = func() (list []v1alpha1.Coverage) {
		for _, s := range texts {
			list = append(list, v1alpha1.Coverage{Resource: s, Namespace: "a", State: s}, v1alpha1.Coverage{Resource: s, Namespace: "b", State: "Reading"})
		}
		return list
	}
	data := scrape(t, New(o)).Body.Bytes()

	seen := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		series := line[:strings.LastIndex(line, " ")]
		if !strings.HasPrefix(line, "# ") && seen[series] {
			t.Errorf("twice: %s", series)
		}
		seen[series] = true
	}
	families := parse(t, data)
	want := len(texts) * len(texts) * len(texts)
	for _, name := range []string{"tlsplatform_certificate_not_after_timestamp_seconds", "tlsplatform_certificate_renewal_timestamp_seconds"} {
		if got := len(families[name].GetMetric()); got != want {
			t.Errorf("%s has %d series, want %d", name, got, want)
		}
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			for _, pair := range m.GetLabel() {
				if len(pair.GetValue()) > maxLabel {
					t.Errorf("%s has a label %s of %d bytes", family.GetName(), pair.GetName(), len(pair.GetValue()))
				}
			}
		}
	}
}

func TestIssuersBeyondTheBoundAreOthers(t *testing.T) {
	t.Parallel()
	views := &fakeViews{}
	for i := range 300 {
		views.put(secret("a", fmt.Sprintf("s%d", i), leaf(fmt.Sprintf("CN=ca-%03d", i), 10)), nil)
	}
	for i := range 5 {
		views.put(secret("b", fmt.Sprintf("s%d", i), leaf("O=Often", 10)), nil)
		views.put(secret("c", fmt.Sprintf("s%d", i), leaf("CN=other", 10)), nil)
		views.put(secret("d", fmt.Sprintf("s%d", i), leaf("", 10)), nil)
	}
	got := samples(t, parse(t, scrape(t, New(options(views))).Body.Bytes())["tlsplatform_certificates_by_issuer"], "issuer")
	if len(got) != maxIssuers {
		t.Errorf("%d issuers, want %d", len(got), maxIssuers)
	}
	want := map[string]float64{"Often": 5, "none": 5, "other": 5 + 203, "ca-000": 1, "ca-096": 1, "ca-097": 0}
	for name, count := range want {
		if got[name] != count {
			t.Errorf("issuer %q has %v certificates, want %v", name, got[name], count)
		}
	}
}

func TestNamespacesBeyondTheBoundAreOthers(t *testing.T) {
	t.Parallel()
	views := &fakeViews{}
	for i := range 1200 {
		views.put(secret(fmt.Sprintf("n%04d", i), "s", leaf("CN=a", 10)), nil)
	}
	views.put(secret("n1199", "t", leaf("CN=a", 10)), nil)
	views.put(secret("other", "s", leaf("CN=a", 10)), nil)
	views.put(secret("other", "t", leaf("CN=a", 10)), nil)
	got := samples(t, parse(t, scrape(t, New(options(views))).Body.Bytes())["tlsplatform_certificates_by_namespace"], "certificate_namespace")
	want := map[string]float64{"n1199": 2, "n0000": 1, "n0997": 1, "n0998": 0, "other": 2 + 201}
	for name, count := range want {
		if got[name] != count {
			t.Errorf("namespace %q has %v certificates, want %v", name, got[name], count)
		}
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		left int64
		want int
	}{
		"a second ago":           {-1, 0},
		"in its last second":     {0, 1},
		"a day to go":            {day, 1},
		"a day and a second":     {day + 1, 2},
		"a week to go":           {7 * day, 2},
		"30 days to go":          {30 * day, 3},
		"90 days to go":          {90 * day, 4},
		"90 days and a second":   {90*day + 1, 5},
		"since before the epoch": {-1 << 62, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := spanIndex(c.left); got != c.want {
				t.Errorf("spanIndex(%d) = %d, want %d", c.left, got, c.want)
			}
		})
	}
}

func TestCertificatesWithoutAnEndAreCountedOnly(t *testing.T) {
	t.Parallel()
	refused := &certificate.Certificate{Findings: certificate.Unparseable}
	views := &fakeViews{}
	views.put(secret("a", "refused", refused), func(v *inventory.View) { v.Renewal = 1 })
	views.put(secret("a", "good", leaf("CN=a", 1)), nil)
	families := parse(t, scrape(t, New(options(views))).Body.Bytes())
	for name, want := range map[string]int{
		"tlsplatform_certificate_not_after_timestamp_seconds": 1,
		"tlsplatform_certificate_renewal_timestamp_seconds":   0,
	} {
		if got := len(families[name].GetMetric()); got != want {
			t.Errorf("%s has %d series, want %d", name, got, want)
		}
	}
	unreadable := samples(t, families["tlsplatform_certificates_unreadable"], "reason")
	want := map[string]float64{
		"Malformed": 0, "Unparseable": 1, "Empty": 0, "TooLarge": 0, "WrongPassword": 0, "NoPassword": 0, "UnsupportedKeystore": 0,
	}
	if diff := cmp.Diff(want, unreadable); diff != "" {
		t.Errorf("unreadable (-want +got):\n%s", diff)
	}
	if got := samples(t, families["tlsplatform_certificate_findings"], "finding"); len(got) != len(certificate.AllFindings()) {
		t.Errorf("%d findings have samples, want %d", len(got), len(certificate.AllFindings()))
	}
}
