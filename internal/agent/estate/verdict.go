package estate

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/drift"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
)

// settling is how long a verdict must hold before it counts: the watch on the
// ledger and those on the objects are not in step.
const settling = 300 * time.Millisecond

// inOrder is the verdict about an object that is as it was applied.
const inOrder v1alpha1.DriftState = ""

// item is an entry of the ledger with the verdict about its object.
type item struct {
	entry ledger.Entry
	// verdict as it is now, and since when.
	verdict v1alpha1.DriftState
	since   time.Time
	// told is the verdict that counts, and first when it was seen first.
	told  v1alpha1.DriftState
	first time.Time
}

// concerned says whether an entry is about an object that has to be there.
func (i *item) concerned() bool { return i.entry.UID != "" && i.entry.Retained == "" }

// compare an object with its entry; nil is no object. What is being deleted is
// no drift: it comes back as deleted once it is gone.
func compare(entry *ledger.Entry, o *object) v1alpha1.DriftState {
	switch {
	case entry.UID == "" || entry.Retained != "":
		return inOrder
	case o == nil:
		return v1alpha1.DriftDeleted
	case o.deleting:
		return inOrder
	case o.uid != entry.UID:
		return v1alpha1.DriftReplaced
	case o.fields != entry.Fields:
		return v1alpha1.DriftChanged
	default:
		return inOrder
	}
}

// sees takes a verdict and says whether it is another. That an object is in order
// counts at once.
func (i *item) sees(verdict v1alpha1.DriftState, now time.Time) (news bool) {
	if verdict != i.verdict {
		i.verdict, i.since, news = verdict, now, true
	}
	if verdict == inOrder {
		i.told, i.first = inOrder, time.Time{}
	}
	return news
}

// settle lets a verdict count that held. next is when it will; zero when nothing
// is pending.
func (i *item) settle(now time.Time) (next time.Time) {
	if i.verdict == i.told {
		return next
	}
	if due := i.since.Add(settling); now.Before(due) {
		return due
	}
	i.told, i.first = i.verdict, i.since
	return next
}

// judge the object of an entry again, and say whether the verdict is another. It
// is called under the lock.
func (e *Estate) judge(ref desired.Ref, now time.Time) (news bool) {
	i := e.book.items[ref]
	k := e.kinds[e.scopeOf(ref)]
	if i == nil || k == nil {
		return false
	}
	if o := k.outlook(now); !o.watched() {
		if o.waiting {
			return false // what was known holds until it is read again
		}
		return i.sees(inOrder, now)
	}
	o := k.objects[types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name}]
	verdict := compare(&i.entry, o)
	if verdict == inOrder {
		delete(e.earlier, ref)
		if o != nil && o.uid == i.entry.UID && o.fields == i.entry.Fields {
			o.wanted, o.change = o.owned, drift.Change{}
		}
	}
	news = i.sees(verdict, now)
	e.dirty = e.dirty || news
	return news
}
