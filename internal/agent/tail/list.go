package tail

import (
	"context"
	"io"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/internal/agent/wire"
)

// pageTimeout bounds one page, from the request to its last byte.
const pageTimeout = time.Minute

type metaReason = metav1.StatusReason

// page is an answer that is on its way.
type page struct {
	body io.ReadCloser
	err  error
	stop context.CancelFunc
}

// list hands on every object and returns the resource version that they are of.
//
// The next page is asked for while the one at hand is read: its token comes
// before the items (in protobuf; JSON has it after them).
func (t *Tail) list(ctx context.Context) (version string, err error) {
	defer t.codec.wipe()
	t.Sink.Begin()
	next := t.open(ctx, "")
	for next != nil {
		current := <-next
		next = nil
		if current.err != nil {
			current.stop()
			return "", t.failed("listing", current.err)
		}
		err := t.codec.list(current.body, func(m wire.ListMeta) {
			version = m.ResourceVersion
			if m.Continue != "" {
				next = t.open(ctx, m.Continue)
			}
		}, t.Sink.Object)
		_ = current.body.Close() // a body that was read to its end
		current.stop()
		if err != nil {
			abandon(next)
			return "", t.failed("listing", err)
		}
	}
	t.Sink.End()
	if t.Listed != nil {
		t.Listed()
	}
	return version, nil
}

// abandon gives back a page that nobody will read.
func abandon(next <-chan page) {
	if next == nil {
		return
	}
	go func() {
		p := <-next
		if p.body != nil {
			_ = p.body.Close()
		}
		p.stop()
	}()
}

func (t *Tail) open(ctx context.Context, token string) <-chan page {
	ctx, stop := context.WithTimeout(ctx, pageTimeout)
	r := t.request(t.codec.accept(false)).Param("limit", strconv.Itoa(t.PageSize))
	if token != "" {
		r = r.Param("continue", token)
	}
	answer := make(chan page, 1)
	go func() {
		body, err := r.Stream(ctx)
		answer <- page{body, err, stop}
	}()
	return answer
}
