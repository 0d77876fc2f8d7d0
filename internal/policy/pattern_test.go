package policy

import (
	"regexp"
	"strings"
	"testing"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

func TestPatternMatchesByLabels(t *testing.T) {
	tests := map[string]struct {
		pattern         v1alpha1.DNSPattern
		name            string
		matches, denies bool
	}{
		"a name matches itself":                               {"example.com", "example.com", true, true},
		"case does not count":                                 {"example.com", "EXAMPLE.Com", true, true},
		"a trailing dot does not count":                       {"example.com", "example.com.", true, true},
		"two trailing dots make another name":                 {"example.com", "example.com..", false, false},
		"a name does not match what is below it":              {"example.com", "a.example.com", false, false},
		"a name does not match a longer one":                  {"example.com", "notexample.com", false, false},
		"the dot is a dot and not any character":              {"example.com", "exampleXcom", false, false},
		"one star is one label":                               {"*.example.com", "a.example.com", true, true},
		"one star is not two labels":                          {"*.example.com", "a.b.example.com", false, false},
		"one star is not no label":                            {"*.example.com", "example.com", false, false},
		"one star takes the wildcard name":                    {"*.example.com", "*.example.com", true, true},
		"one star does not take an empty label":               {"*.example.com", ".example.com", false, false},
		"one star does not take another domain's end":         {"*.example.com", "aexample.com", false, false},
		"two stars are one label":                             {"**.example.com", "a.example.com", true, true},
		"two stars are many labels":                           {"**.example.com", "a.b.c.example.com", true, true},
		"two stars are not no label":                          {"**.example.com", "example.com", false, false},
		"two stars take a wildcard name":                      {"**.example.com", "*.a.example.com", true, true},
		"two stars do not take an empty label":                {"**.example.com", "a..example.com", false, false},
		"two stars do not take another domain":                {"**.example.com", "a.example.com.evil.org", false, false},
		"a single label can be a pattern":                     {"localhost", "localhost", true, true},
		"a pattern below a top-level name":                    {"**.internal", "db.internal", true, true},
		"a wildcard that covers a denied name is denied":      {"admin.example.com", "*.example.com", false, true},
		"a wildcard one level up covers no denied name":       {"admin.example.com", "*.com", false, false},
		"a wildcard beside the denied name is no concern":     {"admin.example.com", "*.example.org", false, false},
		"a wildcard covers no denied single label":            {"localhost", "*", false, false},
		"a letter that only folds to ASCII is another name":   {"kube.example.com", "\u212Aube.example.com", false, false},
		"a line break in front is part of a label":            {"*.example.com", "a\n.example.com", true, true},
		"a line break behind makes another name":              {"*.example.com", "a.example.com\n", false, false},
		"an empty name matches nothing":                       {"**.example.com", "", false, false},
		"the parent domain alone is not below itself, dotted": {"**.example.com", "example.com.", false, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := ParsePattern(tt.pattern)
			if err != nil {
				t.Fatalf("parsing %q: %v", tt.pattern, err)
			}
			if got := p.Matches(tt.name); got != tt.matches {
				t.Errorf("%q matches %q: got %v, want %v", tt.pattern, tt.name, got, tt.matches)
			}
			if got := p.Denies(tt.name); got != tt.denies {
				t.Errorf("%q denies %q: got %v, want %v", tt.pattern, tt.name, got, tt.denies)
			}
			if p.String() != string(tt.pattern) {
				t.Errorf("String gives %q, want %q", p.String(), tt.pattern)
			}
			agree(t, p, tt.name)
		})
	}
}

func TestParsePatternRefusesWhatIsNoPattern(t *testing.T) {
	for name, pattern := range map[string]v1alpha1.DNSPattern{
		"a star alone":              "*",
		"two stars alone":           "**",
		"a star and a dot":          "*.",
		"a star inside":             "a.*.example.com",
		"three stars":               "***.example.com",
		"upper case":                "Example.com",
		"a regular expression":      "(a|b).example.com",
		"an empty label":            "a..example.com",
		"a trailing dot":            "example.com.",
		"nothing":                   "",
		"a hyphen at the beginning": "-a.example.com",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ParsePatterns([]v1alpha1.DNSPattern{"example.com", pattern}); err == nil {
				t.Errorf("%q was taken for a pattern", pattern)
			}
		})
	}
}

// agree checks that the regular expressions, alone and among others, say what
// the matcher says.
func agree(t *testing.T, p Pattern, name string) {
	t.Helper()
	other, err := ParsePattern("other.invalid")
	if err != nil {
		t.Fatalf("parsing the other pattern: %v", err)
	}
	for _, list := range [][]Pattern{{p}, {other, p}, {p, other}} {
		allow, deny := false, false
		for _, q := range list {
			allow, deny = allow || q.Matches(name), deny || q.Denies(name)
		}
		if got := regexp.MustCompile(AllowRegexp(list)).MatchString(LowerASCII(name)); got != allow {
			t.Errorf("AllowRegexp %s on %q: got %v, the matcher says %v", AllowRegexp(list), name, got, allow)
		}
		if got := regexp.MustCompile(DenyRegexp(list)).MatchString(LowerASCII(name)); got != deny {
			t.Errorf("DenyRegexp %s on %q: got %v, the matcher says %v", DenyRegexp(list), name, got, deny)
		}
	}
}

func FuzzPatternAndRegexpAgree(f *testing.F) {
	f.Add("**.example.com", "a.b.EXAMPLE.com.")
	f.Add("*.example.com", "*.example.com")
	f.Add("admin.example.com", "*.example.com.")
	f.Add("a", "*.")
	f.Add("a.b", "\xff.b")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		p, err := ParsePattern(v1alpha1.DNSPattern(pattern))
		if err != nil {
			return
		}
		agree(t, p, name)
		// Names near the pattern are found by chance too seldom.
		bare := strings.TrimLeft(pattern, "*")
		agree(t, p, name+bare)
		agree(t, p, name+"."+strings.TrimPrefix(bare, "."))
		agree(t, p, "*."+name+bare)
	})
}

func TestCommonNameIsDNS(t *testing.T) {
	for cn, want := range map[string]bool{
		"www.example.com":         true,
		"*.example.com":           true,
		"www.example.com.":        true,
		"WWW.EXAMPLE.COM":         true,
		"platform-root":           false,
		"Example Root CA v1.2":    false,
		"spiffe://example.com/db": false,
		"alice@example.com":       false,
		"10.0.0.1":                false,
		"":                        false,
	} {
		t.Run(cn, func(t *testing.T) {
			if got := CommonNameIsDNS(cn); got != want {
				t.Errorf("%q: got %v, want %v", cn, got, want)
			}
		})
	}
}
