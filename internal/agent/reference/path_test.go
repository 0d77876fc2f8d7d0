package reference

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPathLeadsToValues(t *testing.T) {
	t.Parallel()
	object := decode(t, `
spec:
  tls: {secretName: a}
  lists: [{name: b}, {name: c}, text]
  maps: {second: {name: e}, first: {name: d}}
  names: [f, g]
  deep: {one: {two: [{ca: {name: h}}]}, ca: {name: i}}
metadata: {annotations: {example.com/tls: j}}`)
	cases := map[string]struct {
		path string
		want []string
	}{
		"a field":                          {".spec.tls.secretName", []string{"a"}},
		"every item of a list":             {".spec.lists[*].name", []string{"b", "c"}},
		"every value of a map, in order":   {".spec.maps[*].name", []string{"d", "e"}},
		"items that are text themselves":   {".spec.names[*]", []string{"f", "g"}},
		"any depth, the nearest first":     {".spec[**].ca.name", []string{"i", "h"}},
		"a name with dots":                 {".metadata.annotations['example.com/tls']", []string{"j"}},
		"a field that does not exist":      {".spec.none.name", nil},
		"a list where a field is expected": {".spec.lists.name", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := parsePath(c.path)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			p.each(object, func(value any, _ map[string]any) bool {
				text, _ := value.(string)
				got = append(got, text)
				return true
			})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParsePathRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ path, want string }{
		"nothing":                 {"", "path is empty"},
		"no dot at the start":     {"spec.a", "at byte 0: expected .name"},
		"two dots":                {".spec..a", "at byte 5: expected the name of a field"},
		"a digit at the start":    {".1a", "expected the name of a field"},
		"an index":                {".spec[0]", "at byte 5: expected .name"},
		"a quote that stays open": {".spec['a", "expected ['name']"},
		"an empty quote":          {".spec['']", "expected ['name']"},
		"any depth at the end":    {".spec[**]", "ends in [**]"},
		"a path that is too long": {"." + strings.Repeat("a", 300), "longer than 253"},
		"too many steps":          {strings.Repeat("[*]", 70), "more than 64 steps"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parsePath(c.path)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestPathIsBounded(t *testing.T) {
	t.Parallel()
	wide := make([]any, 3*maxVisits)
	for i := range wide {
		wide[i] = "x"
	}
	p, err := parsePath(".a[*]")
	if err != nil {
		t.Fatal(err)
	}
	visits := 0
	p.each(map[string]any{"a": wide}, func(any, map[string]any) bool { visits++; return true })
	if visits == 0 || visits > maxVisits {
		t.Errorf("visited %d values, want at most %d", visits, maxVisits)
	}
	var deep any = "x"
	for range 10_000 {
		deep = map[string]any{"a": deep}
	}
	p, err = parsePath("[**].b")
	if err != nil {
		t.Fatal(err)
	}
	p.each(map[string]any{"a": deep}, func(any, map[string]any) bool { return true })
}

func FuzzPath(f *testing.F) {
	f.Add(".spec.tls[*].secretName", `{"spec":{"tls":[{"secretName":"a"}]}}`)
	f.Add(".metadata.annotations['a.b/c']", `{"metadata":{"annotations":{"a.b/c":"d"}}}`)
	f.Add("[**].name", `{"a":[{"name":"b"},{"c":{"name":1}}]}`)
	f.Add("[**][**][**][**].a", `[[[[{}]]]]`)
	f.Fuzz(func(t *testing.T, text, object string) {
		p, err := parsePath(text)
		if err != nil {
			return
		}
		if got := len(p.steps); got == 0 || got > maxSteps {
			t.Errorf("%q has %d steps", text, got)
		}
		var decoded map[string]any
		if json.Unmarshal([]byte(object), &decoded) != nil {
			return
		}
		found := 0
		p.each(decoded, func(any, map[string]any) bool { found++; return true })
		if found > maxVisits {
			t.Errorf("%q found %d values", text, found)
		}
	})
}
