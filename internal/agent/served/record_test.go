package served

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
	"github.com/tlsplatform/tls-platform-operator/internal/prober"
)

// knowing is what is known after pages were read.
func knowing(t *testing.T, pages ...[]byte) *knowledge {
	t.Helper()
	k := &knowledge{shelf: shelf{}, complete: true}
	for _, raw := range pages {
		name, p, ok, err := readPage(raw)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			k.shelf[name] = p
		}
	}
	return k
}

// recordCase is a target, what it shows, and what follows.
type recordCase struct {
	target    Target
	shown     *certificate.Bundle // nil when none was
	reason    prober.Reason
	canonical string
	pages     [][]byte
	unknown   bool
	want      string // agreement, place, manager and Secret
}

func recordCases(t *testing.T) map[string]recordCase {
	t.Helper()
	leaf, other, old := newPEM("a.example.com", start), newPEM("b.example.com", start), newPEM("a.example.com", start.AddDate(0, -1, 0))
	more := make([][]byte, 6)
	for i := range more {
		more[i] = newPEM("ca", start)
	}
	long := append([][]byte{leaf}, more...)
	web := Name{"shop", "web"}
	agent := slice(t, "inventory", v1alpha1.AgentName, published(web, chain(t, leaf), 4), published(Name{"shop", "long"}, chain(t, long...), 4))
	arn := []Cloud{{CloudCertificate: prober.CloudCertificate{Provider: prober.AWS, ID: "arn:1", Field: "f"}}}
	named := Target{Entry: prober.EntryIngress, Stored: []Name{web}, Named: true}
	return map[string]recordCase{
		"what is stored is served": {named, chain(t, leaf), prober.Served, "", [][]byte{agent}, false, "Same IngressController cert-manager shop/web"},
		"with another chain":       {named, chain(t, leaf, other), prober.Served, "", [][]byte{agent}, false, "ChainDiffers IngressController cert-manager shop/web"},
		"an older one":             {named, chain(t, old), prober.Served, "", [][]byte{agent}, false, "StoredIsNewer IngressController cert-manager shop/web"},
		"another one":              {named, chain(t, other), prober.Served, "", [][]byte{agent}, false, "Differs Unknown unknown shop/web"},
		"the Secret is missing":    {Target{Stored: []Name{{"shop", "no"}}, Named: true}, chain(t, leaf), prober.Served, "", [][]byte{agent}, false, "StoredMissing Unknown unknown shop/no"},
		"the best of two Secrets counts": {
			Target{Entry: prober.EntryGateway, Stored: []Name{{"shop", "long"}, web}, Named: true}, chain(t, leaf), prober.Served, "",
			[][]byte{agent}, false, "Same Gateway cert-manager shop/long",
		},
		"a chain that is longer than what is published": {
			Target{Entry: prober.EntryIngress, Stored: []Name{{"shop", "long"}}, Named: true}, chain(t, long...), prober.Served, "",
			[][]byte{agent}, false, "Same IngressController cert-manager shop/long",
		},
		"a long chain that lacks one": {
			Target{Entry: prober.EntryIngress, Stored: []Name{{"shop", "long"}}, Named: true}, chain(t, long[:6]...), prober.Served, "",
			[][]byte{agent}, false, "ChainDiffers IngressController cert-manager shop/long",
		},
		"no Secret is named, and one holds it":  {Target{Entry: prober.EntryService}, chain(t, leaf), prober.Served, "", [][]byte{agent}, false, "Same Application cert-manager shop/web"},
		"no Secret is named, and none holds it": {Target{Entry: prober.EntryService, Cloud: arn}, chain(t, other), prober.Served, "", [][]byte{agent}, false, "StoredMissing LoadBalancer cloud"},
		"the certificate of a Route": {
			Target{Entry: prober.EntryIngress, Inline: chain(t, other), Named: true}, chain(t, other), prober.Served, "", nil, true, "Same IngressController unknown",
		},
		"a CDN is before it":                      {named, chain(t, leaf), prober.Served, "d1.cloudfront.net.", [][]byte{agent}, false, "Same CDN cert-manager shop/web"},
		"what is stored is not known yet":         {Target{Stored: []Name{web}, Named: true, Cloud: arn}, chain(t, leaf), prober.Served, "", [][]byte{agent}, true, "NotCompared Unknown unknown shop/web"},
		"pages of another writer do not count":    {named, chain(t, leaf), prober.Served, "", [][]byte{slice(t, "served", "prober", published(web, chain(t, leaf), 4))}, false, "StoredMissing Unknown unknown shop/web"},
		"a cloud's certificate that is not shown": {Target{Cloud: arn, LoadBalancers: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}, nil, prober.Denied, "", [][]byte{agent}, false, "NotCompared LoadBalancer cloud"},
		"nothing is shown and nothing known":      {named, nil, prober.ConnectTimeout, "", [][]byte{agent}, false, "NotCompared Unknown unknown shop/web"},
		"passthrough":                             {Target{Entry: prober.EntryGateway, Passthrough: true}, chain(t, other), prober.Served, "", [][]byte{agent}, false, "StoredMissing Application unknown"},
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	for name, c := range recordCases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := knowing(t, c.pages...)
			k.complete = !c.unknown
			f := &Finding{Result: prober.Result{Reason: c.reason, Chain: c.shown}, CanonicalName: c.canonical}
			r, v := recordOf(&c.target, f, k)
			o := objectOf([]entry{{&c.target, r, v}})
			got := r.Served.Agreement + " " + r.Served.TerminatesAt + " " + string(o.Manager)
			for _, s := range r.Served.Stored {
				got += " " + s
				break
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if r.Value == nil || r.Role != inventory.Served {
				t.Errorf("the record is %+v", r)
			}
		})
	}
}

func TestARecordSaysWhatIsKnown(t *testing.T) {
	t.Parallel()
	target := Target{
		Source: Source{"Ingress", Name{"shop", "web"}}, Record: "ingress.web.a.example.com", Layer: v1alpha1.LayerIngress, Named: true,
		Endpoint: prober.Endpoint{Host: "2001:db8::1", Port: 443, ServerName: "a.example.com", Protocol: prober.HTTPS},
		Stored:   []Name{{"shop", "web"}},
		Cloud:    []Cloud{{prober.CloudCertificate{Provider: prober.GoogleCloud, ID: "mc", Field: managedAnnotation}, "Active", start.Unix()}},
	}
	r, _ := recordOf(&target, &Finding{Result: prober.Result{Reason: prober.NotTLS, Message: "plain HTTP"}}, &knowledge{shelf: shelf{}})
	want := &v1alpha1.ServedState{
		Source: "Ingress shop/web", Address: "[2001:db8::1]:443", ServerName: "a.example.com", Protocol: "HTTPS", Reason: "NotTLS",
		Message: "plain HTTP", Agreement: "NotCompared", TerminatesAt: "LoadBalancer", Stored: []string{"shop/web"},
		Cloud: []v1alpha1.CloudCertificate{{Provider: "GoogleCloud", ID: "mc", Field: managedAnnotation, State: "Active"}},
	}
	got := r.Served.DeepCopy()
	if at := got.Cloud[0].NotAfter; at == nil || !at.Time.Equal(start) {
		t.Errorf("the end of the cloud's certificate is %v", at)
	}
	got.Cloud[0].NotAfter = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	if r.Key != "[2001:db8::1]:443" {
		t.Errorf("the key is %s", r.Key)
	}
	none, _ := recordOf(&Target{Problem: noAddress}, nil, &knowledge{shelf: shelf{}})
	if none.Served.Reason != string(NotProbed) || none.Served.Message != noAddress || none.Served.Protocol != "" {
		t.Errorf("what can't be dialled is %+v", none.Served)
	}
}

func TestOneAddressIsOneRecord(t *testing.T) {
	t.Parallel()
	var entries []entry
	for _, source := range []string{"b", "a"} {
		target := &Target{
			Source: Source{"Ingress", Name{"shop", source}}, Record: "same",
			Endpoint: prober.Endpoint{Host: "192.0.2.1", Port: 443},
		}
		r, v := recordOf(target, nil, &knowledge{shelf: shelf{}})
		entries = append(entries, entry{target, r, v})
	}
	o := objectOf(entries)
	if len(o.Records) != 1 || o.Records[0].Served.Source != "Ingress shop/a" {
		t.Errorf("records %+v", o.Records)
	}
	if objectOf(nil) != nil {
		t.Error("nothing makes an object")
	}
}

func TestWhichSecretsChanged(t *testing.T) {
	t.Parallel()
	a, b := chain(t, newPEM("a", start)), chain(t, newPEM("b", start))
	read := func(records ...v1alpha1.CertificateRecord) *page {
		_, p, _, err := readPage(slice(t, "inventory", v1alpha1.AgentName, records...))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	x, y := Name{"n", "x"}, Name{"n", "y"}
	moved := published(x, a, 4)
	moved.Owner = "another team"
	cases := map[string]struct {
		before, after *page
		want          map[Name]bool
	}{
		"nothing":                      {read(published(x, a, 4)), read(published(x, a, 4)), map[Name]bool{}},
		"a certificate":                {read(published(x, a, 4), published(y, a, 4)), read(published(x, b, 4), published(y, a, 4)), map[Name]bool{x: true}},
		"one that comes":               {read(), read(published(x, a, 4)), map[Name]bool{x: true}},
		"one that goes with its page":  {read(published(x, a, 4)), nil, map[Name]bool{x: true}},
		"one that comes with its page": {nil, read(published(y, a, 4)), map[Name]bool{y: true}},
		"whose it is":                  {read(published(x, a, 4)), read(moved), map[Name]bool{x: true}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, changes(c.before, c.after)); diff != "" {
				t.Errorf("changed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPagesHoldNoMoreThanSecrets(t *testing.T) {
	t.Parallel()
	a := chain(t, newPEM("a", start))
	bundle, configMap, broken := published(Name{"n", "bundle"}, a, 0), published(Name{"n", "cm"}, a, 0), published(Name{"n", "broken"}, a, 0)
	bundle.Role, configMap.Kind, broken.Fingerprint = "Bundle", "ConfigMap", "zz"
	name, p, ok, err := readPage(slice(t, "inventory-0", v1alpha1.AgentName, bundle, configMap, broken, published(Name{"n", "s"}, a, 0)))
	if err != nil || !ok || name != "inventory-0" || len(p.secrets) != 1 {
		t.Errorf("page %s (%t): %v, %v", name, ok, p, err)
	}
	if _, _, _, err := readPage([]byte("{")); err == nil {
		t.Error("half a page is read")
	}
	s := p.secrets[Name{"n", "s"}][0]
	if s.issuer == nil || *s.issuer != (inventory.IssuerRef{Name: "le", Kind: "ClusterIssuer"}) || s.bundle.First().NotBefore != start.Truncate(time.Second).Unix() {
		t.Errorf("it says %+v", s)
	}
}
