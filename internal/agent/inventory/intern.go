package inventory

import (
	"strings"
	"unique"
)

// intern returns the one copy of a text that repeats over many objects, such as
// a namespace.
func intern(s string) string {
	if s == "" {
		return ""
	}
	return unique.Make(s).Value()
}

// Intern is intern for bytes that are about to be overwritten.
func Intern(b []byte) string { return intern(string(b)) }

// cut splits namespace/name.
func cut(s string) (namespace, name string, ok bool) { return strings.Cut(s, "/") }
