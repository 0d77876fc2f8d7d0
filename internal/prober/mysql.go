package prober

import (
	"bytes"
	"encoding/binary"
	"io"
)

// Capabilities of MySQL's protocol ("Capabilities Flags").
const (
	mysqlLongPassword     = 1 << 0
	mysqlLongFlag         = 1 << 2
	mysqlProtocol41       = 1 << 9
	mysqlSSL              = 1 << 11
	mysqlSecureConnection = 1 << 15
	mysqlPluginAuth       = 1 << 19

	// mysqlWanted are ours, as far as the server has them. The server holds the
	// login to what was said here, and there is no login.
	mysqlWanted = mysqlLongPassword | mysqlLongFlag | mysqlProtocol41 | mysqlSSL | mysqlSecureConnection |
		mysqlPluginAuth
)

const (
	// maxMySQLPacket bounds the greeting and errors in bytes; a greeting has
	// about 100.
	maxMySQLPacket = 4096
	// maxMySQLVersion bounds the server's version in bytes.
	maxMySQLVersion = 256
	// mysqlUTF8MB4 is the character set utf8mb4_general_ci.
	mysqlUTF8MB4 = 45
)

// preludeMySQL reads the greeting and asks for TLS. The server does not answer
// but waits for the handshake.
func preludeMySQL(peer io.ReadWriter) *failure {
	header, cause := receive(peer, 4)
	if cause != nil {
		return cause
	}
	length := int(header[0]) | int(header[1])<<8 | int(header[2])<<16
	if length == 0 || length > maxMySQLPacket || header[3] != 0 {
		return failed(ProtocolError, "the peer's greeting is not MySQL")
	}
	greeting, cause := receive(peer, length)
	if cause != nil {
		return cause
	}
	capabilities, cause := mysqlCapabilities(greeting)
	if cause != nil {
		return cause
	}
	if capabilities&mysqlSSL == 0 {
		return failed(TLSNotOffered, "the server does not accept TLS")
	}
	if capabilities&mysqlProtocol41 == 0 {
		return failed(ProtocolError, "the server is older than MySQL 4.1")
	}
	return send(peer, mysqlSSLRequest(capabilities&mysqlWanted))
}

// mysqlCapabilities reads the server's capabilities in a greeting
// (Protocol::HandshakeV10).
func mysqlCapabilities(greeting []byte) (uint32, *failure) {
	switch greeting[0] {
	case 10:
	case 0xff: // an error instead, such as for a host that is blocked
		if len(greeting) < 3 {
			return 0, failed(ProtocolError, "the peer's greeting is not MySQL")
		}
		return 0, failed(ProtocolError, "the server answered with the error %d", binary.LittleEndian.Uint16(greeting[1:]))
	default:
		return 0, failed(ProtocolError, "the peer's greeting is not MySQL")
	}
	rest := greeting[1:]
	end := bytes.IndexByte(rest[:min(len(rest), maxMySQLVersion)], 0)
	// Connection (4), salt (8), filler (1), capabilities (2).
	if end < 0 || len(rest) < end+1+15 {
		return 0, failed(ProtocolError, "the peer's greeting is not MySQL")
	}
	rest = rest[end+1+13:]
	capabilities := uint32(binary.LittleEndian.Uint16(rest))
	// Character set (1), status (2), and the upper half of capabilities (2).
	if len(rest) >= 7 {
		capabilities |= uint32(binary.LittleEndian.Uint16(rest[5:])) << 16
	}
	return capabilities, nil
}

// mysqlSSLRequest builds the request (Protocol::SSLRequest): a login that ends
// before the user's name.
func mysqlSSLRequest(capabilities uint32) []byte {
	const length = 32
	packet := make([]byte, 4+length)
	packet[0], packet[3] = length, 1 // length, and number in the sequence
	binary.LittleEndian.PutUint32(packet[4:], capabilities)
	binary.LittleEndian.PutUint32(packet[8:], 1<<24-1) // the largest packet
	packet[12] = mysqlUTF8MB4
	return packet
}
