package prober

import (
	"testing"

	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// cert is a certificate with a fingerprint of one byte.
func cert(id byte, notBefore int64, names ...string) *certificate.Certificate {
	return &certificate.Certificate{Fingerprint: certificate.Fingerprint{id}, NotBefore: notBefore, Names: names, Subject: "CN=" + string(rune('a'+id))}
}

// bundle of certificates.
func bundle(list ...*certificate.Certificate) *certificate.Bundle {
	return &certificate.Bundle{Certificates: list, Count: len(list)}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	leaf, issuer, root := cert(1, 100, "shop.example.com"), cert(2, 10), cert(3, 1)
	newer, older := cert(4, 200, "SHOP.example.com", "www.example.com"), cert(5, 50, "shop.example.com")
	foreign := cert(6, 200, "other.example.com")
	nameless, namelessNewer := cert(7, 100), cert(8, 200)
	namelessNewer.Subject = nameless.Subject
	type bundles = []*certificate.Bundle
	for name, test := range map[string]struct {
		served *certificate.Bundle
		stored bundles
		want   Agreement
	}{
		"nothing is served":                   {nil, bundles{bundle(leaf)}, NotCompared},
		"a bundle without certificates":       {bundle(), bundles{bundle(leaf)}, NotCompared},
		"nothing is stored":                   {bundle(leaf), nil, StoredMissing},
		"what is stored is empty":             {bundle(leaf), bundles{nil, bundle()}, StoredMissing},
		"the same":                            {bundle(leaf, issuer), bundles{bundle(leaf, issuer)}, Same},
		"the issuer is not served":            {bundle(leaf), bundles{bundle(leaf, issuer)}, ChainDiffers},
		"a root is served in addition":        {bundle(leaf, issuer, root), bundles{bundle(leaf, issuer)}, ChainDiffers},
		"another order":                       {bundle(leaf, root, issuer), bundles{bundle(leaf, issuer, root)}, ChainDiffers},
		"another certificate under one CA":    {bundle(leaf, issuer), bundles{bundle(foreign, issuer)}, Differs},
		"the server has not reloaded":         {bundle(leaf, issuer), bundles{bundle(newer, issuer)}, StoredIsNewer},
		"an older one is stored":              {bundle(leaf), bundles{bundle(older)}, Differs},
		"one of the same age is stored":       {bundle(leaf), bundles{bundle(cert(9, 100, "shop.example.com"))}, Differs},
		"a newer one for another name":        {bundle(leaf), bundles{bundle(foreign)}, Differs},
		"a newer one for the same subject":    {bundle(nameless), bundles{bundle(namelessNewer)}, StoredIsNewer},
		"a newer one without names":           {bundle(leaf), bundles{bundle(namelessNewer)}, Differs},
		"the best of many, the same":          {bundle(leaf), bundles{bundle(foreign), bundle(newer), bundle(leaf, issuer), bundle(leaf)}, Same},
		"the best of many, the chain differs": {bundle(leaf), bundles{bundle(newer), bundle(leaf, issuer), bundle(foreign)}, ChainDiffers},
		"the best of many, newer":             {bundle(leaf), bundles{nil, bundle(foreign), bundle(newer)}, StoredIsNewer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Compare(test.served, test.stored); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
