package estate

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// Options of an Estate.
type Options struct {
	// Namespace of the agent, where the ledger is.
	Namespace string
	// Version of the agent, which reports carry.
	Version string
	// Clock tells when something was seen.
	Clock clock.PassiveClock
	// Follow follows one kind until ctx ends. It sets the client and the clock.
	Follow func(ctx context.Context, o tail.Options)
	// Changed is called when a report may be another. It must not block.
	Changed func()
	// Rediscover asks for another call of Serve, since the ledger lists a kind that
	// was not known to be served. It must not block.
	Rediscover func()
}

// Estate is what is known of the objects that the platform applied. It is safe
// for concurrent use.
type Estate struct {
	Options
	// Definitions is the digest of the custom resource definitions, and Workloads
	// that of the components' workloads. Others follow these kinds and keep them.
	Definitions, Workloads *Digest

	group sync.WaitGroup
	mu    sync.Mutex
	ctx   context.Context //nolint:containedctx // the life of all tails, which come and go with the ledger

	// book is the ledger, nil while there is none.
	book *book
	// read says that the ledger was looked for once, with success.
	read bool
	// source is how far the ledger is read.
	source standing
	// decoding says why the ledger can't be understood; empty when it can.
	decoding string

	// served are the kinds of the cluster, nil before it told them.
	served map[schema.GroupKind]schema.GroupVersionResource
	silent map[string]bool // groups that did not answer
	// limited says that the contents of ConfigMaps and Secrets may be read in some
	// namespaces alone.
	limited bool
	kinds   map[scope]*kind

	// recalled is the report of an earlier process, and earlier its drift.
	recalled *v1alpha1.EstateReport
	earlier  map[desired.Ref]v1alpha1.DriftItem

	// complete says that a report was made that tells of all kinds.
	complete bool
	// settled is the version of the ledger that the verdicts are about.
	settled string
	dirty   bool
	last    *v1alpha1.EstateReport
	next    time.Time
}

// New returns an Estate that knows nothing. It makes no request.
func New(o Options) *Estate {
	e := &Estate{Options: o, kinds: map[scope]*kind{}, dirty: true}
	e.Definitions, e.Workloads = newDigest(e.touch), newDigest(e.touch)
	return e
}

// Run follows the ledger and what it lists until ctx ends.
func (e *Estate) Run(ctx context.Context) {
	e.mu.Lock()
	e.ctx = ctx
	e.mu.Unlock()
	e.Follow(ctx, tail.Options{
		Resource:  schema.GroupVersionResource{Version: "v1", Resource: "configmaps"},
		Namespace: e.Namespace, FieldSelector: "metadata.name=" + names.LedgerConfigMap, PageSize: 1,
		Sink: &ledgerSink{estate: e},
		Report: func(s tail.State) {
			e.mu.Lock()
			news := e.source.is(s, e.Clock.Now())
			e.dirty = e.dirty || news
			e.mu.Unlock()
			if news {
				e.Changed()
			}
		},
	})
	// Nothing starts any more: the context of the tails has ended.
	e.mu.Lock()
	defer e.mu.Unlock()
	e.halt()
}

// halt ends all tails and waits for them. Their sinks wait for the lock, so it is
// given up meanwhile.
func (e *Estate) halt() {
	for s, k := range e.kinds {
		k.end()
		delete(e.kinds, s)
	}
	e.mu.Unlock()
	e.group.Wait()
	e.mu.Lock()
}

// touch has the next report made anew.
func (e *Estate) touch() {
	e.mu.Lock()
	e.dirty = true
	e.mu.Unlock()
	e.Changed()
}

// Recall takes the report of an earlier process: it stands until everything was
// read once, and tells since when drift is known and who caused it. Only the
// first call counts.
func (e *Estate) Recall(report *v1alpha1.EstateReport) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.recalled != nil || e.complete || report == nil {
		return
	}
	e.recalled = report.DeepCopy()
	e.earlier = map[desired.Ref]v1alpha1.DriftItem{}
	for _, item := range e.recalled.Drift {
		e.earlier[refOf(item.ObjectReference)] = item
	}
	e.dirty = true
}

// Limit says whether ConfigMaps and Secrets may be read in some namespaces alone:
// then they are followed in each namespace by itself.
func (e *Estate) Limit(limited bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.limited != limited {
		e.limited = limited
		e.rescope()
	}
}

// Serve says which kinds the cluster serves. Those of the groups that are silent
// are not taken for gone.
func (e *Estate) Serve(served map[schema.GroupKind]schema.GroupVersionResource, silent map[string]bool) {
	e.mu.Lock()
	e.served, e.silent = served, silent
	news := false
	for _, k := range e.kinds {
		news = news || !k.asked
		k.asked = true
		news = e.attach(k) || news
	}
	e.dirty = e.dirty || news
	e.mu.Unlock()
	if news {
		e.Changed()
	}
}

func refOf(o v1alpha1.ObjectReference) desired.Ref {
	return desired.Ref{Group: o.Group, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
}

func referenceOf(r desired.Ref) v1alpha1.ObjectReference {
	return v1alpha1.ObjectReference{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
}
