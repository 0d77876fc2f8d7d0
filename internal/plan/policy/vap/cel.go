package vap

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// literal of a string in CEL. Go's quoting with ASCII only uses escapes that CEL
// reads the same way; bytes that are no UTF-8 can't be in a CEL string.
func literal(s string) string { return strconv.QuoteToASCII(strings.ToValidUTF8(s, "\uFFFD")) }

// literals is a list of strings in CEL.
func literals(list []string) string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		out = append(out, literal(s))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// oneOf says in CEL whether an expression is one of a list of strings.
func oneOf(expression string, list []string) string {
	if len(list) == 0 {
		return "false"
	}
	return expression + " in " + literals(list)
}

// text joins literals and expressions to one string in CEL.
func text(parts ...string) string { return strings.Join(parts, " + ") }

// clip shortens a string in CEL to a number of characters. The macro binds the
// expression to a name, so that it is written and evaluated once.
func clip(expression string, size int) string {
	n := strconv.Itoa(size)
	return "[" + expression + "].map(t, t.size() > " + n + " ? t.substring(0, " + n + ") + \"...\" : t)[0]"
}

// orEmpty reads an optional string in CEL.
func orEmpty(field string) string { return field + `.orValue("")` }

// shorten a text of ours to a number of bytes, at a character.
func shorten(s string, size int) string {
	if len(s) <= size {
		return s
	}
	for size > 0 && !utf8.RuneStart(s[size]) {
		size--
	}
	return s[:size] + "..."
}

// enumerate the first few of a list for a message, the last one after an "or".
func enumerate(list []string) string {
	const most = 5
	if len(list) > most {
		return strings.Join(list[:most], ", ") + " and " + strconv.Itoa(len(list)-most) + " more"
	}
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " or " + list[len(list)-1]
}
