package exposition

import (
	"encoding/hex"
	"strings"
)

// commonName is what people call the owner of a distinguished name (RFC 4514):
// its common name, else its organization, else all of it.
func commonName(dn string) string {
	organization := ""
	for rest := dn; rest != ""; {
		var attribute string
		attribute, rest = nextAttribute(rest)
		kind, value, _ := strings.Cut(attribute, "=")
		switch strings.TrimSpace(kind) {
		case "CN":
			if value != "" {
				return unescape(value)
			}
		case "O":
			if organization == "" {
				organization = unescape(value)
			}
		}
	}
	if organization != "" {
		return organization
	}
	return dn
}

// nextAttribute splits at the first comma or plus sign that is not escaped.
func nextAttribute(dn string) (attribute, rest string) {
	for i := 0; i < len(dn); i++ {
		switch dn[i] {
		case '\\':
			i++
		case ',', '+':
			return dn[:i], dn[i+1:]
		}
	}
	return dn, ""
}

// unescape undoes the escapes of RFC 4514, section 2.4. A text without any is
// not copied.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b = append(b, s[i])
			continue
		}
		if i+2 < len(s) {
			if pair, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				b = append(b, pair[0])
				i += 2
				continue
			}
		}
		i++
		b = append(b, s[i])
	}
	return string(b)
}
