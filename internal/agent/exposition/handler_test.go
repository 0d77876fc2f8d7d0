package exposition

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

var update = flag.Bool("update", false, "write the golden files anew")

// smallCluster has one of everything.
func smallCluster() *fakeViews {
	views := &fakeViews{}
	shop := secret("shop", "shop-tls", leaf("CN=R11,O=Let's Encrypt,C=US", 60))
	shop.Records[0].Trust = bundleOf(root("CN=Shop Root", 0xaa))
	views.put(shop, func(v *inventory.View) {
		v.Layer, v.Manager, v.Owner = v1alpha1.LayerIngress, inventory.ManagedByCertManager, "team-shop"
		v.Issuer, v.Renewal = &inventory.IssuerRef{Name: "letsencrypt", Kind: "ClusterIssuer"}, clock.Unix()+30*day
	})
	old := leaf(`O=Acme\, Inc.,C=DE`, -1)
	old.Findings = certificate.WeakKey
	views.put(secret("legacy", "old", old), func(v *inventory.View) {
		v.Use.Use, v.Orphan = reference.Unreferenced, true
	})
	views.put(&inventory.Object{
		Place:   inventory.Place{Kind: inventory.KindConfigMap, Namespace: "shop", Name: "istio-ca-root-cert"},
		Records: []inventory.Record{{Key: "root-cert.pem", Role: inventory.Bundle, Value: bundleOf(root("O=cluster.local", 0xbb)), Mesh: "Istio"}},
		Manager: inventory.ManagedByMesh,
	}, func(v *inventory.View) { v.Layer = v1alpha1.LayerMesh })
	views.put(&inventory.Object{
		Place:   inventory.Place{Kind: inventory.KindValidatingWebhook, Name: "policy"},
		Records: []inventory.Record{{Key: "policy.example.com", Role: inventory.Bundle, Value: bundleOf(root("CN=Policy CA", 0xcc))}},
		Manager: inventory.ManagedByCAInjector,
	}, nil)
	views.put(&inventory.Object{
		Place:   inventory.Place{Kind: inventory.KindSecret, Namespace: "legacy", Name: "broken"},
		Records: []inventory.Record{{Key: "tls.crt", Value: &certificate.Bundle{Findings: certificate.Malformed}}},
		Manager: inventory.ManagedByHand,
	}, nil)
	return views
}

func TestScrapeGolden(t *testing.T) {
	t.Parallel()
	o := options(smallCluster())
	o.Coverage = func() []v1alpha1.Coverage {
		return []v1alpha1.Coverage{
			{Resource: "secrets", State: "Reading"},
			{Resource: "routes.route.openshift.io", State: "Forbidden"},
		}
	}
	got := scrape(t, New(o)).Body.Bytes()
	path := filepath.Join("testdata", "scrape.txt")
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("reading the golden file: %v; run the test with -update", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the scrape differs; run the test with -update if that is wanted (-want +got):\n%s", diff)
	}
	problems, err := promlint.New(bytes.NewReader(got)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	if len(problems) > 0 {
		t.Errorf("promlint: %v", problems)
	}
}

func TestOpenMetricsIsTheTextWithAnEnd(t *testing.T) {
	t.Parallel()
	handler := New(options(smallCluster()))
	plain := scrape(t, handler).Body.Bytes()
	response := scrape(t, handler, "Accept", "application/openmetrics-text;version=1.0.0")
	if got, want := response.Header().Get("Content-Type"), "application/openmetrics-text; version=1.0.0; charset=utf-8"; got != want {
		t.Errorf("Content-Type is %q, want %q", got, want)
	}
	if diff := cmp.Diff(string(plain)+"# EOF\n", response.Body.String()); diff != "" {
		t.Errorf("OpenMetrics differs (-want +got):\n%s", diff)
	}
}

func TestScrapeCanBeCompressed(t *testing.T) {
	t.Parallel()
	handler := New(options(smallCluster()))
	want := scrape(t, handler).Body.Bytes()
	for range 2 { // the second time with a writer that was used before
		response := scrape(t, handler, "Accept-Encoding", "br, gzip;q=0.8")
		if got := response.Header().Get("Content-Encoding"); got != "gzip" {
			t.Fatalf("Content-Encoding is %q", got)
		}
		unzip, err := gzip.NewReader(bytes.NewReader(response.Body.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(unzip)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("differs when compressed (-want +got):\n%s", diff)
		}
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		method string
		status int
		empty  bool
	}{
		"GET is answered":                     {http.MethodGet, http.StatusOK, false},
		"HEAD is answered without a body":     {http.MethodHead, http.StatusOK, true},
		"POST is refused with an explanation": {http.MethodPost, http.StatusMethodNotAllowed, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorder := httptest.NewRecorder()
			New(options(smallCluster())).ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), c.method, "/metrics", http.NoBody))
			if recorder.Code != c.status || recorder.Body.Len() == 0 != c.empty {
				t.Errorf("%s gives %d with %d bytes", c.method, recorder.Code, recorder.Body.Len())
			}
		})
	}
}

// gatherer gives fixed families and an error.
type gatherer struct {
	families []*dto.MetricFamily
	err      error
}

func (g gatherer) Gather() ([]*dto.MetricFamily, error) { return g.families, g.err }

func TestExtraMetricsFollow(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	reads := prometheus.NewCounter(prometheus.CounterOpts{Name: "tlsplatform_agent_reads_total", Help: "Reads."})
	registry.MustRegister(reads)
	reads.Add(3)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("no /proc")
	var reported []error
	o := options(smallCluster())
	o.Extra = gatherer{families, broken}
	o.Report = func(err error) { reported = append(reported, err) }
	got := scrape(t, New(o), "Accept", "application/openmetrics-text").Body.Bytes()
	if want := "tlsplatform_agent_reads_total 3.0\n# EOF\n"; !strings.HasSuffix(string(got), want) {
		t.Errorf("the scrape ends with %q, want %q", got[len(got)-len(want):], want)
	}
	if len(reported) != 1 || !errors.Is(reported[0], broken) {
		t.Errorf("reported %v, want %v", reported, broken)
	}
}

var errGone = errors.New("the client is gone")

// The inventory is what is served.
var _ Views = (*inventory.Inventory)(nil)

// client fails the test when it is written to under the lock, and is gone after
// so many writes.
type client struct {
	header http.Header
	views  *fakeViews
	t      *testing.T
	writes int
	gone   int
}

func (c *client) Header() http.Header { return c.header }
func (c *client) WriteHeader(int)     {}
func (c *client) Write(p []byte) (int, error) {
	if c.views.locked {
		c.t.Error("the client is written to while the inventory is locked")
	}
	if c.writes++; c.writes >= c.gone {
		return 0, errGone
	}
	return len(p), nil
}

func TestClientNeverHoldsTheLock(t *testing.T) {
	t.Parallel()
	views := manyViews(5000)
	c := &client{header: http.Header{}, views: views, t: t, gone: 1000}
	New(options(views)).ServeHTTP(c, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
	if c.writes < 10 {
		t.Errorf("%d writes: all was held in memory", c.writes)
	}
	if views.reads != 2*inventory.Shards {
		t.Errorf("%d shards were read, want each twice", views.reads)
	}
}

func TestNothingIsRenderedForAClientThatIsGone(t *testing.T) {
	t.Parallel()
	views := manyViews(5000)
	c := &client{header: http.Header{}, views: views, t: t, gone: 2}
	New(options(views)).ServeHTTP(c, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
	if views.reads > inventory.Shards/2 {
		t.Errorf("%d shards were read after the client had gone", views.reads)
	}
	if c.writes != c.gone {
		t.Errorf("%d writes, want none after the first that failed", c.writes)
	}
}

func TestRulesAreFollowedWhenTheyChange(t *testing.T) {
	t.Parallel()
	var export v1alpha1.Export
	o := options(smallCluster())
	o.Export = func() v1alpha1.Export { return export }
	handler := New(o)
	count := func() [4]float64 {
		families := parse(t, scrape(t, handler).Body.Bytes())
		without := samples(t, families["tlsplatform_certificates_not_exported"], "reason")
		return [4]float64{
			float64(len(families["tlsplatform_certificate_not_after_timestamp_seconds"].GetMetric())),
			families["tlsplatform_certificates_exported"].GetMetric()[0].GetGauge().GetValue(),
			without["Rule"], without["Unreadable"],
		}
	}
	if diff := cmp.Diff([4]float64{4, 4, 0, 1}, count()); diff != "" {
		t.Errorf("without rules (-want +got):\n%s", diff)
	}
	export = v1alpha1.Export{Deny: []v1alpha1.ExportRule{{Layers: []v1alpha1.Layer{v1alpha1.LayerMesh}}}}
	if diff := cmp.Diff([4]float64{3, 3, 1, 1}, count()); diff != "" {
		t.Errorf("without meshes (-want +got):\n%s", diff)
	}
	export = v1alpha1.Export{Allow: []v1alpha1.ExportRule{{Namespaces: []string{"legacy"}}}}
	if diff := cmp.Diff([4]float64{1, 1, 3, 1}, count()); diff != "" {
		t.Errorf("with one namespace (-want +got):\n%s", diff)
	}
}
