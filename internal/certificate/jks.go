package certificate

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
)

// What a JKS or JCEKS keystore starts with.
const (
	magicJKS   = 0xfeedfeed
	magicJCEKS = 0xcececece
)

// Tags of the entries. JCEKS adds secret keys, which are serialised Java objects
// without a length.
const (
	jksPrivateKey  = 1
	jksCertificate = 2
	jksSecretKey   = 3
)

// jksSalt is in the digest that protects a keystore (sun.security.provider's
// JavaKeyStore).
const jksSalt = "Mighty Aphrodite"

// readJKS reads the certificates of a JKS or JCEKS keystore, which are not
// encrypted; the password only protects them from changes, and is checked when
// there is one. Encrypted keys are passed over. Those that belong to keys come
// first.
func (c *contents) readJKS(data, password []byte) {
	if len(data) < sha1.Size {
		c.problem(Malformed, "the keystore is cut off")
		return
	}
	body, digest := data[:len(data)-sha1.Size], data[len(data)-sha1.Size:]
	s := jksReader{rest: body}
	var magic, entries uint32
	if !s.rest.ReadUint32(&magic) || !s.rest.ReadUint32(&s.version) || !s.rest.ReadUint32(&entries) ||
		s.version < 1 || s.version > 2 {
		c.problem(UnsupportedKeystore, "a version of the keystore that is not supported")
		return
	}
	whole := true
	// Every entry takes bytes, so a large number of entries ends soon.
	for range entries {
		if whole = s.entry(c); !whole {
			break
		}
	}
	for _, der := range append(s.chains, s.trusted...) {
		c.add(der)
	}
	c.chain = s.first
	if s.surplus > 0 {
		c.count += s.surplus
		c.problem(TooLarge, tooManyCertificates)
	}
	switch {
	case !whole:
	case !s.rest.Empty():
		c.problem(Malformed, "something follows the entries of the keystore")
	case len(password) > 0 && !jksIntact(body, digest, password):
		c.problem(WrongPassword, "the password does not fit the keystore, or the keystore was changed")
	}
}

type jksReader struct {
	rest            cryptobyte.String
	version         uint32
	chains, trusted [][]byte
	// first is the length of the first chain.
	first int
	// surplus counts the certificates that are not kept.
	surplus int
}

func (s *jksReader) keep(list *[][]byte, der []byte) {
	if len(*list) < MaxCertificates {
		*list = append(*list, der)
	} else {
		s.surplus++
	}
}

// entry reads one entry, and notes what is wrong with it.
func (s *jksReader) entry(c *contents) bool {
	var tag uint32
	var created uint64
	var alias cryptobyte.String
	if !s.rest.ReadUint32(&tag) || !s.rest.ReadUint16LengthPrefixed(&alias) || !s.rest.ReadUint64(&created) {
		c.problem(Malformed, "the keystore is cut off")
		return false
	}
	ok := false
	switch tag {
	case jksPrivateKey:
		c.privateKey = true
		ok = s.key()
	case jksCertificate:
		var der []byte
		if der, ok = s.certificate(); ok {
			s.keep(&s.trusted, der)
		}
	case jksSecretKey:
		c.problem(UnsupportedKeystore, "the keystore holds a secret key, and what follows it can't be read")
		return false
	}
	if !ok {
		c.problem(Malformed, "an entry of the keystore is broken")
	}
	return ok
}

// key passes over an encrypted key, and reads its chain.
func (s *jksReader) key() bool {
	var length, count uint32
	if !s.rest.ReadUint32(&length) || uint64(length) > uint64(len(s.rest)) || !s.rest.Skip(int(length)) ||
		!s.rest.ReadUint32(&count) {
		return false
	}
	for range count {
		der, ok := s.certificate()
		if !ok {
			return false
		}
		s.keep(&s.chains, der)
	}
	if s.first == 0 {
		s.first = len(s.chains)
	}
	return true
}

// certificate reads one with its type, which version 1 does not have.
func (s *jksReader) certificate() (der []byte, ok bool) {
	var kind cryptobyte.String
	var length uint32
	if s.version > 1 && !s.rest.ReadUint16LengthPrefixed(&kind) {
		return nil, false
	}
	if !s.rest.ReadUint32(&length) || uint64(length) > uint64(len(s.rest)) {
		return nil, false
	}
	ok = length > 0 && s.rest.ReadBytes(&der, int(length))
	return der, ok
}

// jksIntact checks the digest of a keystore.
func jksIntact(body, digest, password []byte) bool {
	hash := sha1.New()
	text := utf16.Encode([]rune(string(password)))
	encoded := make([]byte, 0, 2*len(text))
	for _, unit := range text {
		encoded = binary.BigEndian.AppendUint16(encoded, unit)
	}
	hash.Write(encoded)
	clear(encoded)
	clear(text)
	hash.Write([]byte(jksSalt))
	hash.Write(body)
	return subtle.ConstantTimeCompare(hash.Sum(nil), digest) == 1
}
