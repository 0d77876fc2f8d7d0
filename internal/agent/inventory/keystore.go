package inventory

import (
	"strings"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/tlsplatform/tls-platform-operator/internal/agent/wire"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// PasswordRef says where the password of a keystore is: a value of a Secret in
// the same namespace.
type PasswordRef struct{ Secret, Key string }

// Passwords finds passwords that are not beside their keystores. What it returns
// is used at once and not kept. It may be nil.
type Passwords func(namespace string, ref PasswordRef) []byte

// KeystoreRefs are the passwords that a Certificate of cert-manager names for
// the keystores that it adds to its Secret.
type KeystoreRefs struct {
	PKCS12, JKS PasswordRef
}

// keystoreRefs of a Certificate, nil when it makes no keystore with one.
func keystoreRefs(c *cmv1.Certificate) *KeystoreRefs {
	if c.Spec.Keystores == nil {
		return nil
	}
	var refs KeystoreRefs
	if p := c.Spec.Keystores.PKCS12; p != nil && p.Create {
		refs.PKCS12 = PasswordRef{p.PasswordSecretRef.Name, p.PasswordSecretRef.Key}
	}
	if j := c.Spec.Keystores.JKS; j != nil && j.Create {
		refs.JKS = PasswordRef{j.PasswordSecretRef.Name, j.PasswordSecretRef.Key}
	}
	if refs == (KeystoreRefs{}) {
		return nil
	}
	return &refs
}

// KeystoreRefs are those of the Certificate that makes a Secret, nil for none.
func (i *Inventory) KeystoreRefs(namespace, secret string) *KeystoreRefs {
	i.mu.RLock()
	defer i.mu.RUnlock()
	if m := i.managed[name{namespace, secret}]; m != nil {
		return m.Keystores
	}
	return nil
}

// Locked says whether a Secret holds a keystore that no password has opened.
func (i *Inventory) Locked(namespace, secret string) bool {
	i.mu.RLock()
	defer i.mu.RUnlock()
	p := Place{KindSecret, namespace, secret}
	at, found := find(i.shards[p.Shard()], p)
	return found && locked(i.shards[p.Shard()][at].object)
}

func locked(o *Object) bool {
	for r := range o.Records {
		if o.Records[r].Value.Findings.Has(certificate.WrongPassword | certificate.NoPassword) {
			return true
		}
	}
	return false
}

// AllLocked are the Secrets of which Locked is true.
func (i *Inventory) AllLocked() []Place {
	i.mu.RLock()
	defer i.mu.RUnlock()
	var list []Place
	for shard := range i.shards {
		for at := range i.shards[shard] {
			if o := i.shards[shard][at].object; o.Kind == KindSecret && locked(o) {
				list = append(list, o.Place)
			}
		}
	}
	return list
}

// Replace puts an object in the place of what is known of it, and does nothing
// when nothing is: then it is gone meanwhile.
func (i *Inventory) Replace(o *Object) {
	i.mu.Lock()
	shard := o.Shard()
	at, found := find(i.shards[shard], o.Place)
	var e entry
	if found {
		e = i.shards[shard][at]
	}
	i.mu.Unlock()
	if found && e.object.UID == o.UID {
		i.Set(o, e.origin, e.pass)
	}
}

// keystoreFormat of a value, by its first bytes and the name of its key: DER that
// could be PKCS#12 is common, so its name has to say so as well.
func keystoreFormat(key string, value []byte) certificate.Format {
	format := certificate.LooksLikeKeystore(value)
	if format != certificate.PKCS12 {
		return format
	}
	key = strings.ToLower(key)
	for _, sign := range []string{".p12", ".pfx", ".pkcs12", "keystore", "truststore"} {
		if strings.Contains(key, sign) {
			return format
		}
	}
	return certificate.FormatUnknown
}

// keystore reads a keystore with the first password that opens it.
func (r *Reducer) keystore(o *wire.Object, key string, value []byte, format certificate.Format) *certificate.Bundle {
	locked := certificate.WrongPassword | certificate.NoPassword
	bundle := r.parser.Keystore(value, nil)
	for _, sibling := range siblings(key) {
		if !bundle.Findings.Has(locked) {
			return bundle
		}
		if password := o.Get(sibling); password != nil {
			bundle = r.open(bundle, value, password)
		}
	}
	if r.Passwords == nil {
		return bundle
	}
	for _, ref := range r.references(o, key, format) {
		if !bundle.Findings.Has(locked) {
			return bundle
		}
		if password := r.Passwords(o.Namespace, ref); password != nil {
			bundle = r.open(bundle, value, password)
			clear(password)
		}
	}
	return bundle
}

// open tries a password, as it is and without the newline that editors leave.
func (r *Reducer) open(before *certificate.Bundle, value, password []byte) *certificate.Bundle {
	bundle := r.parser.Keystore(value, password)
	if trimmed := trimNewline(password); bundle.Findings.Has(certificate.WrongPassword) && len(trimmed) < len(password) {
		bundle = r.parser.Keystore(value, trimmed)
	}
	if bundle.Count == 0 && before.Count > 0 {
		return before // a JKS tells its certificates without a password
	}
	return bundle
}

func trimNewline(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == '\n' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	return b
}

// siblings are the keys of the same Secret that usually have the password of a
// keystore: those of Strimzi (user.p12, user.password), of Bitnami's charts, of
// Spring Boot, of hand-made ones.
func siblings(key string) []string {
	base := key
	if dot := strings.LastIndexByte(key, '.'); dot > 0 {
		base = key[:dot]
	}
	return []string{
		key + ".password", base + ".password", base + "-password", base + "_password", base + "Password",
		key + "-password", "password", "keystore-password", "keystorePassword", "storePassword", "store-password", "storepass",
		"truststore-password", "truststorePassword", "key-password", "passphrase",
	}
}

// references are passwords elsewhere: those that people declared, then that of
// the Certificate.
func (r *Reducer) references(o *wire.Object, key string, format certificate.Format) []PasswordRef {
	var refs []PasswordRef
	for _, k := range r.Keystores {
		if matches(k.Namespace, o.Namespace) && matches(k.Name, o.Name) && matches(k.Key, key) {
			refs = append(refs, PasswordRef{k.PasswordSecretRef.Name, k.PasswordSecretRef.Key})
		}
	}
	if r.Refs == nil {
		return refs
	}
	if c := r.Refs(o.Namespace, o.Name); c != nil {
		ref := c.JKS
		if format == certificate.PKCS12 {
			ref = c.PKCS12
		}
		if ref.Secret != "" {
			refs = append(refs, ref)
		}
	}
	return refs
}
