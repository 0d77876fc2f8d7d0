package standin

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

const (
	// bookmarkPeriod is how often a watch that asked for bookmarks gets one.
	bookmarkPeriod = time.Minute
	// defaultWatch is how long a watch lasts that gave no timeout.
	defaultWatch = 30 * time.Minute
)

// stream is one watch that is being served.
type stream struct {
	counted
	request   *request
	cluster   *Cluster
	selector  selector
	bookmarks bool
}

// watch streams events: those since the version asked for, or, when the client
// asks for initial events, first one for each object there is and a bookmark.
func (c *Cluster) watch(w counted, q *request) {
	s := &stream{counted: w, request: q, cluster: c, bookmarks: q.query.Get("allowWatchBookmarks") == "true"}
	var err error
	if s.selector, err = q.selector(); err != nil {
		respondError(w, err)
		return
	}
	watching, first, version, err := c.open(q, s.selector)
	if apierrors.IsResourceExpired(err) {
		s.refuse(err)
		return
	}
	if err != nil {
		respondError(w, err)
		return
	}
	defer c.closeWatch(q.resource, watching)
	c.counters.add(0, 0, 1)
	defer c.counters.add(0, 0, -1)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	w.Flush()
	for _, e := range first {
		if !s.send(e) {
			return
		}
	}
	if q.query.Get("sendInitialEvents") == "true" && !s.bookmark(version, true) {
		return
	}
	s.follow(watching)
}

// refuse ends a watch with an error event, as the API server does where events
// are no longer known.
func (s *stream) refuse(err error) {
	raw, failed := json.Marshal(statusOf(err))
	if failed != nil {
		respondError(s, failed)
		return
	}
	s.Header().Set("Content-Type", "application/json")
	s.write(append(append([]byte(`{"type":"ERROR","object":`), raw...), "}\n"...))
}

// open registers a watch and returns what it shall send at once.
func (c *Cluster) open(q *request, sel selector) (w *watcher, first []event, version uint64, err error) {
	asked := q.query.Get("resourceVersion")
	since, err := strconv.ParseUint(asked, 10, 64)
	if err != nil && asked != "" {
		return nil, nil, 0, apierrors.NewBadRequest("resourceVersion: Invalid value: " + strconv.Quote(asked))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.storeOf(q.resource.GroupVersionResource)
	initial := q.query.Get("sendInitialEvents")
	if initial == "true" || since == 0 && initial == "" {
		for _, o := range s.list(sel.namespace) {
			first = append(first, event{kind: watch.Added, object: o})
		}
	} else if since > 0 {
		if since < s.floor {
			return nil, nil, 0, errExpired(since, s.floor)
		}
		for _, e := range s.history {
			if e.object.version > since {
				first = append(first, e)
			}
		}
	}
	w = &watcher{events: make(chan event, watcherLag)}
	s.watchers[w] = true
	return w, first, c.version, nil
}

func (c *Cluster) closeWatch(r *resource, w *watcher) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.storeOf(r.GroupVersionResource).end(w)
}

// follow sends events until the client, the timeout or the server ends it.
func (s *stream) follow(w *watcher) {
	ctx, cancel := context.WithTimeout(s.request.Context(), s.lasts())
	defer cancel()
	ticker := time.NewTicker(bookmarkPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-w.events:
			if !ok || !s.cluster.awake(ctx) || !s.send(e) {
				return
			}
		case <-ticker.C:
			if s.bookmarks && (!s.cluster.awake(ctx) || !s.bookmarkNow(w)) {
				return
			}
		}
	}
}

func (s *stream) lasts() time.Duration {
	if seconds, err := strconv.Atoi(s.request.query.Get("timeoutSeconds")); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	return defaultWatch
}

// bookmarkNow sends the present version, unless events are under way that are
// older.
func (s *stream) bookmarkNow(w *watcher) bool {
	s.cluster.mu.Lock()
	version, behind := s.cluster.version, len(w.events) > 0
	s.cluster.mu.Unlock()
	return behind || s.bookmark(version, false)
}

func (s *stream) bookmark(version uint64, initial bool) bool {
	r := s.request.resource
	apiVersion, kind := r.apiVersion(), r.kind
	if s.request.partial {
		apiVersion, kind = metav1.SchemeGroupVersion.String(), "PartialObjectMetadata"
	}
	raw := append([]byte(nil), `{"type":"BOOKMARK","object":{"kind":"`+kind+`","apiVersion":"`+apiVersion+`","metadata":{"resourceVersion":"`...)
	raw = strconv.AppendUint(raw, version, 10)
	raw = append(raw, `","creationTimestamp":null`...)
	if initial {
		raw = append(raw, `,"annotations":{"`+metav1.InitialEventsAnnotationKey+`":"true"}`...)
	}
	return s.write(append(raw, "}}}\n"...))
}

// send writes an event as the selector sees it.
func (s *stream) send(e event) bool {
	kind, object := s.selected(e)
	if object == nil {
		return true
	}
	raw := append([]byte(nil), `{"type":"`+string(kind)+`","object":`...)
	raw = object.append(raw, s.request.resource, s.request.partial)
	return s.write(append(raw, "}\n"...))
}

// selected is an event as the selector sees it: an object that starts to match
// is added, and one that ceases to is deleted. It is nil for no news.
func (s *stream) selected(e event) (watch.EventType, *object) {
	now, before := s.selector.matches(e.object), s.selector.matches(e.before)
	switch {
	case e.kind == watch.Deleted && before:
		return watch.Deleted, e.object
	case e.kind == watch.Deleted || !now && !before:
		return "", nil
	case !before:
		return watch.Added, e.object
	case !now:
		gone := *e.before
		gone.version = e.object.version
		return watch.Deleted, &gone
	}
	return watch.Modified, e.object
}

func (s *stream) write(raw []byte) bool {
	if _, err := s.Write(raw); err != nil {
		return false
	}
	s.Flush()
	return true
}
