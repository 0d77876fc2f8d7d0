package fleet

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

const (
	// readLimit is how long a request to read, or the start of a watch, may take
	// until the server begins to answer.
	readLimit = 15 * time.Second
	// writeLimit is longer, since an API server waits up to 30 seconds for a
	// webhook that does not answer, which is no fault of the API server.
	writeLimit = 35 * time.Second
	// bodyLimit is how long the answer of anything but a watch may take once it
	// has begun.
	bodyLimit = 30 * time.Second
)

// errLimit is the cause of the cancellation of a request that took too long.
var errLimit = errors.New("the time for an answer is over")

// demand is what one request asks of the guard.
type demand struct {
	limit time.Duration // until the answer begins; zero for what the method asks for
	body  time.Duration // for the rest of the answer; zero for what limit leaves
	probe bool          // passes although the breaker is open
}

type demandKey struct{}

func withDemand(ctx context.Context, d demand) context.Context {
	return context.WithValue(ctx, demandKey{}, d)
}

func demandOf(req *http.Request) demand {
	d, _ := req.Context().Value(demandKey{}).(demand)
	if d.limit > 0 {
		return d
	}
	d.limit, d.body = writeLimit, bodyLimit
	if req.Method == http.MethodGet || req.Method == http.MethodHead {
		d.limit = readLimit
	}
	return d
}

func isWatch(req *http.Request) bool {
	value := req.URL.Query().Get("watch")
	return value == "true" || value == "1"
}

// progress is how far a request got.
type progress struct {
	connected, secured atomic.Bool
}

func (p *progress) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				p.connected.Store(true)
			}
		},
		// For dialers that do not report.
		TLSHandshakeStart: func() { p.connected.Store(true) },
		GotConn:           func(httptrace.GotConnInfo) { p.connected.Store(true); p.secured.Store(true) },
	}
}

// attempt is one request under a limit.
type attempt struct {
	ctx      context.Context //nolint:containedctx // lives as long as the request
	cancel   context.CancelCauseFunc
	timer    *time.Timer
	limit    time.Duration
	progress progress
}

func begin(parent context.Context, limit time.Duration) *attempt {
	a := &attempt{limit: limit}
	ctx, cancel := context.WithCancelCause(parent)
	a.ctx, a.cancel = httptrace.WithClientTrace(ctx, a.progress.trace()), cancel
	a.timer = time.AfterFunc(limit, func() { cancel(errLimit) })
	return a
}

// late says whether the limit ended the request.
func (a *attempt) late() bool { return errors.Is(context.Cause(a.ctx), errLimit) }

// extend gives the rest of the answer its own limit.
func (a *attempt) extend(limit time.Duration) {
	a.limit = limit
	a.timer.Reset(limit)
}

func (a *attempt) end() {
	a.timer.Stop()
	a.cancel(nil)
}

// watchedBody is the body of a response. It ends the attempt when it is closed, and
// tells of errors.
type watchedBody struct {
	io.ReadCloser
	attempt *attempt
	failed  func(error) error
}

// Read implements [io.Reader].
func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.failed(err)
	}
	return n, err
}

// Close implements [io.Closer].
func (b *watchedBody) Close() error {
	b.attempt.end()
	return b.ReadCloser.Close()
}
