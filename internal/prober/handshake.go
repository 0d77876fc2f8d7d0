package prober

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// handshake is what a server showed.
type handshake struct {
	// certificates is their DER, one after the other.
	certificates []byte
	count        int
	version      uint16
	cipherSuite  uint16
	alpn         string
	// proven says that the server holds the key of its certificate: the
	// handshake succeeded, or got as far as the certificate of the client. (With
	// RSA key exchange the latter comes too early to prove it.)
	proven bool
}

// shake shakes hands. It may return both what was shown and a failure: a server
// that wants a certificate of its client is not content with none.
func shake(ctx context.Context, conn net.Conn, t *target) (shown handshake, cause *failure) {
	config := shakeConfig(t)
	// This is called as soon as the certificate is known, unlike
	// Conn.ConnectionState, which is of use only after the handshake.
	config.VerifyConnection = func(state tls.ConnectionState) error {
		shown.version, shown.cipherSuite, shown.alpn = state.Version, state.CipherSuite, state.NegotiatedProtocol
		for _, c := range state.PeerCertificates {
			shown.certificates = append(shown.certificates, c.Raw...)
		}
		shown.count = len(state.PeerCertificates)
		return nil
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		shown.proven = true
		return new(tls.Certificate), nil // there is none to show
	}
	client := tls.Client(conn, config)
	if err := client.HandshakeContext(ctx); err != nil {
		return shown, handshakeFailure(err)
	}
	shown.proven = true
	// The peer has a right to a farewell, and none to a say in whether it arrives.
	_ = client.CloseWrite()
	return shown, nil
}

// shakeConfig offers all that Go can do, and takes what it gets.
func shakeConfig(t *target) *tls.Config {
	var suites []uint16
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		suites = append(suites, suite.ID)
	}
	config := &tls.Config{
		ServerName:         t.serverName,
		InsecureSkipVerify: true, // what is served is recorded, not trusted
		MinVersion:         tls.VersionTLS10,
		CipherSuites:       suites,
	}
	if t.protocol == HTTPS {
		config.NextProtos = []string{"h2", "http/1.1"}
	}
	return config
}

// handshakeFailure tells why a handshake failed.
func handshakeFailure(err error) *failure {
	if cause, ok := errors.AsType[*failure](err); ok {
		return cause
	}
	if header, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		if string(header.RecordHeader[:]) == "HTTP/" {
			return failed(NotTLS, "the peer answered with plain HTTP")
		}
		return failed(NotTLS, "the peer's answer is no TLS")
	}
	// crypto/tls has no types for the texts below; tests hold them.
	text := err.Error()
	switch {
	case isTimeout(err):
		return failed(HandshakeTimeout, "the handshake did not end in time")
	case isClosed(err):
		return failed(PeerClosed, "the peer closed the connection during the handshake")
	case strings.Contains(text, "failed to parse certificate"):
		return failed(CertificateUnparseable, "%s", text)
	case strings.Contains(text, "empty certificates message"):
		return failed(NoCertificate, "the server has no certificate")
	case strings.Contains(text, "invalid signature by the server certificate"):
		return failed(KeyNotProven, "%s", text)
	case strings.Contains(text, "exceeds maximum of"):
		return failed(TooMuchData, "%s", text)
	default:
		return failed(HandshakeFailed, "%s", text)
	}
}

// isClosed says whether an error means that the peer closed the connection.
func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// record keeps what was shown in a result.
func (p *Prober) record(result *Result, shown *handshake, cause *failure) {
	if shown.version != 0 {
		result.Version = tls.VersionName(shown.version)
		result.CipherSuite = tls.CipherSuiteName(shown.cipherSuite)
		result.ALPN = cleanText(shown.alpn)
	}
	switch {
	case shown.count > certificate.MaxCertificates:
		result.fail(failed(TooMuchData, "the server shows %d certificates", shown.count))
	case shown.count > 0 && shown.proven:
		result.Reason = Served
		result.Chain, _ = p.chains.Chain(shown.certificates, nil)
		if cause != nil {
			result.Message = cleanText("after the certificate: " + cause.message)
		}
	case cause != nil:
		result.fail(cause)
	default:
		result.fail(failed(NoCertificate, "the server has no certificate"))
	}
}

// fail keeps a failure in a result.
func (r *Result) fail(cause *failure) {
	r.Reason, r.Message = cause.reason, cleanText(cause.message)
}
