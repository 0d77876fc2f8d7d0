package certificate

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName bounds a subject alternative name in bytes.
const maxName = 256

// clean returns the text as valid UTF-8 of at most limit bytes, in which every
// character that is not to be seen stands as U+FFFD. It says whether anything had
// to be changed; U+FFFD in the text counts, since it is what the standard library
// puts for invalid bytes.
func clean(text string, limit int) (string, bool) {
	if plain(text) && len(text) <= limit {
		return text, false
	}
	var out strings.Builder
	changed := false
	for _, r := range text {
		if !visible(r) {
			r, changed = utf8.RuneError, true
		}
		if out.Len()+utf8.RuneLen(r) > limit {
			changed = true
			break
		}
		out.WriteRune(r)
	}
	return out.String(), changed
}

// plain says that a text is printable ASCII.
func plain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// visible says that a character shows itself. Control characters, bidirectional
// marks, most zero-width characters, line separators, private and unassigned
// characters are not graphic; the others listed here are, although they have no
// width.
func visible(r rune) bool {
	switch r {
	case utf8.RuneError, '\u034F', '\u115F', '\u1160', '\u17B4', '\u17B5', '\u3164', '\uFFA0':
		return false
	}
	return unicode.IsGraphic(r)
}

// packed collects the texts of one certificate in one allocation.
type packed struct {
	buffer []byte
	ends   []int
}

func (p *packed) add(text string) {
	p.buffer = append(p.buffer, text...)
	p.ends = append(p.ends, len(p.buffer))
}

// texts are the collected ones in their order. They share no memory with what was
// added.
func (p *packed) texts(list []string) []string {
	all, start := string(p.buffer), 0
	for _, end := range p.ends {
		list = append(list, all[start:end])
		start = end
	}
	return list
}
