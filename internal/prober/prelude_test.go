package prober

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

const (
	startTLS = "\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
	// Greetings of MySQL as servers send them, but for the salt: 8.0 with and
	// without TLS, and MariaDB 11, whose lowest capability is unset.
	mysql8 = "\x4a\x00\x00\x00\x0a8.0.39\x00\x0b\x00\x00\x00saltsalt\x00\xff\xff\xff\x02\x00\xff\xdf\x15" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00saltsaltsalt\x00caching_sha2_password\x00"
	mysql8Plain = "\x4a\x00\x00\x00\x0a8.0.39\x00\x0b\x00\x00\x00saltsalt\x00\xff\xf7\xff\x02\x00\xff\xdf\x15" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00saltsaltsalt\x00caching_sha2_password\x00"
	mariadb11 = "\x5a\x00\x00\x00\x0a11.4.2-MariaDB-ubu2404\x00\x06\x00\x00\x00saltsalt\x00\xfe\xff\x2d\x02\x00\xff\x81\x15" +
		"\x00\x00\x00\x00\x00\x00\x1d\x00\x00\x00saltsaltsalt\x00mysql_native_password\x00"
	mysqlZeros = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	// The requests: PLUGIN_AUTH, SECURE_CONNECTION, SSL, PROTOCOL_41, LONG_FLAG
	// and, for MySQL, LONG_PASSWORD.
	mysqlRequest   = "\x20\x00\x00\x01\x05\x8a\x08\x00\xff\xff\xff\x00\x2d" + mysqlZeros
	mariadbRequest = "\x20\x00\x00\x01\x04\x8a\x08\x00\xff\xff\xff\x00\x2d" + mysqlZeros
)

func TestPrelude(t *testing.T) {
	t.Parallel()
	ehlo := step{"EHLO localhost\r\n", "250-mail.example.com\r\n250-PIPELINING\r\n250-SIZE 10\r\n250 starttls\r\n"}
	for name, test := range map[string]struct {
		protocol Protocol
		script   []step
		// want is empty for success.
		want    Reason
		message string
	}{
		"PostgreSQL accepts": {PostgreSQL, []step{{string(sslRequest), "S"}}, "", ""},
		"PostgreSQL accepts no TLS": {PostgreSQL, []step{{"\x00\x00\x00\x08\x04\xd2\x16\x2f", "N"}},
			TLSNotOffered, "does not accept TLS"},
		"PostgreSQL answers with an error": {PostgreSQL,
			[]step{{string(sslRequest), "E"}}, ProtocolError, "answered with an error"},
		"PostgreSQL is something else": {PostgreSQL, []step{{string(sslRequest), "H"}}, ProtocolError, "not PostgreSQL"},
		"PostgreSQL closes":            {PostgreSQL, []step{{string(sslRequest), ""}}, PeerClosed, "closed"},

		"MySQL accepts":   {MySQL, []step{{"", mysql8}, {mysqlRequest, ""}}, "", ""},
		"MariaDB accepts": {MySQL, []step{{"", mariadb11}, {mariadbRequest, ""}}, "", ""},
		"MySQL accepts no TLS": {MySQL, []step{{"", mysql8Plain}}, TLSNotOffered,
			"does not accept TLS"},
		"MySQL blocks the host": {MySQL, []step{{"", "\x10\x00\x00\x00\xff\x69\x04Host blocked!"}}, ProtocolError,
			"error 1129"},
		"MySQL's error is cut short":         {MySQL, []step{{"", "\x01\x00\x00\x00\xff"}}, ProtocolError, "not MySQL"},
		"MySQL's greeting is empty":          {MySQL, []step{{"", "\x00\x00\x00\x00"}}, ProtocolError, "not MySQL"},
		"MySQL's greeting is huge":           {MySQL, []step{{"", "\xff\xff\xff\x00"}}, ProtocolError, "not MySQL"},
		"MySQL's greeting is out of order":   {MySQL, []step{{"", "\x01\x00\x00\x01"}}, ProtocolError, "not MySQL"},
		"MySQL speaks an older protocol":     {MySQL, []step{{"", "\x02\x00\x00\x00\x093"}}, ProtocolError, "not MySQL"},
		"MySQL's version never ends":         {MySQL, []step{{"", "\x05\x00\x00\x00\x0a8.0."}}, ProtocolError, "not MySQL"},
		"MySQL's greeting ends after it":     {MySQL, []step{{"", "\x05\x00\x00\x00\x0a8.0\x00"}}, ProtocolError, "not MySQL"},
		"MySQL is before 4.1":                {MySQL, []step{{"", "\x14\x00\x00\x00\x0a4.0\x00\x0b\x00\x00\x00saltsalt\x00\x00\x08"}}, ProtocolError, "older than"},
		"MySQL closes within the greeting":   {MySQL, []step{{"", mysql8[:20]}}, PeerClosed, "closed"},
		"MySQL's port is taken by something": {MySQL, []step{{"", "SSH-2.0-OpenSSH_9.9\r\n"}}, ProtocolError, "not MySQL"},

		"SMTP accepts": {SMTP, []step{{"", "220 mail.example.com ESMTP\r\n"}, ehlo, {"STARTTLS\r\n", "220 go\r\n"}}, "", ""},
		"SMTP greets with many lines and accepts": {SMTP,
			[]step{{"", "220-welcome\r\n220-\r\n220 mail\r\n"}, ehlo, {"STARTTLS\r\n", "220\r\n"}}, "", ""},
		"SMTP ends lines without a return": {SMTP,
			[]step{{"", "220 mail\n"}, {"EHLO localhost\r\n", "250-mail\n250 STARTTLS\n"}, {"STARTTLS\r\n", "220 go\n"}}, "", ""},
		"SMTP offers no STARTTLS": {SMTP,
			[]step{{"", "220 mail\r\n"}, {"EHLO localhost\r\n", "250-STARTTLS\r\n250 SIZE\r\n"}}, TLSNotOffered, "does not offer"},
		"SMTP does not know EHLO": {SMTP,
			[]step{{"", "220 mail\r\n"}, {"EHLO localhost\r\n", "502 what\r\n"}}, TLSNotOffered, "does not offer"},
		"SMTP refuses STARTTLS": {SMTP,
			[]step{{"", "220 mail\r\n"}, ehlo, {"STARTTLS\r\n", "454 no certificate\r\n"}}, TLSNotOffered, "with 454"},
		"SMTP refuses the client":          {SMTP, []step{{"", "554 go away\r\n"}}, ProtocolError, "with 554"},
		"SMTP is HTTP":                     {SMTP, []step{{"", "HTTP/1.1 400 Bad Request\r\n"}}, ProtocolError, "not SMTP"},
		"SMTP changes the code in a reply": {SMTP, []step{{"", "220-a\r\n250 b\r\n"}}, ProtocolError, "not SMTP"},
		"SMTP has no separator":            {SMTP, []step{{"", "2200\r\n"}}, ProtocolError, "not SMTP"},
		"SMTP's code is no number":         {SMTP, []step{{"", "SSH hello\r\n"}}, ProtocolError, "not SMTP"},
		"SMTP's line is short":             {SMTP, []step{{"", "22\r\n"}}, ProtocolError, "not SMTP"},
		"SMTP's reply never ends":          {SMTP, []step{{"", strings.Repeat("220-a\r\n", maxLines)}}, TooMuchData, "more than 100 lines"},
		"SMTP's line never ends":           {SMTP, []step{{"", strings.Repeat("2", maxLine)}}, TooMuchData, "more than 2048 bytes"},
		"SMTP closes":                      {SMTP, []step{{"", "220 ma"}}, PeerClosed, "closed"},

		"LDAP accepts": {LDAP, []step{{startTLS, "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"}}, "", ""},
		"LDAP accepts with the name": {LDAP,
			[]step{{startTLS, "\x30\x24\x02\x01\x01\x78\x1f\x0a\x01\x00\x04\x00\x04\x00\x8a\x161.3.6.1.4.1.1466.20037"}}, "", ""},
		"Active Directory accepts with long lengths": {LDAP,
			[]step{{startTLS, "\x30\x84\x00\x00\x00\x10\x02\x01\x01\x78\x84\x00\x00\x00\x07\x0a\x01\x00\x04\x00\x04\x00"}}, "", ""},
		"LDAP refuses with protocolError": {LDAP,
			[]step{{startTLS, "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00"}}, TLSNotOffered, "result 2"},
		"LDAP disconnects": {LDAP,
			[]step{{startTLS, "\x30\x0c\x02\x01\x00\x78\x07\x0a\x01\x34\x04\x00\x04\x00"}}, ProtocolError, "not LDAP's to StartTLS"},
		"LDAP answers another request": {LDAP,
			[]step{{startTLS, "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"}}, ProtocolError, "not LDAP's to StartTLS"},
		"LDAP's answer lies about its length": {LDAP,
			[]step{{startTLS, "\x30\x0c\x02\x01\x01\x78\x7f\x0a\x01\x00\x04\x00\x04\x00"}}, ProtocolError, "not LDAP's to StartTLS"},
		"LDAP's result is too long": {LDAP,
			[]step{{startTLS, "\x30\x0c\x02\x01\x01\x78\x07\x0a\x02\x01\x00\x04\x00\x04"}}, ProtocolError, "not LDAP's to StartTLS"},
		"LDAP's answer is empty":         {LDAP, []step{{startTLS, "\x30\x00"}}, ProtocolError, "not LDAP's to StartTLS"},
		"LDAP's answer is large":         {LDAP, []step{{startTLS, "\x30\x82\x20\x01"}}, TooMuchData, "more than 8192"},
		"LDAP's answer is huge":          {LDAP, []step{{startTLS, "\x30\x84\xff\xff\xff\xff"}}, TooMuchData, "announced"},
		"LDAP's length is indefinite":    {LDAP, []step{{startTLS, "\x30\x80"}}, ProtocolError, "not LDAP"},
		"LDAP's length is out of bounds": {LDAP, []step{{startTLS, "\x30\x85"}}, ProtocolError, "not LDAP"},
		"LDAP is HTTP":                   {LDAP, []step{{startTLS, "HT"}}, ProtocolError, "not LDAP"},
		"LDAP closes":                    {LDAP, []step{{startTLS, "\x30\x0c\x02"}}, PeerClosed, "closed"},

		"IMAP accepts": {IMAP, []step{{"", "* OK [CAPABILITY IMAP4rev1] ready\r\n"}, {"a STARTTLS\r\n", "* 1 EXISTS\r\na OK go\r\n"}}, "", ""},
		"IMAP refuses": {IMAP, []step{{"", "* OK\r\n"}, {"a STARTTLS\r\n", "a BAD what\r\n"}}, TLSNotOffered, "refused"},
		"IMAP takes the session for authenticated": {IMAP, []step{{"", "* PREAUTH hello\r\n"}}, TLSNotOffered, "authenticated"},
		"IMAP says bye":                 {IMAP, []step{{"", "* BYE\r\n"}}, ProtocolError, "refuses"},
		"IMAP's greeting is only alike": {IMAP, []step{{"", "* OKAY\r\n"}}, ProtocolError, "not IMAP"},
		"IMAP goes astray":              {IMAP, []step{{"", "* OK\r\n"}, {"a STARTTLS\r\n", "b OK\r\n"}}, ProtocolError, "not IMAP"},
		"IMAP talks on":                 {IMAP, []step{{"", "* OK\r\n"}, {"a STARTTLS\r\n", strings.Repeat("* a\r\n", maxLines)}}, TooMuchData, "more than 100 lines"},
		"POP3 accepts":                  {POP3, []step{{"", "+OK ready\r\n"}, {"STLS\r\n", "+OK go\r\n"}}, "", ""},
		"POP3 refuses":                  {POP3, []step{{"", "+OK ready\r\n"}, {"STLS\r\n", "-ERR what\r\n"}}, TLSNotOffered, "refused"},
		"POP3 goes astray":              {POP3, []step{{"", "+OK ready\r\n"}, {"STLS\r\n", "what\r\n"}}, ProtocolError, "not POP3"},
		"POP3 greets with an error":     {POP3, []step{{"", "-ERR busy\r\n"}}, ProtocolError, "refuses"},
		"TLS needs none":                {TLS, nil, "", ""},
		"HTTPS needs none":              {HTTPS, nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ours, theirs := net.Pipe()
			_ = ours.SetDeadline(time.Now().Add(5 * time.Second)) // for a test that fails
			played := make(chan error, 1)
			go func() {
				defer func() { _ = theirs.Close() }()
				err := play(theirs, test.script)
				played <- err
				if err == nil && test.want == "" {
					_, _ = io.WriteString(theirs, "\x16")
				}
			}()
			cause := prelude(ours, test.protocol)
			if test.want == "" {
				if cause != nil {
					t.Fatalf("failed: %s: %s", cause.reason, cause.message)
				}
				// What follows was left to the handshake.
				if rest, err := io.ReadAll(ours); string(rest) != "\x16" || err != nil {
					t.Errorf("read %q, %v after the prelude", rest, err)
				}
			} else {
				switch {
				case cause == nil:
					t.Errorf("succeeded, want %s", test.want)
				case cause.reason != test.want, !strings.Contains(cause.message, test.message):
					t.Errorf("got %s: %s, want %s: %s", cause.reason, cause.message, test.want, test.message)
				}
			}
			_ = ours.Close()
			if err := <-played; err != nil && cause == nil {
				t.Error(err)
			}
		})
	}
}

// recorded is a peer that said everything beforehand.
type recorded struct {
	*strings.Reader
	io.Writer
}

// fuzzPrelude holds for whatever a peer says: there is an end, a reason of the
// list, and never more read than the bounds of the protocol.
func fuzzPrelude(f *testing.F, protocol Protocol, most int, seeds ...string) {
	f.Helper()
	for _, seed := range seeds {
		f.Add(seed)
		f.Add(seed[:len(seed)/2])
	}
	f.Add("HTTP/1.1 400 Bad Request\r\n\r\n")
	f.Add(strings.Repeat("\xff", 64))
	f.Fuzz(func(t *testing.T, said string) {
		reader := strings.NewReader(said)
		cause := prelude(recorded{reader, io.Discard}, protocol)
		if read := len(said) - reader.Len(); read > most {
			t.Errorf("read %d bytes, want at most %d", read, most)
		}
		if cause == nil {
			return
		}
		switch cause.reason {
		case ProtocolError, TLSNotOffered, PeerClosed, TooMuchData:
		default:
			t.Errorf("got %s: %s", cause.reason, cause.message)
		}
	})
}

func FuzzPreludePostgreSQL(f *testing.F) { fuzzPrelude(f, PostgreSQL, 1, "S", "N", "E") }

func FuzzPreludeMySQL(f *testing.F) {
	fuzzPrelude(f, MySQL, 4+maxMySQLPacket, mysql8, mysql8Plain, mariadb11)
}

func FuzzPreludeSMTP(f *testing.F) {
	fuzzPrelude(f, SMTP, 3*maxLines*maxLine, "220 a\r\n250-a\r\n250 STARTTLS\r\n220 go\r\n", "220-a\r\n220 b\r\n")
}

func FuzzPreludeLDAP(f *testing.F) {
	fuzzPrelude(f, LDAP, 6+maxLDAPMessage, "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00",
		"\x30\x84\x00\x00\x00\x10\x02\x01\x01\x78\x84\x00\x00\x00\x07\x0a\x01\x00\x04\x00\x04\x00")
}

func FuzzPreludeIMAP(f *testing.F) {
	fuzzPrelude(f, IMAP, (1+maxLines)*maxLine, "* OK\r\n* a\r\na OK\r\n", "* PREAUTH\r\n")
}

func FuzzPreludePOP3(f *testing.F) {
	fuzzPrelude(f, POP3, 2*maxLine, "+OK\r\n+OK\r\n", "+OK\r\n-ERR\r\n")
}
