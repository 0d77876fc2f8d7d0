package exposition

import (
	"net/http"
	"testing"

	"github.com/prometheus/common/expfmt"
)

func TestNegotiate(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		accept []string
		want   expfmt.Format
	}{
		"without a wish it is text":       {nil, text},
		"any is text":                     {[]string{"*/*"}, text},
		"a browser gets text":             {[]string{"text/html,application/xhtml+xml,*/*;q=0.8"}, text},
		"what can't be read is no wish":   {[]string{";;;,=,application/openmetrics-text;q=x"}, text},
		"OpenMetrics by version":          {[]string{"application/openmetrics-text; version=1.0.0"}, openMetrics},
		"OpenMetrics without a version":   {[]string{"application/openmetrics-text"}, oldOpenMetrics},
		"OpenMetrics of the future":       {[]string{"application/openmetrics-text; version=2.0.0"}, text},
		"the higher weight wins":          {[]string{"application/openmetrics-text;version=1.0.0;q=0.2,text/plain;version=0.0.4;q=0.5"}, text},
		"of equal weights the first wins": {[]string{"text/plain,application/openmetrics-text;version=1.0.0"}, text},
		"a weight of zero is a refusal":   {[]string{"application/openmetrics-text;version=1.0.0;q=0"}, text},
		"several headers are one":         {[]string{"text/html", "application/openmetrics-text;version=1.0.0"}, openMetrics},
		"Prometheus 3": {
			[]string{"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4," +
				"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,/;q=0.1"}, openMetrics,
		},
		"Prometheus that likes protocol buffers best": {
			[]string{"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6," +
				"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2"}, openMetrics,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := negotiate(http.Header{"Accept": c.accept}); got != c.want {
				t.Errorf("negotiate(%q) = %q, want %q", c.accept, got, c.want)
			}
		})
	}
}

func TestAcceptsGzip(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		accept []string
		want   bool
	}{
		"no wish":             {nil, false},
		"gzip":                {[]string{"gzip"}, true},
		"gzip among others":   {[]string{"br;q=1, gzip;q=0.5"}, true},
		"in a second header":  {[]string{"br", "gzip"}, true},
		"gzip is refused":     {[]string{"gzip;q=0, *"}, false},
		"another one":         {[]string{"x-gzip-like"}, false},
		"what can't be read":  {[]string{"gzip;q=x"}, false},
		"identity":            {[]string{"identity"}, false},
		"case does not count": {[]string{"GZIP"}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := acceptsGzip(http.Header{"Accept-Encoding": c.accept}); got != c.want {
				t.Errorf("acceptsGzip(%q) = %v, want %v", c.accept, got, c.want)
			}
		})
	}
}
