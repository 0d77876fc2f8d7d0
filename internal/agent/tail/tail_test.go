package tail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
)

// server answers requests in the place of an API server, without a network.
type server struct {
	mu      sync.Mutex
	answer  func(n int, q url.Values) (int, io.ReadCloser) // n-th request, from 0
	queries []url.Values
	at      []time.Time
}

var errRefused = errors.New("connection refused")

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	n := len(s.queries)
	s.queries = append(s.queries, r.URL.Query())
	s.at = append(s.at, time.Now())
	s.mu.Unlock()
	code, body := s.answer(n, r.URL.Query())
	if code == 0 {
		return nil, errRefused
	}
	if h, ok := body.(*hanging); ok {
		h.ctx = r.Context()
	}
	return &http.Response{StatusCode: code, Body: body, Header: http.Header{"Content-Type": {"application/json"}}, Request: r}, nil
}

// count says how many requests were lists and how many were watches.
func (s *server) count() (lists, watches int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.queries {
		if q.Get("watch") == "true" {
			watches++
		} else {
			lists++
		}
	}
	return lists, watches
}

// hanging is a body that says something and then nothing until it is given up.
type hanging struct {
	io.Reader
	ctx context.Context // of the request that the body answers
}

func (h *hanging) Read(p []byte) (int, error) {
	if n, err := h.Reader.Read(p); n > 0 || !errors.Is(err, io.EOF) {
		return n, err
	}
	<-h.ctx.Done()
	return 0, h.ctx.Err()
}

func (h *hanging) Close() error { return nil }

func text(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }

func hang(s string) io.ReadCloser { return &hanging{Reader: strings.NewReader(s)} }

func object(name, version string) string {
	return fmt.Sprintf(`{"metadata":{"name":%q,"resourceVersion":%q}}`, name, version)
}

func list(version, next string, items ...string) string {
	return fmt.Sprintf(`{"kind":"List","apiVersion":"v1","items":[%s],"metadata":{"resourceVersion":%q,"continue":%q}}`,
		strings.Join(items, ","), version, next)
}

func event(kind, object string) string {
	return fmt.Sprintf(`{"type":%q,"object":%s}`+"\n", kind, object)
}

func failure(code int, reason string) string {
	return fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":"said so","reason":%q,"code":%d}`, reason, code)
}

// collector is a Sink that knows what is there.
type collector struct {
	mu    sync.Mutex
	there map[string]bool
	seen  map[string]bool
	calls []string
}

func name(raw []byte) string {
	var o metav1.PartialObjectMetadata
	if err := json.Unmarshal(raw, &o); err != nil {
		return err.Error()
	}
	return o.Name
}

func (c *collector) call(s string) { c.calls = append(c.calls, s) }

func (c *collector) Begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = map[string]bool{}
	c.call("begin")
}

func (c *collector) Object(raw []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.there[name(raw)], c.seen[name(raw)] = true, true
	c.call("+" + name(raw))
}

func (c *collector) Deleted(raw []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.there, name(raw))
	c.call("-" + name(raw))
}

func (c *collector) End() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := range c.there {
		if !c.seen[n] {
			delete(c.there, n)
		}
	}
	c.call("end")
}

func (c *collector) log() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// states of a Tail, without repetitions.
type states struct {
	mu   sync.Mutex
	list []Condition
}

func (s *states) report(state State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.list); n == 0 || s.list[n-1] != state.Condition {
		s.list = append(s.list, state.Condition)
	}
}

func (s *states) get() []Condition {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list)
}

// follow runs a Tail against a server for some time. It is for use in a bubble of
// synctest, where that takes none.
func follow(t *testing.T, s *server, span time.Duration) (*collector, *states) {
	t.Helper()
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, metav1.SchemeGroupVersion)
	client, err := rest.UnversionedRESTClientFor(&rest.Config{
		Host: "http://server", Transport: s, QPS: -1,
		ContentConfig: rest.ContentConfig{
			GroupVersion: &metav1.SchemeGroupVersion, NegotiatedSerializer: serializer.NewCodecFactory(scheme).WithoutConversion(),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	sink, reported := &collector{there: map[string]bool{}}, &states{}
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	New(Options{
		Client: client, Resource: schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "things"},
		PageSize: 2, Sink: sink, Report: reported.report, Clock: clock.RealClock{},
	}).Run(ctx)
	return sink, reported
}

func TestPagesThenEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(_ int, q url.Values) (int, io.ReadCloser) {
			switch {
			case q.Get("watch") == "true":
				return 200, hang(event("ADDED", object("d", "12")) + event("DELETED", object("a", "13")) + event("BOOKMARK", object("", "20")))
			case q.Get("continue") == "":
				return 200, text(list("10", "more", object("a", "1"), object("b", "2")))
			default:
				return 200, text(list("10", "", object("c", "3")))
			}
		}}
		sink, reported := follow(t, s, time.Minute)
		want := []string{"begin", "+a", "+b", "+c", "end", "+d", "-a"}
		if diff := cmp.Diff(want, sink.log()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]Condition{Waiting, Reading}, reported.get()); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
		if q := s.queries[2]; q.Get("resourceVersion") != "10" || q.Get("allowWatchBookmarks") != "true" {
			t.Errorf("the watch asked for %v", q)
		}
	})
}

func TestAnExpiredWatchListsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(n int, _ url.Values) (int, io.ReadCloser) {
			switch n {
			case 0:
				return 200, text(list("10", "", object("a", "1"), object("b", "2")))
			case 1:
				return 200, text(event("ERROR", failure(410, "Expired")))
			case 2:
				return 200, text(list("50", "", object("b", "2"), object("c", "40")))
			default:
				return 200, hang("")
			}
		}}
		sink, reported := follow(t, s, time.Minute)
		if diff := cmp.Diff(map[string]bool{"b": true, "c": true}, sink.there); diff != "" {
			t.Errorf("what is there (-want +got):\n%s", diff)
		}
		if slices.Contains(reported.get(), Failing) {
			t.Errorf("expired history was reported as a failure: %v", reported.get())
		}
	})
}

func TestATokenThatExpiresStartsTheListingAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(n int, _ url.Values) (int, io.ReadCloser) {
			switch n {
			case 0:
				return 200, text(list("10", "more", object("a", "1")))
			case 1:
				return 410, text(failure(410, "Expired"))
			case 2:
				return 200, text(list("30", "", object("b", "2")))
			default:
				return 200, hang("")
			}
		}}
		sink, _ := follow(t, s, time.Minute)
		if diff := cmp.Diff([]string{"begin", "+a", "begin", "+b", "end"}, sink.log()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]bool{"b": true}, sink.there); diff != "" {
			t.Errorf("what is there (-want +got):\n%s", diff)
		}
	})
}

func TestABrokenWatchGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(n int, _ url.Values) (int, io.ReadCloser) {
			switch n {
			case 0:
				return 200, text(list("10", ""))
			case 1:
				return 200, text(event("ADDED", object("a", "11")) + `{"type":"ADD`)
			case 2, 3, 4, 5:
				return 0, nil
			default:
				return 200, hang("")
			}
		}}
		_, reported := follow(t, s, 5*time.Minute)
		if lists, _ := s.count(); lists != 1 {
			t.Errorf("%d listings, want 1", lists)
		}
		if v := s.queries[len(s.queries)-1].Get("resourceVersion"); v != "11" {
			t.Errorf("the last watch starts at %s, want 11", v)
		}
		if diff := cmp.Diff([]Condition{Waiting, Reading, Failing, Reading}, reported.get()); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
	})
}

func TestARefusalEndsWhenTheRightIsGiven(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(n int, _ url.Values) (int, io.ReadCloser) {
			switch {
			case n < 3:
				return 403, text(failure(403, "Forbidden"))
			case n == 3:
				return 200, text(list("10", "", object("a", "1")))
			default:
				return 200, hang("")
			}
		}}
		_, reported := follow(t, s, 5*time.Minute)
		if diff := cmp.Diff([]Condition{Waiting, Forbidden, Reading}, reported.get()); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
	})
}

func TestASilentWatchIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(n int, _ url.Values) (int, io.ReadCloser) {
			if n == 0 {
				return 200, text(list("10", ""))
			}
			return 200, hang("")
		}}
		follow(t, s, idleLimit+time.Minute)
		if _, watches := s.count(); watches != 2 {
			t.Errorf("%d watches, want the silent one and another", watches)
		}
	})
}

func TestNoServerIsFlooded(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(n int, q url.Values) (int, io.ReadCloser){
		"that refuses connections": func(int, url.Values) (int, io.ReadCloser) { return 0, nil },
		"that is always too busy":  func(int, url.Values) (int, io.ReadCloser) { return 500, text(failure(500, "InternalError")) },
		"whose history is always gone": func(_ int, q url.Values) (int, io.ReadCloser) {
			if q.Get("watch") == "true" {
				return 200, text(event("ERROR", failure(410, "Expired")))
			}
			return 200, text(list("10", ""))
		},
		"that ends every watch at once": func(_ int, q url.Values) (int, io.ReadCloser) {
			if q.Get("watch") == "true" {
				return 200, text("")
			}
			return 200, text(list("10", ""))
		},
		"that answers with a web page": func(int, url.Values) (int, io.ReadCloser) { return 200, text("<html></html>") },
		"that does not know the kind":  func(int, url.Values) (int, io.ReadCloser) { return 404, text(failure(404, "NotFound")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &server{answer: answer}
				follow(t, s, 10*time.Minute)
				lists, watches := s.count()
				if lists > 60 {
					t.Errorf("%d listings in 10 minutes", lists)
				}
				if watches > 60 {
					t.Errorf("%d watches in 10 minutes", watches)
				}
				if lists < 2 && watches < 2 {
					t.Errorf("it was not tried again: %d listings, %d watches", lists, watches)
				}
			})
		})
	}
}
