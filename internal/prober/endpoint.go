package prober

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// Protocol is what is spoken before, and offered within, the handshake.
type Protocol uint8

// Protocols.
const (
	// TLS starts with the handshake and offers no application protocol, since a
	// server may refuse all that it does not know (RFC 7301, section 3.2).
	TLS Protocol = iota
	// HTTPS starts with the handshake and offers HTTP/2 and HTTP/1.1.
	HTTPS
	// PostgreSQL sends an SSLRequest first.
	PostgreSQL
	// MySQL sends an SSLRequest after the server's greeting; MariaDB does the
	// same. A server counts a client that leaves after the handshake as a
	// connection error, and by max_connect_errors (100 by default, in a row)
	// blocks the client's address: probe rarely.
	MySQL
	// SMTP sends STARTTLS (RFC 3207).
	SMTP
	// LDAP sends the StartTLS extended request (RFC 4511, section 4.14).
	LDAP
	// IMAP sends STARTTLS (RFC 9051, section 6.2.1).
	IMAP
	// POP3 sends STLS (RFC 2595, section 4).
	POP3
)

var protocolNames = [...]string{"TLS", "HTTPS", "PostgreSQL", "MySQL", "SMTP", "LDAP", "IMAP", "POP3"}

// String is the protocol's name.
func (p Protocol) String() string {
	if int(p) < len(protocolNames) {
		return protocolNames[p]
	}
	return fmt.Sprintf("Protocol(%d)", uint8(p))
}

// ParseProtocol reads what String writes, in upper or lower case.
func ParseProtocol(name string) (Protocol, error) {
	for i, known := range protocolNames {
		if strings.EqualFold(name, known) {
			return Protocol(i), nil
		}
	}
	return TLS, fmt.Errorf("protocol %q is none of %s", cleanText(name), strings.Join(protocolNames[:], ", "))
}

// Endpoint is what is probed. It is comparable.
type Endpoint struct {
	// Name identifies the endpoint to the caller; the prober does not read it.
	Name string
	// Host is an IP address or a DNS name. A name is absolute, with or without
	// the dot at its end: no search domain is appended.
	Host string
	// Port is not 0.
	Port uint16
	// ServerName is sent to the server (SNI). When it is empty and Host is a
	// name, Host is sent.
	ServerName string
	// Protocol of the server.
	Protocol Protocol
}

// Result is what a probe found.
type Result struct {
	// Endpoint that was probed.
	Endpoint Endpoint
	// Address that was connected to, or tried last; the zero value when nothing
	// was dialled.
	Address netip.AddrPort
	// Chain as it was served, the server's own certificate first. It is nil
	// unless Reason is Served.
	Chain *certificate.Bundle
	// Version that was negotiated, such as "TLS 1.3".
	Version string
	// CipherSuite that was negotiated, by its IANA name.
	CipherSuite string
	// ALPN is the application protocol that the server chose, empty for none.
	ALPN string
	// Reason sums the probe up.
	Reason Reason
	// Message is for people: what went wrong, clean and at most maxMessage bytes.
	// It may quote the peer.
	Message string
	// Took is how long the probe lasted, by the caller's clock.
	Took time.Duration
}

// Obsolete says that the server negotiated a version below TLS 1.2 (RFC 8996),
// although TLS 1.3 was offered.
func (r *Result) Obsolete() bool {
	return r.Version == tls.VersionName(tls.VersionTLS10) || r.Version == tls.VersionName(tls.VersionTLS11)
}

// maxName bounds a DNS name (RFC 1035, section 2.3.4).
const maxName = 253

// target is an endpoint whose fields were checked.
type target struct {
	// addr is the address when the host is one, else name is set, without the
	// dot at its end.
	addr       netip.Addr
	name       string
	port       uint16
	serverName string
	protocol   Protocol
}

// parse checks an endpoint.
func (e *Endpoint) parse() (target, *failure) {
	t := target{port: e.Port, serverName: strings.TrimSuffix(e.ServerName, "."), protocol: e.Protocol}
	if e.Port == 0 {
		return t, failed(InvalidEndpoint, "port 0")
	}
	if int(e.Protocol) >= len(protocolNames) {
		return t, failed(InvalidEndpoint, "unknown protocol")
	}
	if addr, err := netip.ParseAddr(e.Host); err == nil {
		t.addr = addr
	} else {
		t.name = strings.TrimSuffix(e.Host, ".")
		if !isName(t.name) {
			return t, failed(InvalidEndpoint, "the host is neither an address nor a DNS name")
		}
		if t.serverName == "" {
			t.serverName = t.name
		}
	}
	if t.serverName != "" && !isName(t.serverName) {
		return t, failed(InvalidEndpoint, "the server name is no DNS name")
	}
	return t, nil
}

// isName says whether a text has the form of a DNS name. Underscores pass, which
// service discovery uses; a wildcard does not, since nothing answers to it.
func isName(name string) bool {
	if len(name) > maxName {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, isNoNameRune) {
			return false
		}
	}
	return true
}

// isNoNameRune says whether a rune has no place in a DNS name.
func isNoNameRune(r rune) bool {
	alphanumeric := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !alphanumeric && r != '-' && r != '_'
}
