package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// inventoryOf is the sample in the order of the command's default.
func inventoryOf(t *testing.T, records []*v1alpha1.CertificateRecord, as format) string {
	t.Helper()
	sortRecords(records, sortByExpiry)
	var b bytes.Buffer
	if err := printInventory(&b, records, as, now); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestInventoryGoldens(t *testing.T) {
	t.Parallel()
	for _, as := range inventoryFormats {
		t.Run(string(as), func(t *testing.T) {
			t.Parallel()
			golden(t, "inventory."+string(as), inventoryOf(t, sample(), as))
		})
	}
}

// decoded is the inventory as a program reads it.
type decoded struct {
	APIVersion string                        `json:"apiVersion"`
	Kind       string                        `json:"kind"`
	Items      []*v1alpha1.CertificateRecord `json:"items"`
}

func TestJSONAndYAMLHoldAllOfTheRecords(t *testing.T) {
	t.Parallel()
	for name, records := range map[string][]*v1alpha1.CertificateRecord{
		"no record": nil, "one record": sample()[:1], "many records": sample(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := decoded{APIVersion: "tlsplatform.io/v1alpha1", Kind: "CertificateInventory", Items: []*v1alpha1.CertificateRecord{}}
			sortRecords(records, sortByExpiry)
			want.Items = append(want.Items, records...)
			var fromJSON, fromYAML decoded
			if err := json.Unmarshal([]byte(inventoryOf(t, records, formatJSON)), &fromJSON); err != nil {
				t.Fatalf("reading JSON: %v", err)
			}
			if err := yaml.UnmarshalStrict([]byte(inventoryOf(t, records, formatYAML)), &fromYAML); err != nil {
				t.Fatalf("reading YAML: %v", err)
			}
			if diff := cmp.Diff(want, fromJSON); diff != "" {
				t.Errorf("JSON differs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, fromYAML); diff != "" {
				t.Errorf("YAML differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNothingHostileReachesTheTerminal(t *testing.T) {
	t.Parallel()
	for _, as := range inventoryFormats {
		t.Run("inventory as "+string(as), func(t *testing.T) {
			t.Parallel()
			checkSafeLines(t, inventoryOf(t, []*v1alpha1.CertificateRecord{hostile()}, as))
		})
	}
	for _, as := range explanationFormats {
		t.Run("explanation as "+string(as), func(t *testing.T) {
			t.Parallel()
			checkSafeLines(t, explanationOf(t, []*v1alpha1.CertificateRecord{hostile()}, nil, as))
		})
	}
}

func checkSafeLines(t *testing.T, text string) {
	t.Helper()
	if !strings.Contains(text, "owned") {
		t.Errorf("the attack is not in the output, so nothing is tested: %q", text)
	}
	for line := range strings.Lines(text) {
		if !isSafe(strings.TrimSuffix(line, "\n")) {
			t.Errorf("a line is not safe: %q", line)
		}
	}
}

func TestTableKeepsOneLineForEachRecord(t *testing.T) {
	t.Parallel()
	r := hostile()
	r.Subject = "CN=" + strings.Repeat("x", 5000)
	text := inventoryOf(t, []*v1alpha1.CertificateRecord{r, r}, formatTable)
	if n := strings.Count(text, "\n"); n != 3 {
		t.Errorf("got %d lines, want 3", n)
	}
	if strings.Contains(text, strings.Repeat("x", cellWidth)) {
		t.Error("a cell is longer than its column may be")
	}
}

func TestCSVCells(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ cell, want string }{
		"text stays":                     {"web", "web"},
		"nothing stays":                  {"", ""},
		"an equals sign is defused":      {"=1+1", "'=1+1"},
		"a plus sign is defused":         {"+1", "'+1"},
		"a minus sign is defused":        {"-1", "'-1"},
		"an at sign is defused":          {"@SUM(A1)", "'@SUM(A1)"},
		"spaces in front do not help":    {"  =1", "'  =1"},
		"full-width signs count as well": {"＝1", "'＝1"},
		"signs inside are harmless":      {"CN=web", "CN=web"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := defuse(c.cell); got != c.want {
				t.Errorf("defuse(%q) = %q, want %q", c.cell, got, c.want)
			}
		})
	}
}

func TestCSVHasACellForEachTitle(t *testing.T) {
	t.Parallel()
	rows, err := csv.NewReader(strings.NewReader(inventoryOf(t, sample(), formatCSV))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(sample())+1 {
		t.Fatalf("got %d rows, want %d", len(rows), len(sample())+1)
	}
	cells := map[string]string{}
	for i, title := range rows[0] {
		cells[title] = rows[1][i]
	}
	want := map[string]string{
		"name": "old-portal", "serial": "'-1a", "purpose": "'=the portal, until it is switched off", "orphan": "true",
		"notAfter": "2026-11-22T12:00:00Z", "findings": "NoNames WeakKey WeakSignature", "problem": "", "certificates": "1",
	}
	for title, value := range want {
		if cells[title] != value {
			t.Errorf("column %s: got %q, want %q", title, cells[title], value)
		}
	}
}

func TestNamesAreWrittenOnceAndCanBeAskedFor(t *testing.T) {
	t.Parallel()
	second := sample()[3]
	second.Key = "ca.crt"
	names := strings.Fields(inventoryOf(t, append(sample(), second), formatName))
	if len(names) != len(sample()) {
		t.Errorf("got %d names, want %d: %v", len(names), len(sample()), names)
	}
	for _, name := range names {
		target, err := parseTarget(name, "", "")
		if err != nil {
			t.Errorf("parseTarget(%q): %v", name, err)
			continue
		}
		if _, err := find(sample(), target); err != nil {
			t.Errorf("find(%q): %v", name, err)
		}
	}
}

// brokenWriter fails after some bytes.
type brokenWriter struct{ left int }

var errBroken = errors.New("broken pipe")

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errBroken
	}
	return len(p), nil
}

func TestFailingWritesAreReported(t *testing.T) {
	t.Parallel()
	for _, as := range inventoryFormats {
		for _, left := range []int{0, 90} {
			if err := printInventory(&brokenWriter{left}, sample(), as, now); !errors.Is(err, errBroken) {
				t.Errorf("%s after %d bytes: got %v", as, left, err)
			}
		}
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	if _, err := parseFormat("xml", inventoryFormats); err == nil || !strings.Contains(err.Error(), "table, wide, json, yaml, csv, name") {
		t.Errorf("an unknown format: got %v", err)
	}
	if err := printInventory(&bytes.Buffer{}, nil, formatText, now); err == nil {
		t.Error("an inventory was written as text")
	}
	if err := printExplanation(&bytes.Buffer{}, explain(sample()[:1], nil, now), formatCSV, now); err == nil {
		t.Error("an explanation was written as CSV")
	}
}
