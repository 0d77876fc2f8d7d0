package prober

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Reason sums up a probe in one word. Reasons are labels of metrics: the list is
// closed.
type Reason string

// Reasons.
const (
	// Served says that the server showed its certificate and proved that it holds
	// the key. The handshake may have failed later, when a server wants a
	// certificate of its client.
	Served Reason = "Served"
	// InvalidEndpoint says that the endpoint is no address to probe: a port of 0,
	// a host or server name that is none.
	InvalidEndpoint Reason = "InvalidEndpoint"
	// Denied says that the policy does not permit the address.
	Denied Reason = "Denied"
	// Cancelled says that the caller stopped before there was a result.
	Cancelled Reason = "Cancelled"
	// ResolveFailed says that the name has no address, or that DNS did not answer.
	ResolveFailed Reason = "ResolveFailed"
	// ConnectTimeout says that no connection came about in time: mostly a
	// firewall or network policy that drops packets.
	ConnectTimeout Reason = "ConnectTimeout"
	// ConnectRefused says that nothing listens.
	ConnectRefused Reason = "ConnectRefused"
	// ConnectFailed says that the connection failed otherwise, such as for want
	// of a route.
	ConnectFailed Reason = "ConnectFailed"
	// ProtocolTimeout says that the peer did not finish in time what precedes the
	// handshake in its protocol.
	ProtocolTimeout Reason = "ProtocolTimeout"
	// ProtocolError says that the peer does not speak the protocol.
	ProtocolError Reason = "ProtocolError"
	// TLSNotOffered says that the peer speaks the protocol and declines TLS.
	TLSNotOffered Reason = "TLSNotOffered"
	// HandshakeTimeout says that the handshake did not end in time.
	HandshakeTimeout Reason = "HandshakeTimeout"
	// HandshakeFailed says that there is a TLS server, and no agreement with it;
	// its alert is in the message.
	HandshakeFailed Reason = "HandshakeFailed"
	// NotTLS says that the peer answered the handshake with something else, such
	// as plain HTTP.
	NotTLS Reason = "NotTLS"
	// PeerClosed says that the peer closed the connection before it showed a
	// certificate: mostly a proxy that knows no such server name, or has no
	// backend.
	PeerClosed Reason = "PeerClosed"
	// TooMuchData says that the peer sent more than any server needs.
	TooMuchData Reason = "TooMuchData"
	// NoCertificate says that the server shook hands without a certificate.
	NoCertificate Reason = "NoCertificate"
	// CertificateUnparseable says that the server's certificate is none that Go
	// parses.
	CertificateUnparseable Reason = "CertificateUnparseable"
	// KeyNotProven says that the server showed a certificate and signed with
	// another key than the certificate's: mostly files that don't belong together.
	KeyNotProven Reason = "KeyNotProven"
)

// AllReasons lists all reasons, for metrics that start at zero.
func AllReasons() []Reason {
	return []Reason{
		Served, InvalidEndpoint, Denied, Cancelled, ResolveFailed, ConnectTimeout, ConnectRefused, ConnectFailed,
		ProtocolTimeout, ProtocolError, TLSNotOffered, HandshakeTimeout, HandshakeFailed, NotTLS, PeerClosed,
		TooMuchData, NoCertificate, CertificateUnparseable, KeyNotProven,
	}
}

// failure is a reason on its way up as an error.
type failure struct {
	reason  Reason
	message string
}

// Error is the message.
func (f *failure) Error() string { return f.message }

// failed returns a failure. Text of a peer is an argument, never the format.
func failed(reason Reason, format string, args ...any) *failure {
	return &failure{reason: reason, message: fmt.Sprintf(format, args...)}
}

// maxMessage bounds a message in bytes.
const maxMessage = 256

// cleanText makes foreign text fit to be kept and shown: valid UTF-8 of at most
// maxMessage bytes, without anything that does not print, such as control
// characters and bidirectional marks.
func cleanText(text string) string {
	if len(text) > maxMessage {
		end := maxMessage
		for end > maxMessage-utf8.UTFMax && !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	text = strings.ToValidUTF8(text, "?")
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
