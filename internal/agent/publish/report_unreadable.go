package publish

import (
	"cmp"
	"math/bits"
	"slices"
	"strconv"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// maxUnreadable bounds the values that are listed as unreadable.
const maxUnreadable = 32

// unreadable is a value that could not be read, with what makes it worse than
// others.
type unreadable struct {
	place  inventory.Place
	record inventory.Record
	// used says that something uses the object, nothing that no certificate at
	// all could be read.
	used, nothing bool
	// findings are those that mean that something could not be read.
	findings certificate.Findings
}

// addUnreadable keeps the value when it is one of the worst.
func (t *tally) addUnreadable(v *inventory.View) {
	u := unreadable{
		place:    v.Object.Place,
		record:   *v.Record,
		used:     v.Use.Use == reference.Used,
		nothing:  v.Record.Leading() == nil,
		findings: v.Findings & certificate.Unreadable,
	}
	at, _ := slices.BinarySearchFunc(t.unreadable, u, compareUnreadable)
	if at == maxUnreadable {
		return
	}
	t.unreadable = slices.Insert(t.unreadable, at, u)
	t.unreadable = t.unreadable[:min(maxUnreadable, len(t.unreadable))]
}

// compareUnreadable puts the worst first: what is in use, then what could not be
// read at all, then servers' certificates.
func compareUnreadable(a, b unreadable) int {
	return cmp.Or(
		trueFirst(a.used, b.used),
		trueFirst(a.nothing, b.nothing),
		cmp.Compare(a.record.Role, b.record.Role),
		cmp.Compare(bits.TrailingZeros64(uint64(a.findings)), bits.TrailingZeros64(uint64(b.findings))),
		comparePlaces(a.place, b.place),
		cmp.Compare(a.record.Key, b.record.Key),
	)
}

func comparePlaces(a, b inventory.Place) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

func trueFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// item is the value as it is reported, its message at most limit bytes long.
func (u unreadable) item(limit int) v1alpha1.UnreadableItem {
	item := v1alpha1.UnreadableItem{
		Object: text(objectName(u.place), maxDN),
		Key:    text(u.record.Key, limit),
		Reason: (u.findings & -u.findings).Strings()[0],
	}
	if u.record.Value == nil {
		return item
	}
	list := u.record.Value.Problems
	for _, problem := range list {
		if problem.Finding.Has(u.findings) {
			item.Reason = (problem.Finding & u.findings).Strings()[0]
			item.Message = problem.Message
			break
		}
	}
	item.Message = text(item.Message, limit)
	if more := len(list) - 1; more > 0 {
		item.Message += " (and " + strconv.Itoa(more) + " more)"
	}
	return item
}
