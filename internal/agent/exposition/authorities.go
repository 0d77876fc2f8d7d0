package exposition

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

const (
	// maxAuthorities bounds the CAs that have series.
	maxAuthorities = 500
	// largeBundle is the number of certificates from which on the places of a
	// bundle are counted first and its certificates looked at once. The same
	// list of public roots lies in every namespace of many clusters.
	largeBundle = 8
	// fingerprintLength is the number of hex digits that a CA is told apart by.
	fingerprintLength = 12
)

// authority is a CA that was found.
type authority struct {
	certificate *certificate.Certificate
	mesh        string
	places      int64
	// record that was counted last, so that it does not count twice.
	record int64
}

// authorities are the CAs of one scrape.
type authorities struct {
	index   map[certificate.Fingerprint]int
	list    []authority
	large   map[*certificate.Bundle]int64
	records int64
}

func newAuthorities() authorities {
	return authorities{index: map[certificate.Fingerprint]int{}, large: map[*certificate.Bundle]int64{}}
}

// reset empties the list and keeps its room.
func (a *authorities) reset() {
	clear(a.index)
	clear(a.list)
	clear(a.large)
	a.list, a.records = a.list[:0], 0
}

// add counts the CAs of a record: those that are served, trusted or lie beside.
// A place counts once for a CA.
func (a *authorities) add(r *inventory.Record) {
	mesh := r.Mesh
	if r.Role == inventory.Serving {
		mesh = ""
	}
	a.records++
	for _, b := range [...]*certificate.Bundle{r.Value, r.Trust} {
		switch {
		case b == nil:
		case mesh == "" && len(b.Certificates) >= largeBundle:
			a.large[b]++
		default:
			a.place(b, 1, mesh)
		}
	}
}

// place counts the CAs of a bundle that lies in so many places.
func (a *authorities) place(b *certificate.Bundle, places int64, mesh string) {
	for _, c := range b.Certificates {
		if !c.IsCA {
			continue
		}
		i, known := a.index[c.Fingerprint]
		if !known {
			i = len(a.list)
			a.index[c.Fingerprint] = i
			a.list = append(a.list, authority{certificate: c})
		}
		one := &a.list[i]
		if one.record != a.records {
			one.record = a.records
			one.places += places
		}
		if mesh != "" && (one.mesh == "" || mesh < one.mesh) {
			one.mesh = mesh
		}
	}
}

// finish gives all CAs: those of meshes first, then by the number of places.
func (a *authorities) finish() []authority {
	for b, places := range a.large {
		a.records++
		a.place(b, places, "")
	}
	rank := func(one authority) int {
		if one.mesh != "" {
			return 0
		}
		return 1
	}
	slices.SortFunc(a.list, func(x, y authority) int {
		return cmp.Or(cmp.Compare(rank(x), rank(y)), cmp.Compare(y.places, x.places), compareFingerprints(x, y))
	})
	return a.list
}

func compareFingerprints(x, y authority) int {
	return bytes.Compare(x.certificate.Fingerprint[:], y.certificate.Fingerprint[:])
}

// fingerprints are the labels of CAs that are ordered by fingerprint. Where the
// first digits of two are the same, which takes somebody who tries, all digits
// are shown.
func fingerprints(ordered []authority) []string {
	labels := make([]string, len(ordered))
	for i := range ordered {
		labels[i] = ordered[i].certificate.Fingerprint.String()
	}
	short := make([]string, len(labels))
	for i, label := range labels {
		start := label[:fingerprintLength]
		before := i > 0 && labels[i-1][:fingerprintLength] == start
		after := i+1 < len(labels) && labels[i+1][:fingerprintLength] == start
		if before || after {
			start = label
		}
		short[i] = start
	}
	return short
}
