package exposition

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

var clock = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// fakeViews are the views by shard. While a shard is read they are locked.
type fakeViews struct {
	shards [inventory.Shards][]inventory.View
	locked bool
	reads  int
}

func (f *fakeViews) Facts(shard int, render func(*inventory.View)) {
	f.locked = true
	f.reads++
	for i := range f.shards[shard] {
		render(&f.shards[shard][i])
	}
	f.locked = false
}

// put adds a view for every record of an object. What fill leaves alone is what
// the object says.
func (f *fakeViews) put(o *inventory.Object, fill func(*inventory.View)) {
	shard := o.Shard()
	for i := range o.Records {
		v := inventory.View{
			Object: o, Record: &o.Records[i], Layer: v1alpha1.LayerApplication, Manager: o.Manager,
			Findings: o.Records[i].Value.Findings,
		}
		if fill != nil {
			fill(&v)
		}
		f.shards[shard] = append(f.shards[shard], v)
	}
}

// secret is a Secret with a certificate for a server in tls.crt.
func secret(namespace, name string, c *certificate.Certificate) *inventory.Object {
	return &inventory.Object{
		Place:   inventory.Place{Kind: inventory.KindSecret, Namespace: namespace, Name: name},
		Records: []inventory.Record{{Key: "tls.crt", Value: bundleOf(c)}},
		Manager: inventory.ManagedByHand,
	}
}

func bundleOf(list ...*certificate.Certificate) *certificate.Bundle {
	b := &certificate.Bundle{Format: certificate.PEM, Certificates: list, Count: len(list)}
	for _, c := range list {
		b.Findings |= c.Findings
	}
	return b
}

// leaf is a certificate that ends after so many days.
func leaf(issuer string, days int) *certificate.Certificate {
	return &certificate.Certificate{Issuer: issuer, NotAfter: clock.Unix() + int64(days)*day}
}

// root is a CA whose fingerprint starts with the given bytes.
func root(subject string, fingerprint ...byte) *certificate.Certificate {
	c := &certificate.Certificate{
		Subject: subject, Issuer: subject, SelfIssued: true, IsCA: true, NotAfter: clock.Unix() + 3650*day,
	}
	copy(c.Fingerprint[:], fingerprint)
	return c
}

func options(views Views) Options {
	return Options{
		Views:    views,
		Export:   func() v1alpha1.Export { return v1alpha1.Export{} },
		Cluster:  func() string { return "prod-eu-1" },
		Coverage: func() []v1alpha1.Coverage { return nil },
		Version:  "v1.2.3",
		Now:      func() time.Time { return clock },
		Report:   func(error) {},
	}
}

// scrape asks the handler with the headers given as name and value in turn.
func scrape(t testing.TB, handler http.Handler, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

// parse reads the families as Prometheus' library does.
func parse(t testing.TB, data []byte) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("parsing what was served: %v", err)
	}
	return families
}

// samples are the values of a family by the values of one label, which must tell
// them apart.
func samples(t testing.TB, family *dto.MetricFamily, label string) map[string]float64 {
	t.Helper()
	values := map[string]float64{}
	for _, m := range family.GetMetric() {
		value := ""
		for _, pair := range m.GetLabel() {
			if pair.GetName() == label {
				value = pair.GetValue()
			}
		}
		if _, twice := values[value]; twice {
			t.Errorf("%s has two samples with %s=%q", family.GetName(), label, value)
		}
		values[value] = m.GetGauge().GetValue()
	}
	return values
}
