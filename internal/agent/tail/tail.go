package tail

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
)

// Sink takes the objects of one Tail. Calls don't overlap. Bytes are valid only
// inside of a call.
type Sink interface {
	// Begin starts a listing, also in the place of one that was not completed.
	Begin()
	// Object is there, or has changed.
	Object(raw []byte)
	// End completes a listing: what it did not have is gone.
	End()
	// Deleted is an object as it was last.
	Deleted(raw []byte)
}

// Condition says how far a kind is read.
type Condition string

// Conditions of a Tail.
const (
	// Waiting says that the first listing is not complete.
	Waiting Condition = "Waiting"
	// Reading says that everything was read and changes are followed.
	Reading Condition = "Reading"
	// Forbidden says that the agent lacks the right to read the kind.
	Forbidden Condition = "Forbidden"
	// NotServed says that the API server does not know the kind.
	NotServed Condition = "NotServed"
	// Failing says that reading fails otherwise.
	Failing Condition = "Failing"
)

// State of a Tail.
type State struct {
	Condition Condition
	// Message says what went wrong.
	Message string
}

// Options of a Tail.
type Options struct {
	// Client sends requests to absolute paths, without a limit on their rate.
	Client rest.Interface
	// Resource to follow, in all namespaces unless Namespace is set.
	Resource  schema.GroupVersionResource
	Namespace string
	// FieldSelector as in the API; empty for none.
	FieldSelector string
	// LabelSelector as in the API; empty for none.
	LabelSelector string
	// MetadataOnly asks for objects as PartialObjectMetadata, in JSON: what they
	// hold is not even sent.
	MetadataOnly bool
	// Protobuf is for kinds of the API server itself; others speak JSON.
	Protobuf bool
	// PageSize is how many objects the server puts into one answer.
	PageSize int
	// Sink takes the objects.
	Sink Sink
	// Report is told every state, also if it is the same again.
	Report func(State)
	// Listed is called after each complete listing; it may be nil.
	Listed func()
	// Clock times waits.
	Clock clock.WithTicker
}

// Tail follows one kind.
type Tail struct {
	Options
	codec codec
}

// New returns a Tail. It makes no request.
func New(o Options) *Tail {
	t := &Tail{Options: o}
	if o.Protobuf {
		t.codec = newProtobuf()
	} else {
		t.codec = &jsonCodec{metadataOnly: o.MetadataOnly}
	}
	return t
}

const (
	// firstWait and longestWait bound the wait after a failure.
	firstWait   = 500 * time.Millisecond
	longestWait = time.Minute
	// refusedWait is for refusals that only a change of roles or kinds ends.
	refusedWait = 20 * time.Second
	// healthyAfter is how long a watch must last for failures to be forgotten.
	healthyAfter = time.Minute
)

// Run follows the kind until ctx ends.
func (t *Tail) Run(ctx context.Context) {
	t.Report(State{Condition: Waiting})
	failures := 0
	for ctx.Err() == nil {
		version, err := t.list(ctx)
		if err == nil {
			started := t.Clock.Now()
			if err = t.watch(ctx, version); t.Clock.Since(started) > healthyAfter {
				failures = 0
			}
		}
		if ctx.Err() != nil {
			return
		}
		if !expired(err) {
			t.Report(stateOf(err))
		}
		t.sleep(ctx, waitAfter(err, failures))
		failures++
	}
}

// waitAfter says how long to wait after a failure: longer each time, and never
// in step with other agents, since what fails here fails for all of them.
func waitAfter(err error, failures int) time.Duration {
	wait := longestWait
	if failures < 7 {
		wait = min(firstWait<<failures, longestWait)
	}
	if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) || apierrors.IsUnauthorized(err) {
		wait = max(wait, refusedWait)
	}
	if after, ok := apierrors.SuggestsClientDelay(err); ok {
		wait = max(wait, time.Duration(after)*time.Second)
	}
	if expired(err) && failures == 0 {
		wait = 0 // the history is gone, nothing is broken
	}
	return wait/2 + rand.N(wait/2+1)
}

func (t *Tail) sleep(ctx context.Context, wait time.Duration) {
	if wait <= 0 {
		return
	}
	timer := t.Clock.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C():
	}
}

// expired says that the server no longer has the history that was asked for.
func expired(err error) bool {
	return apierrors.IsResourceExpired(err) || apierrors.IsGone(err)
}

func stateOf(err error) State {
	switch {
	case err == nil:
		return State{Condition: Reading}
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return State{Condition: Forbidden, Message: err.Error()}
	case apierrors.IsNotFound(err):
		return State{Condition: NotServed, Message: err.Error()}
	default:
		return State{Condition: Failing, Message: err.Error()}
	}
}

func (t *Tail) path() []string {
	r := t.Resource
	path := []string{"apis", r.Group, r.Version}
	if r.Group == "" {
		path = []string{"api", r.Version}
	}
	if t.Namespace != "" {
		path = append(path, "namespaces", t.Namespace)
	}
	return append(path, r.Resource)
}

// what is followed, for messages.
func (t *Tail) what() string {
	if t.Namespace != "" {
		return t.Resource.GroupResource().String() + " of namespace " + t.Namespace
	}
	return t.Resource.GroupResource().String()
}

func (t *Tail) request(accept string) *rest.Request {
	r := t.Client.Get().AbsPath(t.path()...).SetHeader("Accept", accept)
	if t.FieldSelector != "" {
		r = r.Param("fieldSelector", t.FieldSelector)
	}
	if t.LabelSelector != "" {
		r = r.Param("labelSelector", t.LabelSelector)
	}
	return r
}

// failed wraps an error of a request, and makes one of its kind for a status in
// the stream.
func (t *Tail) failed(doing string, err error) error {
	return fmt.Errorf("%s %s: %w", doing, t.what(), err)
}

func statusError(code int, reason, message string) error {
	if code == 0 {
		code = http.StatusInternalServerError
	}
	e := apierrors.NewGenericServerResponse(code, "watch", schema.GroupResource{}, "", message, 0, true)
	if reason != "" {
		e.ErrStatus.Reason = metaReason(reason)
	}
	return e
}

var errIdle = errors.New("the server was silent for too long")
