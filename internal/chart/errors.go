package chart

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// Kind says what stands in the way of a chart.
type Kind string

const (
	// KindUnavailable says that the registry did not answer, or answered that it
	// can't at the moment.
	KindUnavailable Kind = "Unavailable"
	// KindUnauthorized says that the registry refused the credential, or asks for
	// one where there is none.
	KindUnauthorized Kind = "Unauthorized"
	// KindNotFound says that the registry has no such chart or version.
	KindNotFound Kind = "NotFound"
	// KindDigestMismatch says that the chart is not the expected one.
	KindDigestMismatch Kind = "DigestMismatch"
	// KindInvalidRequest says that the repository or version can't be one.
	KindInvalidRequest Kind = "InvalidRequest"
	// KindInvalidValues says that the chart's schema refuses the values.
	KindInvalidValues Kind = "InvalidValues"
	// KindRenderFailed says that what was pulled is no chart that can be
	// rendered.
	KindRenderFailed Kind = "RenderFailed"
)

// maxForeignText bounds text that a registry or a chart wrote, in bytes.
const maxForeignText = 600

// Error says why a chart could not be rendered.
type Error struct {
	// Kind of the obstacle.
	Kind Kind
	// Message says what was found, what was expected and what to do.
	Message string
	// Err is the cause; may be nil.
	Err error
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Terminal says whether only another request can help. Missing versions and
// refused credentials are not terminal: they heal when the chart or the Secret
// arrives.
func (e *Error) Terminal() bool {
	switch e.Kind {
	case KindDigestMismatch, KindInvalidRequest, KindInvalidValues, KindRenderFailed:
		return true
	case KindUnavailable, KindUnauthorized, KindNotFound:
		return false
	}
	return false
}

func failure(kind Kind, err error, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...), Err: err}
}

// foreign makes text from outside fit for a condition: one line, printable,
// bounded.
func foreign(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar {
			return -1
		}
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= maxForeignText {
		return text
	}
	cut := maxForeignText
	for cut > 0 && text[cut]&0xC0 == 0x80 {
		cut--
	}
	return text[:cut] + "…"
}

// pullError classifies an error of the registry client for one reference.
func (p *puller) pullError(ctx context.Context, err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	where := p.repository + ":" + p.version
	if errors.Is(err, content.ErrMismatchedDigest) || errors.Is(err, content.ErrTrailingData) {
		return failure(KindDigestMismatch, err,
			"pulling chart %s: the registry sent content that does not have the digest it stands under (%s); "+
				"check the registry or the proxy before it", where, foreign(err.Error()))
	}
	if status, text, ok := statusOf(err); ok {
		return p.statusError(err, status, text)
	}
	if errors.Is(err, errdef.ErrNotFound) {
		return p.notFound(ctx, err)
	}
	if errors.Is(err, auth.ErrBasicCredentialNotFound) {
		return p.statusError(err, http.StatusUnauthorized, "")
	}
	if cause := context.Cause(ctx); cause != nil {
		err = fmt.Errorf("%w (%w)", cause, err)
	}
	return failure(KindUnavailable, err,
		"pulling chart %s: registry %s does not answer (%s); it is tried again. "+
			"Check that the registry is up and reachable from the operator, or set spec.components.registry.mirrors",
		where, p.host, foreign(err.Error()))
}

// statusOf finds the HTTP status in an error of the registry client.
func statusOf(err error) (status int, text string, ok bool) {
	var response *errcode.ErrorResponse
	if !errors.As(err, &response) {
		return 0, "", false
	}
	text = http.StatusText(response.StatusCode)
	if len(response.Errors) > 0 {
		text = response.Errors.Error()
	}
	return response.StatusCode, foreign(text), true
}

func (p *puller) statusError(err error, status int, text string) *Error {
	where := p.repository + ":" + p.version
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		used := "no credential for it was given"
		if p.credential != auth.EmptyCredential {
			used = "the credential of the pull Secret was sent"
		}
		return failure(KindUnauthorized, err,
			"pulling chart %s: registry %s refuses access (%d %s); %s. "+
				"Set spec.components.registry.pullSecretRef to a Secret with access to this repository, "+
				"and check that the repository exists", where, p.host, status, text, used)
	case http.StatusNotFound:
		return failure(KindNotFound, err,
			"pulling chart %s: registry %s has no such chart (%s); check chart.repository and version",
			where, p.host, text)
	default:
		return failure(KindUnavailable, err,
			"pulling chart %s: registry %s answers %d (%s); it is tried again. Check the registry",
			where, p.host, status, text)
	}
}
