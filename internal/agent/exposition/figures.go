package exposition

import (
	"math/bits"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// layers in the order of figures.
var layers = [...]v1alpha1.Layer{v1alpha1.LayerIngress, v1alpha1.LayerMesh, v1alpha1.LayerApplication}

// layerIndex is the place of a layer in figures. What is in no other layer is in
// that of applications.
func layerIndex(layer v1alpha1.Layer) int {
	switch layer {
	case v1alpha1.LayerIngress:
		return 0
	case v1alpha1.LayerMesh:
		return 1
	case v1alpha1.LayerApplication:
		return 2
	default:
		return 2
	}
}

// byLayer counts by layer.
type byLayer [len(layers)]int64

const day = 24 * 60 * 60

// spans are the parts that the time that is left falls into: from the end of the
// span before, up to so many seconds.
var spans = [...]struct {
	name string
	upTo int64
}{
	{names.WithinExpired, -1},
	{names.WithinDay, day},
	{names.WithinWeek, 7 * day},
	{names.WithinMonth, 30 * day},
	{names.WithinQuarter, 90 * day},
}

// spanIndex is the span that so many seconds are in, len(spans) for later. A
// certificate is valid up to and including its last second.
func spanIndex(left int64) int {
	for i := range spans {
		if left <= spans[i].upTo {
			return i
		}
	}
	return len(spans)
}

// group is what certificates are counted by together.
type group struct {
	layer   int
	manager inventory.Manager
	role    inventory.Role
}

// space is what is counted of a namespace. Whether its certificates have series
// is decided once for each layer.
type space struct {
	name     string
	count    byLayer
	decided  [len(layers)]bool
	selected [len(layers)]bool
}

// figures are the aggregates of one scrape. They are used again, since their maps
// are large.
type figures struct {
	now      int64
	selector *selector

	groups       map[group]int64
	issuers      map[string]int64
	spaceIndex   map[string]int
	spaces       []space
	expiry       [len(layers)][len(spans) + 1]int64
	findings     [64]int64
	unreferenced byLayer
	orphaned     byLayer
	unmanaged    byLayer
	// exported certificates have series, ruled out are those that a rule leaves
	// out, and endless are values without a readable certificate.
	exported, ruledOut, endless int64

	authorities authorities
}

func newFigures() *figures {
	return &figures{
		groups:      map[group]int64{},
		issuers:     map[string]int64{},
		spaceIndex:  map[string]int{},
		authorities: newAuthorities(),
	}
}

// reset empties the figures and keeps their room.
func (f *figures) reset(now int64, selector *selector) {
	clear(f.groups)
	clear(f.issuers)
	clear(f.spaceIndex)
	clear(f.spaces)
	f.authorities.reset()
	*f = figures{
		now: now, selector: selector, groups: f.groups, issuers: f.issuers, spaceIndex: f.spaceIndex,
		spaces: f.spaces[:0], authorities: f.authorities,
	}
}

// leading is the certificate that stands for a record, nil when none has an end.
func leading(r *inventory.Record) *certificate.Certificate {
	c := r.Leading()
	if c == nil || c.Findings.Has(certificate.Unparseable) {
		return nil
	}
	return c
}

// add counts a record. It returns the certificate to export, nil for none, and
// the name of who issued it.
func (f *figures) add(v *inventory.View) (exported *certificate.Certificate, by string) {
	layer := layerIndex(v.Layer)
	f.groups[group{layer, v.Manager, v.Record.Role}]++
	for rest := uint64(v.Findings); rest != 0; rest &= rest - 1 {
		f.findings[bits.TrailingZeros64(rest)]++
	}
	if v.Manager == inventory.ManagedByHand {
		f.unmanaged[layer]++
	}
	if v.Use.Use == reference.Unreferenced {
		f.unreferenced[layer]++
	}
	if v.Orphan {
		f.orphaned[layer]++
	}
	f.authorities.add(v.Record)
	in := f.space(v.Object.Namespace)
	in.count[layer]++

	c := leading(v.Record)
	if c == nil {
		f.endless++
		return nil, ""
	}
	by = issuer(v, c)
	f.expiry[layer][spanIndex(c.NotAfter-f.now)]++
	if v.Record.Role != inventory.Bundle {
		f.issuers[by]++
	}
	if !f.selects(in, layer) {
		f.ruledOut++
		return nil, ""
	}
	f.exported++
	return c, by
}

// space finds what is counted of a namespace. It is valid until the next call.
func (f *figures) space(namespace string) *space {
	i, known := f.spaceIndex[namespace]
	if !known {
		i = len(f.spaces)
		f.spaceIndex[namespace] = i
		f.spaces = append(f.spaces, space{name: namespace})
	}
	return &f.spaces[i]
}

func (f *figures) selects(in *space, layer int) bool {
	if !in.decided[layer] {
		in.selected[layer] = f.selector.selects(layers[layer], in.name)
		in.decided[layer] = true
	}
	return in.selected[layer]
}

// issuer is the name of who issued a certificate, fit for a label: of
// cert-manager's issuer if it is known, else as the certificate says.
func issuer(v *inventory.View, c *certificate.Certificate) string {
	if v.Issuer != nil {
		return describe(v.Issuer.Name)
	}
	return describe(commonName(c.Issuer))
}
