package cli

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"plain text stays":                            {"CN=web, O=Example", "CN=web, O=Example"},
		"other scripts stay":                          {"CN=münchen.例え", "CN=münchen.例え"},
		"escape sequences lose their start":           {"a\x1b[31mb", "a\ufffd[31mb"},
		"C1 controls lose their start":                {"a\u009b31mb", "a\ufffd31mb"},
		"DEL is replaced":                             {"a\x7fb", "a\ufffdb"},
		"line ends and tabs are replaced":             {"a\nb\tc\r", "a\ufffdb\ufffdc\ufffd"},
		"bidirectional marks are replaced":            {"a\u202eb\u2066c", "a\ufffdb\ufffdc"},
		"zero-width characters are replaced":          {"a\u200bb\ufeffc", "a\ufffdb\ufffdc"},
		"line and paragraph separators are replaced":  {"a\u2028b\u2029c", "a\ufffdb\ufffdc"},
		"invalid UTF-8 is replaced":                   {"a\xc3\x28\xff", "a\ufffd(\ufffd"},
		"characters for private use are replaced too": {"a\ue000b", "a\ufffdb"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := clean(c.text); got != c.want {
				t.Errorf("clean(%q) = %q, want %q", c.text, got, c.want)
			}
		})
	}
}

// isSafe says that a text has nothing in it that a terminal acts on.
func isSafe(text string) bool {
	return !strings.ContainsFunc(text, isUnsafe) && strings.ToValidUTF8(text, "") == text
}

func TestCleanRecordLeavesNoTextOut(t *testing.T) {
	t.Parallel()
	r := hostile()
	walk(t, reflect.ValueOf(r).Elem(), "record", func(path, text string) {
		if isSafe(text) {
			t.Errorf("the test does not attack %s", path)
		}
	})
	before := hostile()
	cleaned := cleanRecord(r)
	walk(t, reflect.ValueOf(cleaned).Elem(), "record", func(path, text string) {
		if !isSafe(text) {
			t.Errorf("%s is not clean: %q", path, text)
		}
	})
	if diff := cmp.Diff(before, r); diff != "" {
		t.Errorf("the record that was given changed (-before +after):\n%s", diff)
	}
	if r := sample()[3]; !cmp.Equal(r, cleanRecord(r)) {
		t.Error("a clean record changed")
	}
}

// walk calls f with every text in a value.
func walk(t *testing.T, v reflect.Value, path string, f func(path, text string)) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		f(path, v.String())
	case reflect.Slice:
		if v.Len() == 0 {
			t.Errorf("%s has no item to look at", path)
		}
		for i := range v.Len() {
			walk(t, v.Index(i), path, f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			walk(t, v.Field(i), path+"."+v.Type().Field(i).Name, f)
		}
	default:
	}
}

func TestCommonName(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ dn, want string }{
		"an empty name stays empty":             {"", ""},
		"the common name comes first":           {"CN=web.example.com,O=Example", "web.example.com"},
		"the common name comes last":            {"C=DE,O=Example,CN=web", "web"},
		"a comma in another value is skipped":   {"O=Example\\, Inc.,CN=web", "web"},
		"escapes are resolved":                  {"CN=Example\\, \\\"Inc\\\" \\\\ \\+", "Example, \"Inc\" \\ +"},
		"bytes in hex stay":                     {"CN=a\\0ab", "a\\0ab"},
		"attributes of one name are told apart": {"OU=a+CN=b,O=c", "b"},
		"without one the whole name is shown":   {"O=cluster.local", "O=cluster.local"},
		"an empty one is none":                  {"CN=,O=x", "CN=,O=x"},
		"a backslash at the end is harmless":    {"CN=a\\", "a\\"},
		"CN inside of a value is none":          {"O=x\\,CN=y", "O=x\\,CN=y"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := commonName(c.dn); got != c.want {
				t.Errorf("commonName(%q) = %q, want %q", c.dn, got, c.want)
			}
		})
	}
}

func TestRelativeExpiry(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		left time.Duration
		want string
	}{
		"weeks are days":          {12*day + hour, "12d"},
		"hours are hours":         {30 * hour, "30h"},
		"minutes are minutes":     {25 * time.Minute, "25m"},
		"now is not yet too late": {0, "0s"},
		"what has ended says so":  {-2 * day, "expired 2d ago"},
		"a moment too late":       {-time.Second, "expired 1s ago"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := relativeExpiry(now.Add(c.left), now); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	t.Run("times beyond what a duration can say are bounded", func(t *testing.T) {
		t.Parallel()
		if got := relativeExpiry(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), now); got != ">292y" {
			t.Errorf("far in the future: got %q", got)
		}
		if got := relativeExpiry(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), now); got != "expired >292y ago" {
			t.Errorf("far in the past: got %q", got)
		}
		if got := span(math.MinInt64); got != ">292y" {
			t.Errorf("the smallest duration: got %q", got)
		}
	})
}

func TestShorten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"a short text stays":                       {"abcd", "abcd"},
		"a long text ends in an ellipsis":          {"abcdef", "abc…"},
		"characters are counted rather than bytes": {"äöüß", "äöüß"},
		"characters are never cut in two":          {"äöüßé", "äöü…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := shorten(c.text, 4); got != c.want {
				t.Errorf("shorten(%q, 4) = %q, want %q", c.text, got, c.want)
			}
		})
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"nothing makes no line":               {"  ", nil},
		"a line is as long as it may be":      {"aaaa bbb cc", []string{"aaaa bbb", "cc"}},
		"a word that is too long stays whole": {"a bbbbbbbbbbbb c", []string{"a", "bbbbbbbbbbbb", "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, wrap(c.text, 8)); diff != "" {
				t.Errorf("lines differ (-want +got):\n%s", diff)
			}
		})
	}
}

// A new field of the record must not be forgotten by what copies fields.
func TestHostileRecordHasEveryField(t *testing.T) {
	t.Parallel()
	const fields = 38
	if n := reflect.TypeFor[v1alpha1.CertificateRecord]().NumField(); n != fields {
		t.Errorf("CertificateRecord has %d fields, not %d: look at cleanRecord, csvRow, why and the hostile record, then correct this number", n, fields)
	}
}
