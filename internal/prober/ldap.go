package prober

import (
	"bytes"
	"io"
)

// startTLSRequest is LDAP's message 1, an ExtendedRequest with the name
// 1.3.6.1.4.1.1466.20037 (RFC 4511, section 4.14.1).
var startTLSRequest = append([]byte{
	0x30, 0x1d, // LDAPMessage
	0x02, 0x01, 0x01, // messageID
	0x77, 0x18, // extendedReq
	0x80, 0x16, // requestName
}, "1.3.6.1.4.1.1466.20037"...)

// Tags of BER that LDAP uses.
const (
	berInteger      = 0x02
	berEnumerated   = 0x0a
	berSequence     = 0x30
	ldapExtendedRes = 0x78
)

// maxLDAPMessage bounds an answer in bytes.
const maxLDAPMessage = 8192

// preludeLDAP asks for TLS.
func preludeLDAP(peer io.ReadWriter) *failure {
	if cause := send(peer, startTLSRequest); cause != nil {
		return cause
	}
	tag, length, cause := receiveBERHeader(peer)
	if cause != nil {
		return cause
	}
	if tag != berSequence {
		return failed(ProtocolError, "the peer's answer is not LDAP")
	}
	if length > maxLDAPMessage {
		return failed(TooMuchData, "the peer sent an answer of more than %d bytes", maxLDAPMessage)
	}
	message, cause := receive(peer, length)
	if cause != nil {
		return cause
	}
	result, ok := ldapResult(message)
	if !ok {
		return failed(ProtocolError, "the peer's answer is not LDAP's to StartTLS")
	}
	if result != 0 {
		return failed(TLSNotOffered, "the server answered StartTLS with the result %d", result)
	}
	return nil
}

// ldapResult reads the result code of the answer to message 1. Message 0, by
// which a server says that it disconnects, is no such answer.
func ldapResult(message []byte) (code byte, ok bool) {
	id, rest, ok := berElement(message, berInteger)
	if !ok || len(id) == 0 || len(bytes.TrimLeft(id, "\x00")) != 1 || id[len(id)-1] != 1 {
		return 0, false
	}
	response, _, ok := berElement(rest, ldapExtendedRes)
	if !ok {
		return 0, false
	}
	result, _, ok := berElement(response, berEnumerated)
	if !ok || len(result) != 1 {
		return 0, false
	}
	return result[0], true
}

// berElement reads the first element, which must have the tag.
func berElement(data []byte, tag byte) (content, rest []byte, ok bool) {
	reader := bytes.NewReader(data)
	got, length, cause := receiveBERHeader(reader)
	if cause != nil || got != tag || length > reader.Len() {
		return nil, nil, false
	}
	start := len(data) - reader.Len()
	return data[start : start+length], data[start+length:], true
}

// receiveBERHeader reads a tag of one byte and a length of up to four. Unlike in
// DER, a length need not be as short as it can be, which encoding/asn1 would
// refuse: Active Directory writes four bytes always.
func receiveBERHeader(peer io.Reader) (tag byte, length int, cause *failure) {
	head, cause := receive(peer, 2)
	if cause != nil {
		return 0, 0, cause
	}
	if head[1] < 0x80 {
		return head[0], int(head[1]), nil
	}
	size := int(head[1] & 0x7f)
	if size == 0 || size > 4 {
		return 0, 0, failed(ProtocolError, "the peer's answer is not LDAP")
	}
	bytesOfLength, cause := receive(peer, size)
	if cause != nil {
		return 0, 0, cause
	}
	for _, b := range bytesOfLength {
		if length = length<<8 | int(b); length > maxRead {
			return 0, 0, failed(TooMuchData, "the peer announced an answer of more than %d bytes", maxRead)
		}
	}
	return head[0], length, nil
}
