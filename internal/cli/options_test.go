package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want time.Duration
	}{
		"days":                        {"30d", 30 * day},
		"hours":                       {"12h", 12 * hour},
		"days and hours":              {"1d12h", 36 * hour},
		"days and parts of an hour":   {"2d1h30m", 49*hour + 30*time.Minute},
		"no unit is an error":         {"30", 0},
		"no number is an error":       {"d", 0},
		"nothing is an error":         {"", 0},
		"nothing at all is an error":  {"0d", 0},
		"the past is an error":        {"-3d", 0},
		"hours in the past are, too":  {"1d-2h", 0},
		"days twice are an error":     {"1d2d", 0},
		"days last are an error":      {"12h1d", 0},
		"half days are an error":      {"1.5d", 0},
		"more than fits is an error":  {"106752d", 0},
		"much more is an error, too":  {"99999999999999999999d", 0},
		"a sum beyond what fits, too": {"2000000h2000000h", 0},
		"words are an error":          {"soon", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseDuration(c.text)
			if got != c.want || (err == nil) != (c.want > 0) {
				t.Errorf("parseDuration(%q) = %v, %v; want %v", c.text, got, err, c.want)
			}
		})
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	f := inventoryFlags{
		filter: filter{layers: []string{"mesh"}, roles: []string{"SERVING"}, kinds: []string{"cm", "Secrets"}, findings: []string{"weakkey"}},
		within: "1d", sortBy: "NAME",
	}
	if err := f.complete(); err != nil {
		t.Fatal(err)
	}
	want := filter{
		layers: []string{"Mesh"}, roles: []string{"Serving"}, kinds: []string{"ConfigMap", "Secret"}, findings: []string{"WeakKey"}, within: day,
	}
	if diff := cmp.Diff(want, f.filter, cmp.AllowUnexported(filter{})); diff != "" {
		t.Errorf("filter differs (-want +got):\n%s", diff)
	}
	if f.sortBy != "name" {
		t.Errorf("got order %q, want name", f.sortBy)
	}
}

func TestFlagErrorsListWhatIsKnown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flags inventoryFlags
		want  string
	}{
		"layer":          {inventoryFlags{filter: filter{layers: []string{"edge"}}}, `--layer: "edge" is not known: use one of Ingress, Mesh, Application`},
		"role":           {inventoryFlags{filter: filter{roles: []string{"x"}}}, "Serving, Bundle, Authority"},
		"finding":        {inventoryFlags{filter: filter{findings: []string{"x"}}}, strings.Join(certificate.AllFindings(), ", ")},
		"kind":           {inventoryFlags{filter: filter{kinds: []string{"pod"}}}, "APIService, CertificateRequest, ConfigMap"},
		"sort-by":        {inventoryFlags{sortBy: "age"}, "expiry, name, namespace"},
		"expires-within": {inventoryFlags{within: "soon"}, `--expires-within: "soon" is not a duration`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.flags.sortBy == "" {
				c.flags.sortBy = "expiry"
			}
			if err := c.flags.complete(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}
