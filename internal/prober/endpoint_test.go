package prober

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEndpointParse(t *testing.T) {
	t.Parallel()
	type parsed struct{ addr, name, serverName string }
	for name, test := range map[string]struct {
		endpoint Endpoint
		want     parsed
		invalid  bool
	}{
		"a name is sent as the server name": {Endpoint{Host: "a.example.com", Port: 443},
			parsed{name: "a.example.com", serverName: "a.example.com"}, false},
		"the dot at the end is not sent": {Endpoint{Host: "a.example.com.", Port: 443, ServerName: "b.example.com."},
			parsed{name: "a.example.com", serverName: "b.example.com"}, false},
		"an address has no server name": {Endpoint{Host: "10.0.0.1", Port: 443}, parsed{addr: "10.0.0.1"}, false},
		"an IPv6 address":               {Endpoint{Host: "2001:db8::1", Port: 443}, parsed{addr: "2001:db8::1"}, false},
		"an address as a number is a name": {Endpoint{Host: "2130706433", Port: 443},
			parsed{name: "2130706433", serverName: "2130706433"}, false},
		"an underscore":         {Endpoint{Host: "_a.example.com", Port: 1}, parsed{name: "_a.example.com", serverName: "_a.example.com"}, false},
		"no port":               {Endpoint{Host: "a.example.com"}, parsed{}, true},
		"no host":               {Endpoint{Port: 443}, parsed{}, true},
		"a dot alone":           {Endpoint{Host: ".", Port: 443}, parsed{}, true},
		"an empty label":        {Endpoint{Host: "a..com", Port: 443}, parsed{}, true},
		"a wildcard":            {Endpoint{Host: "*.example.com", Port: 443}, parsed{}, true},
		"a wildcard to send":    {Endpoint{Host: "10.0.0.1", Port: 443, ServerName: "*.example.com"}, parsed{}, true},
		"a port in the host":    {Endpoint{Host: "a.example.com:80", Port: 443}, parsed{}, true},
		"a line break":          {Endpoint{Host: "a\r\nb", Port: 443}, parsed{}, true},
		"a long label":          {Endpoint{Host: strings.Repeat("a", 64), Port: 443}, parsed{}, true},
		"a long name":           {Endpoint{Host: strings.Repeat("a.", 127), Port: 443}, parsed{name: strings.TrimSuffix(strings.Repeat("a.", 127), "."), serverName: strings.TrimSuffix(strings.Repeat("a.", 127), ".")}, false},
		"a name that is longer": {Endpoint{Host: strings.Repeat("a.", 128), Port: 443}, parsed{}, true},
		"no such protocol":      {Endpoint{Host: "10.0.0.1", Port: 443, Protocol: 99}, parsed{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, cause := test.endpoint.parse()
			if test.invalid {
				if cause == nil || cause.reason != InvalidEndpoint {
					t.Errorf("got %v, want InvalidEndpoint", cause)
				}
				return
			}
			if cause != nil {
				t.Fatal(cause)
			}
			flat := parsed{name: got.name, serverName: got.serverName}
			if got.addr.IsValid() {
				flat.addr = got.addr.String()
			}
			if flat != test.want {
				t.Errorf("got %+v, want %+v", flat, test.want)
			}
		})
	}
}

func TestProtocolNamesAreReadAsWritten(t *testing.T) {
	t.Parallel()
	for protocol := TLS; protocol <= POP3; protocol++ {
		for _, text := range []string{protocol.String(), strings.ToLower(protocol.String())} {
			if got, err := ParseProtocol(text); err != nil || got != protocol {
				t.Errorf("ParseProtocol(%q) = %v, %v", text, got, err)
			}
		}
	}
	if _, err := ParseProtocol("gopher"); err == nil {
		t.Error("an unknown protocol was accepted")
	}
}

func TestCleanText(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"plain text":                     {"connection refused", "connection refused"},
		"other scripts":                  {"verbunden mit größe 日本", "verbunden mit größe 日本"},
		"control characters":             {"a\x1b[31m\r\nb\x00", "a?[31m??b?"},
		"bidirectional marks":            {"a\u202eb\u2066", "a?b?"},
		"invalid UTF-8":                  {"a\xff\xfeb", "a?b"},
		"long text":                      {strings.Repeat("x", 300), strings.Repeat("x", maxMessage)},
		"long text cut within a rune":    {strings.Repeat("x", 255) + "ä", strings.Repeat("x", 255)},
		"a format is a text like others": {"100%s %d", "100%s %d"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := cleanText(test.text)
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if len(got) > maxMessage || !utf8.ValidString(got) {
				t.Errorf("%q is no clean text", got)
			}
		})
	}
}

func TestReasonsAreDistinctWords(t *testing.T) {
	t.Parallel()
	seen := map[Reason]bool{}
	for _, reason := range AllReasons() {
		if seen[reason] {
			t.Errorf("%s is listed twice", reason)
		}
		seen[reason] = true
		if reason == "" || strings.ContainsAny(string(reason), " _-") {
			t.Errorf("%q is not one CamelCase word", reason)
		}
	}
}
