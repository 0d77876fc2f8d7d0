// Package certificate reads certificates from bytes and keeps facts of them.
//
// It does no I/O, and never keeps a byte of what it was given: a result shares
// no memory with the input, so that a caller may overwrite the input, keys
// included, as soon as a function returns. Private keys are recognised and
// skipped; they are never parsed.
//
// Bad bytes are no errors here but findings: an estate has garbage in it, and
// what can't be read must be shown rather than lost.
//
// Equal inputs give the same pointer, as long as somebody holds it. Thousands of
// copies of one CA bundle cost one.
package certificate
