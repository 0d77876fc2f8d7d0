package profile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of texts in bytes.
const (
	maxText    = 256
	maxVersion = 64
	// maxLabel is that of a namespace (RFC 1123).
	maxLabel = 63
)

const ellipsis = "…"

// digestLength is the number of hex digits of a digest.
const digestLength = 16

// text makes a text from outside fit to be shown and compared: at most limit
// bytes of valid UTF-8, without control characters and without marks that change
// the direction of writing. One that is cut ends in a digest of the whole, so
// that two that differ only behind the cut are still told apart.
func text(s string, limit int) string {
	clean := s
	if !isPlain(s) {
		clean = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
				return utf8.RuneError
			}
			return r
		}, strings.ToValidUTF8(s, string(utf8.RuneError)))
	}
	if len(clean) <= limit {
		return clean
	}
	end := limit - len(ellipsis) - digestLength
	for end > 0 && !utf8.RuneStart(clean[end]) {
		end--
	}
	return clean[:end] + ellipsis + digestOf([]byte(s))
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

func digestOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])[:digestLength]
}

// digest of a decoded value: the first 16 hex digits of the SHA-256 of its JSON
// without spaces and with sorted keys.
func digest(value any) (string, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("encoding what a digest is made of: %w", err)
	}
	return digestOf(raw), nil
}
