package cli

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/duration"
)

// none stands in tables for a value that does not exist.
const none = "-"

// clean replaces what a terminal would act on rather than show: control
// characters (escape sequences start with one), format characters such as
// bidirectional marks, line and paragraph separators, and invalid UTF-8.
func clean(s string) string {
	if isPlain(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || isUnsafe(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// isPlain says that a text is printable ASCII, as nearly all are.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func isUnsafe(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp)
}

// shorten cuts a text to a number of characters, the last of which is then an
// ellipsis.
func shorten(s string, length int) string {
	if len(s) <= length || utf8.RuneCountInString(s) <= length {
		return s
	}
	return string([]rune(s)[:length-1]) + "…"
}

// orNone is the text, or the mark for none.
func orNone(s string) string {
	if s == "" {
		return none
	}
	return s
}

// commonName is the value of the first CN of a distinguished name (RFC 4514),
// or the whole name when it has none.
func commonName(dn string) string {
	for rest := dn; rest != ""; {
		var attribute string
		attribute, rest = cutAttribute(rest)
		if value, ok := strings.CutPrefix(attribute, "CN="); ok && value != "" {
			return unescape(value)
		}
	}
	return dn
}

// cutAttribute cuts a distinguished name after its first attribute.
func cutAttribute(dn string) (attribute, rest string) {
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

// unescape takes the backslashes out of a value of RFC 4514. Bytes in hex stay as
// they are: they are not text.
func unescape(value string) string {
	if !strings.Contains(value, `\`) {
		return value
	}
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' && i+1 < len(value) && strings.IndexByte(` "#+,;<=>\`, value[i+1]) >= 0 {
			i++
		}
		b.WriteByte(value[i])
	}
	return b.String()
}

// span is a length of time in one or two units, such as 12d or 3h25m.
func span(d time.Duration) string {
	switch d = d.Abs(); d {
	case math.MaxInt64:
		// Times that are farther apart than a Duration can say.
		return ">292y"
	default:
		return duration.HumanDuration(d)
	}
}

// relativeExpiry is the time that is left, such as 12d, or how long ago it
// ended.
func relativeExpiry(notAfter, now time.Time) string {
	if now.After(notAfter) {
		return "expired " + span(now.Sub(notAfter)) + " ago"
	}
	return span(notAfter.Sub(now))
}

// plural is the count with the noun.
func plural(count int, one, many string) string {
	if count == 1 {
		return "1 " + one
	}
	return strconv.Itoa(count) + " " + many
}

// wrap breaks a text into lines of at most width characters, as far as its words
// are that short.
func wrap(text string, width int) []string {
	var lines []string
	line, length := "", 0
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		if length > 0 && length+1+n > width {
			lines = append(lines, line)
			line, length = "", 0
		}
		if length > 0 {
			line += " "
			length++
		}
		line += word
		length += n
	}
	if length > 0 {
		lines = append(lines, line)
	}
	return lines
}
