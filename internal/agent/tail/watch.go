package tail

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/tlsplatform/tls-platform-operator/internal/agent/wire"
)

const (
	// watchSpan is how long a watch lasts at least; the server ends it then, and
	// a new one may reach another server.
	watchSpan = 5 * time.Minute
	// idleLimit is how long a watch may be silent. Bookmarks come about once a
	// minute: without one, the connection is dead although nobody said so.
	idleLimit = 3 * time.Minute
)

// patience is how many failures in a row pass before they are reported: an API
// server that restarts is no news.
const patience = 2

// watch follows changes until the server no longer has the history, or refuses.
// Whatever else fails is tried again from where it stopped: listing everything
// anew would turn a short outage of the API server into a long one.
func (t *Tail) watch(ctx context.Context, version string) error {
	failures := 0
	for ctx.Err() == nil {
		started := t.Clock.Now()
		latest, err := t.watchOnce(ctx, version)
		if t.Clock.Since(started) > healthyAfter {
			failures = 0
		}
		switch {
		case err == nil && latest != version:
			failures = 0
		case err == nil:
			// A server that ends watches at once is asked less and less often.
			t.sleep(ctx, waitAfter(nil, failures))
			failures++
		case lasting(err):
			return t.failed("watching", err)
		default:
			failures++
			if failures > patience {
				t.Report(stateOf(t.failed("watching", err)))
			}
			t.sleep(ctx, waitAfter(err, failures))
		}
		version = latest
	}
	return ctx.Err()
}

// lasting says that another watch from the same place would fail as well.
func lasting(err error) bool {
	return expired(err) || apierrors.IsForbidden(err) || apierrors.IsNotFound(err) || apierrors.IsUnauthorized(err)
}

func (t *Tail) watchOnce(ctx context.Context, version string) (latest string, err error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	idle := t.Clock.NewTimer(idleLimit)
	defer idle.Stop()
	go func() {
		select {
		case <-ctx.Done():
		case <-idle.C():
			stop(errIdle)
		}
	}()
	seconds := int(watchSpan.Seconds()) + rand.N(int(watchSpan.Seconds()))
	body, err := t.request(t.codec.accept(true)).
		Param("watch", "true").
		Param("allowWatchBookmarks", "true").
		Param("resourceVersion", version).
		Param("timeoutSeconds", strconv.Itoa(seconds)).
		Stream(ctx)
	if err != nil {
		return version, silent(ctx, err)
	}
	defer func() { _ = body.Close() }()
	defer t.codec.wipe()
	t.Report(State{Condition: Reading})
	t.codec.begin(body)
	for {
		kind, raw, err := t.codec.event()
		if errors.Is(err, io.EOF) {
			return version, nil
		}
		if err != nil {
			return version, silent(ctx, err)
		}
		idle.Reset(idleLimit)
		if version, err = t.handle(kind, raw, version); err != nil {
			return version, err
		}
	}
}

// silent gives the reason for which a context was ended here.
func silent(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errIdle) {
		return cause
	}
	return err
}

func (t *Tail) handle(kind wire.EventType, raw []byte, version string) (string, error) {
	switch kind {
	case wire.Added, wire.Modified:
		t.Sink.Object(raw)
	case wire.Deleted:
		t.Sink.Deleted(raw)
	case wire.Bookmark:
	case wire.Error:
		s := t.codec.status(raw)
		return version, statusError(s.Code, s.Reason, s.Message)
	default:
		return version, nil // an event of the future
	}
	if v := t.codec.version(raw); v != "" {
		version = v
	}
	return version, nil
}
