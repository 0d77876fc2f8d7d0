package publish

import (
	"cmp"
	"maps"
	"slices"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// maxAuthorities bounds the CAs that are listed.
const maxAuthorities = 64

// authority is a CA with the number of places that hold it.
type authority struct {
	certificate *certificate.Certificate
	mesh        string
	// holder is the object that is shown, key whether it holds the CA's key.
	holder inventory.Place
	key    bool
	places int32
	// last is the object that was counted last: the records of one object follow
	// each other.
	last *inventory.Object
}

// addAuthorities counts every CA that the record holds.
func (t *tally) addAuthorities(v *inventory.View) {
	for _, bundle := range [...]*certificate.Bundle{v.Record.Value, v.Record.Trust} {
		if bundle == nil {
			continue
		}
		for i, c := range bundle.Certificates {
			if c.IsCA {
				t.addAuthority(v, c, bundle == v.Record.Value && i == 0 && v.Record.Role == inventory.Authority)
			}
		}
	}
}

func (t *tally) addAuthority(v *inventory.View, c *certificate.Certificate, key bool) {
	a := t.authorities[c.Fingerprint]
	if a == nil {
		a = &authority{certificate: c, holder: v.Object.Place}
		t.authorities[c.Fingerprint] = a
	}
	if key && !a.key {
		a.key, a.holder = true, v.Object.Place
	}
	if a.mesh == "" {
		a.mesh = v.Record.Mesh
	}
	if a.last != v.Object {
		a.last = v.Object
		a.places++
	}
}

// topAuthorities are the CAs of the meshes first, then those that are held by
// most places.
func (t *tally) topAuthorities() []*authority {
	list := slices.SortedFunc(maps.Values(t.authorities), func(a, b *authority) int {
		return cmp.Or(
			trueFirst(a.mesh != "", b.mesh != ""),
			cmp.Compare(b.places, a.places),
			cmp.Compare(a.certificate.Subject, b.certificate.Subject),
			slices.Compare(a.certificate.Fingerprint[:], b.certificate.Fingerprint[:]),
		)
	})
	return list[:min(maxAuthorities, len(list))]
}

// item is the CA as it is reported, its subject at most limit bytes long.
func (a *authority) item(limit int) v1alpha1.Authority {
	return v1alpha1.Authority{
		Subject:     text(a.certificate.Subject, limit),
		Fingerprint: a.certificate.Fingerprint.String(),
		NotAfter:    clampedTime(a.certificate.NotAfter),
		Mesh:        text(a.mesh, limit),
		Object:      text(objectName(a.holder), maxDN),
		Places:      a.places,
	}
}
