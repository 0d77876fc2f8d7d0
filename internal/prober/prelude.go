package prober

import (
	"bytes"
	"errors"
	"io"
	"syscall"
)

// prelude speaks what a protocol has before the handshake. It reads not a byte
// more: what follows belongs to TLS. What the peer says here is plain text that
// anybody on the way may have changed; nothing is concluded from it but that the
// handshake may start.
func prelude(peer io.ReadWriter, protocol Protocol) *failure {
	switch protocol {
	case PostgreSQL:
		return preludePostgreSQL(peer)
	case MySQL:
		return preludeMySQL(peer)
	case SMTP:
		return preludeSMTP(peer)
	case LDAP:
		return preludeLDAP(peer)
	case IMAP:
		return preludeIMAP(peer)
	case POP3:
		return preludePOP3(peer)
	case TLS, HTTPS:
		return nil
	default:
		return failed(InvalidEndpoint, "unknown protocol")
	}
}

// preludeFailure tells why reading or writing failed.
func preludeFailure(err error) *failure {
	if cause, ok := errors.AsType[*failure](err); ok {
		return cause
	}
	switch {
	case isTimeout(err):
		return failed(ProtocolTimeout, "the peer did not answer in time")
	case isClosed(err), errors.Is(err, syscall.ECONNABORTED):
		return failed(PeerClosed, "the peer closed the connection before the handshake")
	default:
		return failed(ProtocolError, "%v", err)
	}
}

// send writes a request.
func send(peer io.Writer, request []byte) *failure {
	if _, err := peer.Write(request); err != nil {
		return preludeFailure(err)
	}
	return nil
}

// receive reads exactly n bytes.
func receive(peer io.Reader, n int) ([]byte, *failure) {
	data := make([]byte, n)
	if _, err := io.ReadFull(peer, data); err != nil {
		return nil, preludeFailure(err)
	}
	return data, nil
}

const (
	// maxLine bounds a line of a text protocol in bytes. RFC 5321 has 512, and
	// servers exceed it.
	maxLine = 2048
	// maxLines bounds the lines of one reply.
	maxLines = 100
)

// receiveLine reads a line, and returns it without its end.
func receiveLine(peer io.Reader) (string, *failure) {
	line := make([]byte, 0, 128)
	var one [1]byte
	for len(line) < maxLine {
		if _, err := io.ReadFull(peer, one[:]); err != nil {
			return "", preludeFailure(err)
		}
		if one[0] == '\n' {
			return string(bytes.TrimSuffix(line, []byte{'\r'})), nil
		}
		line = append(line, one[0])
	}
	return "", failed(TooMuchData, "the peer sent a line of more than %d bytes", maxLine)
}
