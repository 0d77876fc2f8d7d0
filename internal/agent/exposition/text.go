package exposition

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLabel bounds a label value in bytes, before it is escaped.
const maxLabel = 128

// hashMark goes before the hash of a value that was changed. It is in no name
// of Kubernetes.
const hashMark = "~"

// hashLength is the number of bytes of the hash that are shown.
const hashLength = 8

// describe makes a text fit for a label that only describes: bounded, valid
// UTF-8, without characters that can't be printed. It copies nothing if the text
// is fit as it is.
func describe(s string) string {
	if len(s) <= maxLabel && plain(s) {
		return s
	}
	return cut(clean(s), maxLabel)
}

// identify makes a text fit for a label that tells objects apart: as describe,
// but different texts stay different. What is changed gets a hash of the whole
// text at its end.
func identify(s string) string {
	if len(s) <= maxLabel && plain(s) && !strings.Contains(s, hashMark) {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	suffix := hashMark + hex.EncodeToString(sum[:hashLength])
	return cut(clean(s), maxLabel-len(suffix)) + suffix
}

// plain says that a text is printable ASCII.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// clean replaces what is not valid or can't be printed. Only as much of the text
// is looked at as can end in a label.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, s[:min(len(s), maxLabel+utf8.UTFMax)])
}

// cut shortens a text to at most n bytes, between two characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// appendEscaped appends a label value as both text formats want it.
func appendEscaped(b []byte, s string) []byte {
	start := 0
	for i := range len(s) {
		var escaped byte
		switch s[i] {
		case '\\', '"':
			escaped = s[i]
		case '\n':
			escaped = 'n'
		default:
			continue
		}
		b = append(b, s[start:i]...)
		b = append(b, '\\', escaped)
		start = i + 1
	}
	return append(b, s[start:]...)
}
