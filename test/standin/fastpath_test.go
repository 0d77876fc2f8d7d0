package standin

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is applied first in one cluster is remembered for the others: it must be
// the same there, but for identity.
func TestEveryClusterGetsTheSame(t *testing.T) {
	t.Parallel()
	clusters := startFleet(t, Options{Members: 2}).Clusters()
	first, second := populated(t, clusters[0]), populated(t, clusters[1])
	for _, path := range []string{deployPath, rbacPath + "/clusterroles/r", systemPath} {
		want := first.ask(t, step{method: http.MethodGet, path: path})
		got := second.ask(t, step{method: http.MethodGet, path: path})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -first +second\n%s", path, diff)
		}
	}
	ids, other := clusters[0].Identities(), clusters[1].Identities()
	for id, uid := range ids {
		if other[id] == "" || other[id] == uid {
			t.Errorf("%v has UID %s and %s", id, uid, other[id])
		}
	}
}

func TestWatchesThatFallBehindEnd(t *testing.T) {
	t.Parallel()
	c := startFleet(t, Options{Members: 1}).Clusters()[0]
	populated(t, c)
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.storeOf(leasesResource)
	w := &watcher{events: make(chan event, watcherLag)}
	s.watchers[w] = true
	lease := s.list("")[0]
	for range watcherLag + 1 {
		s.tell(event{object: lease})
	}
	if s.watchers[w] {
		t.Error("it is still there")
	}
	if len(s.history) != historyLength || s.floor != lease.version {
		t.Errorf("%d events are kept from %d on", len(s.history), s.floor)
	}
}
