package prober

import (
	"io"
	"strings"
)

// preludeSMTP greets, asks what the server can do, and asks for TLS.
func preludeSMTP(peer io.ReadWriter) *failure {
	banner, _, cause := receiveReply(peer)
	if cause != nil {
		return cause
	}
	if banner != "220" {
		return failed(ProtocolError, "the server greets with %s", banner)
	}
	// The name is a formality; a prober has none that a server could check.
	if cause := send(peer, []byte("EHLO localhost\r\n")); cause != nil {
		return cause
	}
	code, lines, cause := receiveReply(peer)
	if cause != nil {
		return cause
	}
	if code != "250" || !hasKeyword(lines, "STARTTLS") {
		return failed(TLSNotOffered, "the server does not offer STARTTLS")
	}
	if cause := send(peer, []byte("STARTTLS\r\n")); cause != nil {
		return cause
	}
	code, _, cause = receiveReply(peer)
	if cause != nil {
		return cause
	}
	if code != "220" {
		return failed(TLSNotOffered, "the server answered STARTTLS with %s", code)
	}
	return nil
}

// receiveReply reads a reply of SMTP (RFC 5321, section 4.2.1): lines that begin
// with the same three digits, all but the last with a hyphen after them. It
// returns the digits and the texts.
func receiveReply(peer io.Reader) (code string, texts []string, cause *failure) {
	for range maxLines {
		line, cause := receiveLine(peer)
		if cause != nil {
			return "", nil, cause
		}
		if !isReply(line) || code != "" && code != line[:3] {
			return "", nil, failed(ProtocolError, "the peer's answer is not SMTP")
		}
		code = line[:3]
		texts = append(texts, line[min(len(line), 4):])
		if len(line) == 3 || line[3] == ' ' {
			return code, texts, nil
		}
	}
	return "", nil, failed(TooMuchData, "the peer sent a reply of more than %d lines", maxLines)
}

// isReply says whether a line is one of a reply.
func isReply(line string) bool {
	if len(line) < 3 || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
		return false
	}
	for i := range 3 {
		if line[i] < '0' || line[i] > '9' {
			return false
		}
	}
	return true
}

// hasKeyword says whether a keyword of EHLO is among lines, the first of which is
// the greeting.
func hasKeyword(lines []string, keyword string) bool {
	for _, line := range lines[1:] {
		name, _, _ := strings.Cut(line, " ")
		if strings.EqualFold(name, keyword) {
			return true
		}
	}
	return false
}

// preludeIMAP reads the greeting and asks for TLS.
func preludeIMAP(peer io.ReadWriter) *failure {
	greeting, cause := receiveLine(peer)
	if cause != nil {
		return cause
	}
	switch {
	case hasPrefixFold(greeting, "* OK"):
	case hasPrefixFold(greeting, "* PREAUTH"):
		// STARTTLS is for sessions that are not authenticated.
		return failed(TLSNotOffered, "the server takes the session for authenticated")
	default:
		return failed(ProtocolError, "the peer's greeting is not IMAP, or refuses")
	}
	if cause := send(peer, []byte("a STARTTLS\r\n")); cause != nil {
		return cause
	}
	for range maxLines {
		line, cause := receiveLine(peer)
		switch {
		case cause != nil:
			return cause
		case hasPrefixFold(line, "a OK"):
			return nil
		case hasPrefixFold(line, "a NO"), hasPrefixFold(line, "a BAD"):
			return failed(TLSNotOffered, "the server refused STARTTLS")
		case !strings.HasPrefix(line, "* "):
			return failed(ProtocolError, "the peer's answer is not IMAP")
		}
	}
	return failed(TooMuchData, "the peer sent a reply of more than %d lines", maxLines)
}

// preludePOP3 reads the greeting and asks for TLS.
func preludePOP3(peer io.ReadWriter) *failure {
	greeting, cause := receiveLine(peer)
	if cause != nil {
		return cause
	}
	if !strings.HasPrefix(greeting, "+OK") {
		return failed(ProtocolError, "the peer's greeting is not POP3, or refuses")
	}
	if cause := send(peer, []byte("STLS\r\n")); cause != nil {
		return cause
	}
	answer, cause := receiveLine(peer)
	switch {
	case cause != nil:
		return cause
	case strings.HasPrefix(answer, "+OK"):
		return nil
	case strings.HasPrefix(answer, "-ERR"):
		return failed(TLSNotOffered, "the server refused STLS")
	default:
		return failed(ProtocolError, "the peer's answer is not POP3")
	}
}

// hasPrefixFold says whether a line is a word, or begins with it and a space, in
// upper or lower case.
func hasPrefixFold(line, word string) bool {
	if len(line) < len(word) || !strings.EqualFold(line[:len(word)], word) {
		return false
	}
	return len(line) == len(word) || line[len(word)] == ' '
}
