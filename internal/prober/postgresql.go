package prober

import "io"

// sslRequest is the length of 8 and the code 1234.5679, big-endian (PostgreSQL,
// "Message Formats", SSLRequest).
var sslRequest = []byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}

// preludePostgreSQL asks for TLS. The answer is one byte.
func preludePostgreSQL(peer io.ReadWriter) *failure {
	if cause := send(peer, sslRequest); cause != nil {
		return cause
	}
	answer, cause := receive(peer, 1)
	if cause != nil {
		return cause
	}
	switch answer[0] {
	case 'S':
		return nil
	case 'N':
		return failed(TLSNotOffered, "the server does not accept TLS")
	case 'E':
		// The text is not read: it may come from anybody on the way, which
		// PostgreSQL's own clients once showed to their users (CVE-2024-10977).
		return failed(ProtocolError, "the server answered with an error")
	default:
		return failed(ProtocolError, "the peer's answer is not PostgreSQL")
	}
}
