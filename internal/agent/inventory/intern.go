package inventory

import "unique"

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
