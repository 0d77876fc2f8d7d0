package policy

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// depth says how many labels a pattern puts before its name.
type depth int

const (
	exact depth = iota
	oneLabel
	anyLabels
)

// Pattern is a DNS pattern: a name, one label below it, or one or more labels
// below it.
type Pattern struct {
	depth depth
	// name without the leading stars, in lower case.
	name string
}

var patternName = regexp.MustCompile(`^([a-z0-9]([-a-z0-9]*[a-z0-9])?[.])*[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

// ParsePattern reads a DNS pattern. The API server has checked its form; here it
// is checked again, since a pattern becomes part of a regular expression.
func ParsePattern(p v1alpha1.DNSPattern) (Pattern, error) {
	out := Pattern{name: string(p)}
	switch {
	case strings.HasPrefix(out.name, "**."):
		out.depth, out.name = anyLabels, out.name[3:]
	case strings.HasPrefix(out.name, "*."):
		out.depth, out.name = oneLabel, out.name[2:]
	}
	if !patternName.MatchString(out.name) {
		return Pattern{}, fmt.Errorf("DNS pattern %q is not a lower-case name, optionally after '*.' or '**.'", p)
	}
	return out, nil
}

// ParsePatterns reads a list of DNS patterns.
func ParsePatterns(list []v1alpha1.DNSPattern) ([]Pattern, error) {
	out := make([]Pattern, 0, len(list))
	for _, p := range list {
		parsed, err := ParsePattern(p)
		if err != nil {
			return nil, err
		}
		out = append(out, parsed)
	}
	return out, nil
}

// String is the pattern as people write it.
func (p Pattern) String() string {
	return map[depth]string{exact: "", oneLabel: "*.", anyLabels: "**."}[p.depth] + p.name
}

// Matches says whether a DNS name falls under the pattern. ASCII case and one
// trailing dot do not count. A wildcard is a label like any other, so
// *.example.com is one label below example.com.
func (p Pattern) Matches(name string) bool {
	name = strings.TrimSuffix(LowerASCII(name), ".")
	if p.depth == exact {
		return name == p.name
	}
	labels, below := strings.CutSuffix(name, "."+p.name)
	if !below {
		return false
	}
	parts := strings.Split(labels, ".")
	for _, label := range parts {
		if label == "" {
			return false
		}
	}
	return p.depth == anyLabels || len(parts) == 1
}

// Denies says whether a DNS name is refused by the pattern in a list of denied
// ones: when it matches, and also when it is a wildcard that covers the name
// that is denied. Otherwise *.example.com would serve a denied
// admin.example.com.
func (p Pattern) Denies(name string) bool {
	return p.Matches(name) || p.coveredBy(name)
}

func (p Pattern) coveredBy(name string) bool {
	if p.depth != exact {
		return false
	}
	_, parent, ok := strings.Cut(p.name, ".")
	return ok && strings.TrimSuffix(LowerASCII(name), ".") == "*."+parent
}

// regexp of what the pattern matches, without anchors and trailing dot.
func (p Pattern) regexp() string {
	name := strings.ReplaceAll(p.name, ".", "[.]")
	switch p.depth {
	case oneLabel:
		return "[^.]+[.]" + name
	case anyLabels:
		return "([^.]+[.])+" + name
	case exact:
	}
	return name
}

func (p Pattern) denyRegexp() string {
	label, parent, ok := strings.Cut(p.name, ".")
	if p.depth != exact || !ok {
		return p.regexp()
	}
	return "(" + label + "|[*])[.]" + strings.ReplaceAll(parent, ".", "[.]")
}

// AllowRegexp is the RE2 expression that finds in a name, put to lower case by
// LowerASCII, what Matches finds for one of the patterns.
func AllowRegexp(patterns []Pattern) string { return alternatives(patterns, Pattern.regexp) }

// DenyRegexp is the RE2 expression that finds in a name, put to lower case by
// LowerASCII, what Denies finds for one of the patterns.
func DenyRegexp(patterns []Pattern) string { return alternatives(patterns, Pattern.denyRegexp) }

func alternatives(patterns []Pattern, of func(Pattern) string) string {
	parts := make([]string, 0, len(patterns))
	for _, p := range patterns {
		parts = append(parts, of(p))
	}
	return "^(" + strings.Join(parts, "|") + ")[.]?$"
}

// LowerASCII puts A to Z to lower case and leaves all else, as CEL's lowerAscii
// does: letters outside ASCII that fold to ASCII ones make another name.
func LowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// A common name is taken for a DNS name when it has a dot, none of the
// characters that DNS names lack and URIs, mail addresses and sentences have,
// and is no IPv4 address.
const (
	// CommonNameDNSRegexp finds common names that may be DNS names.
	CommonNameDNSRegexp = `^[^\s@/:]*[.][^\s@/:]*$`
	// CommonNameIPRegexp finds those of them that are IPv4 addresses.
	CommonNameIPRegexp = `^[0-9.]+$`
)

var (
	commonNameDNS = regexp.MustCompile(CommonNameDNSRegexp)
	commonNameIP  = regexp.MustCompile(CommonNameIPRegexp)
)

// CommonNameIsDNS says whether a common name is judged as a DNS name.
func CommonNameIsDNS(cn string) bool {
	return commonNameDNS.MatchString(cn) && !commonNameIP.MatchString(cn)
}
