package estate

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/health"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// scope is what one tail follows: a kind, in one namespace or in all of them.
type scope struct {
	schema.GroupKind
	namespace string
}

// scopeOf an object, under the lock.
func (e *Estate) scopeOf(ref desired.Ref) scope {
	s := scope{GroupKind: ref.GroupKind()}
	if e.limited && ref.Group == "" && (ref.Kind == "ConfigMap" || ref.Kind == "Secret") {
		s.namespace = ref.Namespace
	}
	return s
}

// kind is what is known of one scope.
type kind struct {
	scope
	// asked says that the cluster was asked whether it serves the kind, since the
	// ledger lists it.
	asked bool
	// silent says that the group of the kind did not answer then.
	silent bool
	// resource that is followed, empty for none.
	resource schema.GroupVersionResource
	stop     context.CancelFunc
	standing standing
	objects  map[types.NamespacedName]*object
}

func (k *kind) end() {
	if k.stop != nil {
		k.stop()
	}
}

func (k *kind) outlook(now time.Time) outlook {
	switch {
	case !k.resource.Empty():
		return k.standing.outlook(now)
	case !k.asked:
		return outlook{waiting: true}
	case k.silent:
		return outlook{reason: "its API group does not answer"}
	default:
		return outlook{reason: "not served"}
	}
}

// String is the kind as plural.group, and its namespace when it has one. The
// plural of what is not served is a guess.
func (k *kind) String() string {
	resource := k.resource.GroupResource()
	if k.resource.Empty() {
		guess, _ := meta.UnsafeGuessKindToResource(k.WithVersion("v1"))
		resource = guess.GroupResource()
	}
	if k.namespace != "" {
		return resource.String() + " of namespace " + k.namespace
	}
	return resource.String()
}

// rescope has exactly that followed which the ledger lists. It is called under
// the lock.
func (e *Estate) rescope() {
	wanted := map[scope]bool{}
	if e.book != nil {
		for ref := range e.book.items {
			wanted[e.scopeOf(ref)] = true
		}
	}
	for s, k := range e.kinds {
		if !wanted[s] {
			k.end()
			delete(e.kinds, s)
		}
	}
	unknown := false
	for s := range wanted {
		if e.kinds[s] != nil {
			continue
		}
		k := &kind{scope: s, objects: map[types.NamespacedName]*object{}}
		e.kinds[s] = k
		e.attach(k)
		unknown = unknown || k.resource.Empty()
	}
	e.dirty = true
	if unknown {
		e.Rediscover()
	}
}

// attach follows the resource that serves a kind, and says whether that is
// another than before. It is called under the lock.
func (e *Estate) attach(k *kind) (news bool) {
	resource, served := e.served[k.GroupKind]
	silent := !served && e.silent[k.Group]
	news = k.silent != silent
	k.silent = silent
	if resource == k.resource || silent {
		return news
	}
	k.end()
	fresh := &kind{scope: k.scope, asked: k.asked, silent: silent, resource: resource, objects: map[types.NamespacedName]*object{}}
	// The watches of a kind that is no longer this one's write to nothing.
	*k = *fresh
	if !served || e.ctx == nil || e.ctx.Err() != nil {
		return true
	}
	e.start(k)
	return true
}

// pageSize is small for definitions, which are large.
func pageSize(gk schema.GroupKind) int {
	if gk.Kind == definition {
		return 10
	}
	return 100
}

func (e *Estate) start(k *kind) {
	ctx, stop := context.WithCancel(e.ctx)
	k.stop = stop
	k.standing.is(tail.State{Condition: tail.Waiting}, e.Clock.Now())
	o := tail.Options{
		Resource: k.resource, Namespace: k.namespace, LabelSelector: names.LabelPlatform,
		PageSize: pageSize(k.GroupKind), MetadataOnly: !health.Judged(k.Kind),
		Sink: &objectSink{estate: e, kind: k, ctx: ctx},
		Report: func(s tail.State) {
			e.reported(ctx, k, s)
		},
	}
	e.group.Go(func() { e.Follow(ctx, o) })
}

// reported takes the state of a tail, unless it was ended.
func (e *Estate) reported(ctx context.Context, k *kind, s tail.State) {
	e.mu.Lock()
	now := e.Clock.Now()
	news := ctx.Err() == nil && k.standing.is(s, now)
	if news {
		e.rejudge(k, now)
	}
	e.mu.Unlock()
	if news {
		e.Changed()
	}
}

// rejudge judges all objects of a kind again. It is called under the lock.
func (e *Estate) rejudge(k *kind, now time.Time) {
	e.dirty = true
	if e.book == nil {
		return
	}
	for ref := range e.book.items {
		if e.scopeOf(ref) == k.scope {
			e.judge(ref, now)
		}
	}
}
