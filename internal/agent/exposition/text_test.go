package exposition

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ text, want string }{
		"a plain text is left alone":                 {"letsencrypt production", "letsencrypt production"},
		"letters of other scripts are left alone":    {"Müller & Søn 株式会社", "Müller & Søn 株式会社"},
		"a text is cut at the bound":                 {strings.Repeat("a", 200), strings.Repeat("a", 128)},
		"a text is cut between characters":           {strings.Repeat("a", 127) + "é", strings.Repeat("a", 127)},
		"a broken character is replaced":             {"a\xffb", "a\uFFFDb"},
		"control characters are replaced":            {"a\x00\r\nb", "a\uFFFD\uFFFD\uFFFDb"},
		"what turns the direction is replaced":       {"a\u202Eb", "a\uFFFDb"},
		"nothing stays nothing":                      {"", ""},
		"replacing does not go beyond the bound":     {strings.Repeat("\xff", 300), strings.Repeat("\uFFFD", 42)},
		"the end of a long text is not looked at":    {strings.Repeat("a", 128) + "\x00", strings.Repeat("a", 128)},
		"a character over the bound leaves no trace": {strings.Repeat("a", 126) + "😀", strings.Repeat("a", 126)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := describe(c.text); got != c.want {
				t.Errorf("describe(%q) = %q, want %q", c.text, got, c.want)
			}
		})
	}
}

func TestIdentifyKeepsTextsApart(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 200)
	texts := []string{
		"", "tls.crt", "a", "a\x00", "a\x01", "a\uFFFD", long, long + "b", long + "c",
		strings.Repeat("a", 128), strings.Repeat("a", 129), "é", "e\u0301", "\xff", "\xfe",
	}
	// Somebody may write what another text becomes.
	for _, s := range texts {
		if got := identify(s); got != s {
			texts = append(texts, got)
		}
	}
	seen := map[string]string{}
	for _, s := range texts {
		got := identify(s)
		if before, twice := seen[got]; twice {
			t.Errorf("%q and %q both become %q", before, s, got)
		}
		seen[got] = s
		if len(got) > maxLabel || !utf8.ValidString(got) {
			t.Errorf("identify(%q) = %q does not fit", s, got)
		}
	}
	if got := identify("tls.crt"); got != "tls.crt" {
		t.Errorf("identify changes a plain text to %q", got)
	}
}

func TestAppendEscaped(t *testing.T) {
	t.Parallel()
	const text = "a\"b\\c\nd\\"
	if got, want := string(appendEscaped([]byte("="), text)), `=a\"b\\c\nd\\`; got != want {
		t.Errorf("appendEscaped(%q) = %s, want %s", text, got, want)
	}
}

func TestPlainTextsAreNotCopied(t *testing.T) {
	b := make([]byte, 0, 64)
	if got := testing.AllocsPerRun(10, func() { b = appendEscaped(b[:0], identify(describe("shop-tls"))) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func TestCommonName(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ dn, want string }{
		"the common name is taken":                     {"CN=R11,O=Let's Encrypt,C=US", "R11"},
		"wherever it is":                               {"C=US,O=Let's Encrypt,CN=R11", "R11"},
		"the first of several is the most specific":    {"CN=a,CN=b", "a"},
		"else the organization is":                     {"OU=x,O=cluster.local", "cluster.local"},
		"else all of it":                               {"OU=x,C=US", "OU=x,C=US"},
		"an empty common name is none":                 {"CN=,O=Acme", "Acme"},
		"escaped commas do not divide":                 {`O=Acme\, Inc.,C=DE`, "Acme, Inc."},
		"pairs of hex digits are bytes":                {`CN=M\C3\BCller`, "Müller"},
		"attributes of one level are divided by plus":  {"OU=x+CN=a,C=US", "a"},
		"a backslash at the end stands for itself":     {`CN=a\`, `a\`},
		"an escaped backslash is one":                  {`CN=a\\,O=b`, `a\`},
		"what looks like a name inside of one is none": {`O=x\,CN=y`, "x,CN=y"},
		"nothing stays nothing":                        {"", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := commonName(c.dn); got != c.want {
				t.Errorf("commonName(%q) = %q, want %q", c.dn, got, c.want)
			}
		})
	}
}

func FuzzLabels(f *testing.F) {
	for _, seed := range []string{"", "CN=a", `CN=\`, `O=\zz,CN=\C3`, "CN=\xff+O=\n", strings.Repeat("é", 90), "a~b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, label := range []string{identify(s), describe(s), describe(commonName(s))} {
			if len(label) > maxLabel || !utf8.ValidString(label) || strings.ContainsAny(label, "\n\x00") {
				t.Errorf("%q becomes %q", s, label)
			}
		}
	})
}
