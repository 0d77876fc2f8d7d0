package exposition

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
)

// manyViews are certificates of 400 namespaces, with names and labels as long as
// they are in practice, all renewed by cert-manager.
func manyViews(n int) *fakeViews {
	views := &fakeViews{}
	roots := bundleOf(root("CN=Example Root X1,O=Example Trust Services,C=US", 1))
	for i := range n {
		c := leaf("CN=R11,O=Let's Encrypt,C=US", i%120)
		c.Fingerprint[0], c.Fingerprint[1], c.Fingerprint[2] = byte(i), byte(i>>8), byte(i>>16)
		o := secret(fmt.Sprintf("team-%03d-production", i%400), fmt.Sprintf("checkout-service-%05d-tls", i), c)
		o.Records[0].Value = bundleOf(c, root("CN=R11,O=Let's Encrypt,C=US", 2, byte(i%7)))
		o.Records[0].Trust = roots
		issuer := &inventory.IssuerRef{Name: fmt.Sprintf("letsencrypt-production-%02d", i%150), Kind: "ClusterIssuer"}
		views.put(o, func(v *inventory.View) {
			v.Manager, v.Owner, v.Issuer, v.Renewal = inventory.ManagedByCertManager, fmt.Sprintf("team-%03d", i%400), issuer, clock.Unix()
			if i%2 == 0 {
				v.Layer = v1alpha1.LayerIngress
			}
		})
	}
	return views
}

func TestTwentyThousandCertificatesFitInto12MiB(t *testing.T) {
	t.Parallel()
	got := scrape(t, New(options(manyViews(20000)))).Body.Bytes()
	series := 0
	for line := range strings.Lines(string(got)) {
		if strings.HasPrefix(line, "tlsplatform_certificate_not_after") || strings.HasPrefix(line, "tlsplatform_certificate_renewal") {
			series++
		}
	}
	if series != 40000 {
		t.Errorf("%d series of single certificates, want 40000", series)
	}
	if len(got) > 12<<20 {
		t.Errorf("the scrape has %d bytes", len(got))
	}
	zipped := scrape(t, New(options(manyViews(20000))), "Accept-Encoding", "gzip").Body.Bytes()
	t.Logf("%.1f MiB, %.1f MiB when compressed", float64(len(got))/(1<<20), float64(len(zipped))/(1<<20))
}

// discard is a client that reads all at once.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) WriteHeader(int)             {}
func (d discard) Write(p []byte) (int, error) { return io.Discard.Write(p) }

func BenchmarkScrape(b *testing.B) {
	views := manyViews(20000)
	used := New(options(views))
	again := func() http.Handler { return used }
	// A new handler has no pools to draw on.
	first := func() http.Handler { return New(options(views)) }
	cases := map[string]struct {
		handler  func() http.Handler
		encoding string
	}{
		"plain":      {again, "identity"},
		"gzip":       {again, "gzip"},
		"plainFirst": {first, "identity"},
		"gzipFirst":  {first, "gzip"},
	}
	for name, c := range cases {
		b.Run(name, func(b *testing.B) {
			request := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/metrics", http.NoBody)
			request.Header.Set("Accept-Encoding", c.encoding)
			b.ReportAllocs()
			for b.Loop() {
				c.handler().ServeHTTP(discard{http.Header{}}, request)
			}
		})
	}
}
