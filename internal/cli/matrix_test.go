package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

func matrixOf(t *testing.T, fleet *fleetView, differences bool, as format) string {
	t.Helper()
	var b bytes.Buffer
	if err := printMatrix(&b, newMatrixView(fleet, differences), as); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestMatrixGoldens(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fleet       *fleetView
		differences bool
		as          format
	}{
		"matrix-differences.table": {fleetOf(sampleMembers()), true, formatTable},
		"matrix-one.table":         {fleetOf(sampleMembers(), "prod-eu-2"), true, formatTable},
		"matrix-same.table":        {fleetOf(sampleMembers()[2:4]), true, formatTable},
		"matrix-unseen.table":      {fleetOf(sampleMembers()[:2]), false, formatTable},
		"matrix-many.table":        {fleetOf(manyMembers()), false, formatTable},
		"matrix-many.wide":         {fleetOf(manyMembers()), true, formatWide},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name, matrixOf(t, c.fleet, c.differences, c.as))
		})
	}
}

func TestLargeFleetsStayReadable(t *testing.T) {
	t.Parallel()
	var members []*v1alpha1.MemberCluster
	for i := range 500 {
		m := member(fmt.Sprintf("c%03d", i), nil)
		for j := range 40 {
			m.Status.Profile.Issuers = append(m.Status.Profile.Issuers, v1alpha1.IssuerProfile{
				Kind: "Issuer", Namespace: "ns", Name: fmt.Sprint(j), Backend: "ca " + digest(i*100+j+10),
			})
		}
		members = append(members, m)
	}
	text := matrixOf(t, fleetOf(members), false, formatTable)
	if n := strings.Count(text, "\n"); n > 40 {
		t.Errorf("got %d lines", n)
	}
	for line := range strings.Lines(text) {
		if len(line) > 250 {
			t.Errorf("a line has %d bytes: %.100q", len(line), line)
		}
	}
	if !strings.Contains(text, "20002 distinct CA backends:") || !strings.Contains(text, "and 19992 more: see -o wide") {
		t.Errorf("the figures are missing: %s", text)
	}
}

func TestMatrixCommand(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile(filepath.Join("testdata", "matrix-differences.table"))
	if err != nil {
		t.Fatal(err)
	}
	want := result{out: string(table), err: "3 clusters compared, 3 clusters not seen\n"}
	if diff := cmp.Diff(want, run(t, true, hub(), "matrix", "--differences"), cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("result differs (-want +got):\n%s", diff)
	}
	if r := run(t, true, hub(), "matrix", "-o", "json", "-l", "stage=prod"); r.err != "" || !strings.Contains(r.out, `"compared": 2,`) {
		t.Errorf("got %+v", r)
	}
}

func TestComparison(t *testing.T) {
	t.Parallel()
	for want, c := range map[string][2]int{
		"0 clusters are seen, so there is nothing to compare, 2 clusters not seen": {0, 2},
		"1 cluster is seen, so there is nothing to compare":                        {1, 1},
		"3 clusters compared":                     {3, 3},
		"2 clusters compared, 1 cluster not seen": {2, 3},
	} {
		if got := comparison(c[0], c[1]); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
