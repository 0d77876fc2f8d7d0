package exposition

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/prometheus/common/expfmt"
)

// Formats that are served.
const (
	text           = expfmt.Format("text/plain; version=" + expfmt.TextVersion + "; charset=utf-8")
	openMetrics    = expfmt.Format(expfmt.OpenMetricsType + "; version=" + expfmt.OpenMetricsVersion_1_0_0 + "; charset=utf-8")
	oldOpenMetrics = expfmt.Format(expfmt.OpenMetricsType + "; version=" + expfmt.OpenMetricsVersion_0_0_1 + "; charset=utf-8")
)

// negotiate chooses the format that the client likes best; the text format if it
// does not say. Prometheus also offers to read protocol buffers, which are not
// served.
func negotiate(header http.Header) expfmt.Format {
	best, quality := text, 0.0
	for _, accept := range header.Values("Accept") {
		for clause := range strings.SplitSeq(accept, ",") {
			media, params, err := mime.ParseMediaType(clause)
			if err != nil {
				continue
			}
			format, served := formatOf(media, params["version"])
			if q := qualityOf(params); served && q > quality {
				best, quality = format, q
			}
		}
	}
	return best
}

func formatOf(media, version string) (format expfmt.Format, served bool) {
	switch media {
	case "application/openmetrics-text":
		switch version {
		case expfmt.OpenMetricsVersion_1_0_0:
			return openMetrics, true
		case expfmt.OpenMetricsVersion_0_0_1, "":
			return oldOpenMetrics, true
		}
	case "text/plain":
		return text, version == expfmt.TextVersion || version == ""
	case "text/*", "*/*":
		return text, true
	}
	return "", false
}

// acceptsGzip says whether the client reads gzip.
func acceptsGzip(header http.Header) bool {
	for _, accept := range header.Values("Accept-Encoding") {
		for clause := range strings.SplitSeq(accept, ",") {
			coding, params, err := mime.ParseMediaType(clause)
			if err == nil && coding == "gzip" {
				return qualityOf(params) > 0
			}
		}
	}
	return false
}

// qualityOf is the weight of a clause (RFC 9110, section 12.4.2), 0 for one that
// can't be read.
func qualityOf(params map[string]string) float64 {
	q, given := params["q"]
	if !given {
		return 1
	}
	weight, err := strconv.ParseFloat(q, 64)
	if err != nil {
		return 0
	}
	return weight
}
