package certificate

import (
	"bytes"
	"encoding/pem"
	"testing"

	"software.sslmate.com/src/go-pkcs12"
)

// mutations calls a function with a value of which one byte is another, for each
// byte, and with each beginning of it.
func mutations(data []byte, with func([]byte)) {
	for i := range data {
		for _, mask := range [...]byte{0x01, 0xff} {
			changed := bytes.Clone(data)
			changed[i] ^= mask
			with(changed)
		}
		with(bytes.Clone(data[:i]))
	}
}

func TestAnyByteOfAKeystoreMayBeWrong(t *testing.T) {
	t.Parallel()
	k := newKeystores(t)
	for name, data := range map[string][]byte{
		"RC2":         k.pkcs12(t, pkcs12.LegacyRC2.WithIterations(1), "x"),
		"AES":         k.pkcs12(t, pkcs12.Modern2026.WithIterations(1), "x"),
		"trust store": k.trust12(t, pkcs12.Modern2023.WithIterations(1), "x"),
		"open":        k.trust12(t, pkcs12.Passwordless, ""),
		"no MAC":      withoutMAC(t, k.pkcs12(t, pkcs12.Modern2023.WithIterations(1), "x")),
		"JKS":         k.jks(t, true, "x"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := NewParser()
			mutations(data, func(changed []byte) {
				if k := (&keystore12{data: changed}); k.scan(&contents{}) && k.iterations > 10_000 {
					return
				}
				checkBundle(t, p.Keystore(changed, []byte("x")))
			})
		})
	}
}

func TestAnyByteOfACertificateMayBeWrong(t *testing.T) {
	t.Parallel()
	root := newCA(t, nil, "root")
	inter := newCA(t, root, "inter")
	leaf := newLeaf(t, inter, "a.example", fetchable)
	p := NewParser()
	verifying := 0
	mutations(leaf.der, func(changed []byte) {
		chain := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: changed}), inter.pem()...)
		served, _ := p.Chain(chain, root.pem())
		checkBundle(t, served)
		if served.Findings == 0 {
			verifying++
		}
	})
	if verifying != 0 {
		t.Errorf("%d changed certificates are in order", verifying)
	}
}
