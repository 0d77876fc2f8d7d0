package estate

import (
	"cmp"
	"math"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/health"
)

// maxItems bounds each list of a report, as the API does.
const maxItems = 32

// Report is what is known at a time, and next when time alone will change it: the
// zero time for never. It is nil while there is no ledger. Texts are as they were
// found, so whoever publishes it bounds them. The report must not be changed.
func (e *Estate) Report(now time.Time) (report *v1alpha1.EstateReport, next time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.dirty && (e.next.IsZero() || now.Before(e.next)) {
		return e.last, e.next
	}
	e.settle(now)
	e.dirty = false
	switch {
	case !e.complete && !e.known(now):
		e.last = e.recalled // an earlier process knew more than this one does yet
	case e.book == nil:
		e.complete = true
		e.last = e.blind(now)
	default:
		e.complete = true
		e.last = e.build(now)
	}
	return e.last, e.next
}

// known says whether there is something to tell: about a ledger once the first
// verdicts hold, or that there is none.
func (e *Estate) known(now time.Time) bool {
	if e.book != nil {
		return e.settled != ""
	}
	return e.read || e.source.outlook(now).reason != ""
}

// blind is the report without a ledger: none when there is no ledger, and the
// reason when it can't be read.
func (e *Estate) blind(now time.Time) *v1alpha1.EstateReport {
	reason := e.ledgerProblem(now)
	if reason == "" {
		return nil
	}
	return &v1alpha1.EstateReport{Version: e.Version, Unwatched: []string{reason}}
}

// ledgerProblem says why the ledger is not followed, empty when it is.
func (e *Estate) ledgerProblem(now time.Time) string {
	o := e.source.outlook(now)
	e.soon(o.next)
	if o.reason != "" {
		return "configmaps: the ledger is not watched: " + o.reason
	}
	if e.decoding != "" {
		return "configmaps: the ledger can't be read: " + e.decoding
	}
	return ""
}

// soon remembers when the next report may differ.
func (e *Estate) soon(at time.Time) {
	if !at.IsZero() && (e.next.IsZero() || at.Before(e.next)) {
		e.next = at
	}
}

// settle lets verdicts count that held, and the ledger once all did.
func (e *Estate) settle(now time.Time) {
	e.next = time.Time{}
	if e.book == nil {
		return
	}
	pending := false
	for _, k := range e.kinds {
		o := k.outlook(now)
		pending = pending || o.waiting
		e.soon(o.next)
		if o.reason != "" {
			e.rejudge(k, now) // it may be unwatched since a moment ago
		}
	}
	for _, i := range e.book.items {
		due := i.settle(now)
		pending = pending || !due.IsZero()
		e.soon(due)
	}
	if e.settled == e.book.version {
		return
	}
	// What was seen before the ledger may not be all that happened before it.
	if due := e.book.seen.Add(settling); now.Before(due) {
		e.soon(due)
	} else if !pending {
		e.settled = e.book.version
	}
}

func (e *Estate) build(now time.Time) *v1alpha1.EstateReport {
	r := &v1alpha1.EstateReport{
		Version: e.Version, Ledger: e.settled, Objects: count(len(e.book.items)),
		Kinds: e.Definitions.String(), Workloads: e.Workloads.String(),
	}
	if e.recalled != nil {
		// Another process read these already.
		r.Kinds = cmp.Or(r.Kinds, e.recalled.Kinds)
		r.Workloads = cmp.Or(r.Workloads, e.recalled.Workloads)
	}
	for ref, i := range e.book.items {
		k := e.kinds[e.scopeOf(ref)]
		if k == nil {
			continue
		}
		o := k.objects[types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name}]
		if i.told != inOrder {
			r.Drift = append(r.Drift, e.drifted(ref, i, o))
		}
		if bad, is := unhealthy(ref, i, o); is && k.outlook(now).watched() {
			r.UnhealthyObjects = append(r.UnhealthyObjects, bad)
		}
	}
	r.Drifted, r.Unhealthy = count(len(r.Drift)), count(len(r.UnhealthyObjects))
	slices.SortFunc(r.Drift, func(a, b v1alpha1.DriftItem) int {
		return cmp.Or(a.Since.Compare(b.Since.Time), byName(a.ObjectReference, b.ObjectReference))
	})
	slices.SortFunc(r.UnhealthyObjects, func(a, b v1alpha1.UnhealthyItem) int {
		return byName(a.ObjectReference, b.ObjectReference)
	})
	r.Unwatched = e.unwatched(now)
	r.Drift = r.Drift[:min(len(r.Drift), maxItems)]
	r.UnhealthyObjects = r.UnhealthyObjects[:min(len(r.UnhealthyObjects), maxItems)]
	return r
}

func (e *Estate) unwatched(now time.Time) []string {
	var list []string
	for _, k := range e.kinds {
		if o := k.outlook(now); o.reason != "" {
			list = append(list, k.String()+": "+o.reason)
		}
	}
	slices.Sort(list)
	if reason := e.ledgerProblem(now); reason != "" {
		list = slices.Insert(list, 0, reason) // it matters most
	}
	return list[:min(len(list), maxItems)]
}

// drifted describes an object that is not in order. What an earlier process saw
// of it is more than can be told from the object as it is now.
func (e *Estate) drifted(ref desired.Ref, i *item, o *object) v1alpha1.DriftItem {
	d := v1alpha1.DriftItem{ObjectReference: referenceOf(ref), State: i.told}
	since := i.first
	if o != nil && i.told != v1alpha1.DriftDeleted {
		d.Fields, d.By = o.change.Fields, o.change.By
		if !o.change.Since.IsZero() {
			since = o.change.Since
		}
	}
	if earlier, is := e.earlier[ref]; is && earlier.State == d.State && len(d.Fields) == 0 {
		d.Fields, d.By = earlier.Fields, earlier.By
		if earlier.Since != nil {
			since = earlier.Since.Time
		}
	}
	d.Since = &metav1.Time{Time: since.UTC().Truncate(time.Second)}
	return d
}

// unhealthy describes an object that does not do its work.
func unhealthy(ref desired.Ref, i *item, o *object) (bad v1alpha1.UnhealthyItem, is bool) {
	if !i.concerned() || !health.Judged(ref.Kind) {
		return bad, false
	}
	bad.ObjectReference = referenceOf(ref)
	if o == nil {
		bad.Message = "it does not exist"
		return bad, i.told == v1alpha1.DriftDeleted
	}
	bad.Message, bad.Serving = o.health.Message, o.health.Serving
	return bad, !o.health.Ready
}

func byName(a, b v1alpha1.ObjectReference) int {
	return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

func count(n int) int32 { return int32(min(n, math.MaxInt32)) }
