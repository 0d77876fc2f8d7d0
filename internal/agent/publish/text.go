package publish

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what a record says, in bytes for texts.
const (
	maxNames     = 8
	maxChain     = 4
	maxReferrers = 8
	maxDoubts    = 8
	maxName      = 253
	maxDN        = 512
	maxSentence  = 256
)

const ellipsis = "…"

// text makes a text from outside fit to be shown: at most limit bytes of valid
// UTF-8 without control characters and without marks that change the direction
// of writing.
func text(s string, limit int) string {
	if !isPlain(s) {
		s = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				return ' '
			}
			return r
		}, strings.ToValidUTF8(s, "\uFFFD"))
	}
	if len(s) <= limit {
		return s
	}
	end := max(limit-len(ellipsis), 0)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}

// isPlain says whether all of the text is printable ASCII, as nearly all are.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
