package reference

import "strings"

// Limits of names (RFC 1123).
const (
	maxLabel     = 63
	maxSubdomain = 253
)

// isLabel says whether text is a DNS label, as names of namespaces are.
func isLabel(text string) bool {
	return len(text) <= maxLabel && isSubdomain(text) && strings.IndexByte(text, '.') < 0
}

// isSubdomain says whether text is a DNS subdomain, as names of Secrets are.
func isSubdomain(text string) bool {
	if text == "" || len(text) > maxSubdomain {
		return false
	}
	before := byte('.')
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case c == '-':
			if before == '.' {
				return false
			}
		case c == '.':
			if before == '.' || before == '-' {
				return false
			}
		default:
			return false
		}
		before = c
	}
	return before != '.' && before != '-'
}

// qualified splits namespace/name. It is not ok when one of them is no name.
func qualified(text string) (namespace, name string, ok bool) {
	namespace, name, ok = strings.Cut(text, "/")
	return namespace, name, ok && isLabel(namespace) && isSubdomain(name)
}

// qualifiedOr splits namespace/name; a name alone is in the given namespace.
func qualifiedOr(text, own string) (namespace, name string, ok bool) {
	if strings.IndexByte(text, '/') >= 0 {
		return qualified(text)
	}
	return own, text, isSubdomain(text)
}
