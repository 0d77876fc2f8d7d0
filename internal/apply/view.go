package apply

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/health"
)

// View is what is known of the objects of a cluster without reading each one.
type View interface {
	// Ensure prepares for kinds. A kind that can't be seen is an error that names
	// it; the others are seen all the same.
	Ensure(ctx context.Context, kinds []schema.GroupVersionKind) error
	// Get returns what is known of an object. watched is false when nothing is:
	// then it is believed to be as it was written.
	Get(ref desired.Ref) (obj LiveObject, found, watched bool)
	// Seen is the resource version that the view of a kind has reached, empty for
	// a view that does not lag behind our own writes.
	Seen(gk schema.GroupKind) string
	// Health of an object; ok is false when it has to be read. ledger is the
	// resource version of the ledger that the question is about.
	Health(ref desired.Ref, ledger string) (verdict health.Verdict, ok bool)
	// Drop forgets kinds that the cluster no longer serves.
	Drop(served func(schema.GroupKind) bool)
	// Close ends the view.
	Close()
}

// Health implements View: a watch on metadata does not know it.
func (l *Live) Health(desired.Ref, string) (health.Verdict, bool) { return health.Verdict{}, false }

// Reported is the view of a cluster through the report of its agent, which
// watches there what the ledger lists. It costs no request. What the agent does
// not complain about is as it was written.
type Reported struct {
	mu        sync.Mutex
	report    *v1alpha1.EstateReport
	drift     map[desired.Ref]v1alpha1.DriftState
	unhealthy map[desired.Ref]health.Verdict
}

var (
	_ View = &Live{}
	_ View = &Reported{}
)

// Set takes the last report, nil for none.
func (r *Reported) Set(report *v1alpha1.EstateReport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report = report
	r.drift, r.unhealthy = nil, nil
	if report == nil {
		return
	}
	if len(report.Drift) > 0 {
		r.drift = make(map[desired.Ref]v1alpha1.DriftState, len(report.Drift))
	}
	for i := range report.Drift {
		r.drift[refOf(&report.Drift[i].ObjectReference)] = report.Drift[i].State
	}
	if len(report.UnhealthyObjects) > 0 {
		r.unhealthy = make(map[desired.Ref]health.Verdict, len(report.UnhealthyObjects))
	}
	for i := range report.UnhealthyObjects {
		u := &report.UnhealthyObjects[i]
		r.unhealthy[refOf(&u.ObjectReference)] = health.Verdict{Message: u.Message, Serving: u.Serving}
	}
}

func refOf(o *v1alpha1.ObjectReference) desired.Ref {
	return desired.Ref{Group: o.Group, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
}

// Ensure implements View.
func (*Reported) Ensure(context.Context, []schema.GroupVersionKind) error { return nil }

// reportedFields differs from every hash of fields.
const reportedFields = "reported as changed"

// Get implements View: only what drifted is known.
func (r *Reported) Get(ref desired.Ref) (obj LiveObject, found, watched bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch r.drift[ref] {
	case v1alpha1.DriftDeleted:
		return LiveObject{}, false, true
	case v1alpha1.DriftChanged, v1alpha1.DriftReplaced:
		return LiveObject{Fields: reportedFields}, true, true
	}
	return LiveObject{}, false, false
}

// Seen implements View.
func (*Reported) Seen(schema.GroupKind) string { return "" }

// Health implements View. A report about another ledger may lack objects, and one
// that is cut short or blind for a kind does not tell.
func (r *Reported) Health(ref desired.Ref, ledger string) (health.Verdict, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.complete(ledger) {
		return health.Verdict{}, false
	}
	if v, bad := r.unhealthy[ref]; bad {
		return v, true
	}
	return health.Verdict{Ready: true}, true
}

func (r *Reported) covers(ledger string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.complete(ledger)
}

// complete says whether the report is about all objects of that ledger.
func (r *Reported) complete(ledger string) bool {
	rep := r.report
	return rep != nil && ledger != "" && rep.Ledger == ledger && len(rep.Unwatched) == 0 && int(rep.Unhealthy) <= len(rep.UnhealthyObjects)
}

// Drop implements View.
func (*Reported) Drop(func(schema.GroupKind) bool) {}

// Close implements View.
func (*Reported) Close() {}
