package fleet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// report is a TLSAgent with lists that the hub does not keep.
func report(version string, total int32) *v1alpha1.TLSAgent {
	return &v1alpha1.TLSAgent{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "TLSAgent"},
		ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.AgentName, ResourceVersion: version, Generation: 1, Labels: map[string]string{"a": "b"}},
		Status: v1alpha1.TLSAgentStatus{
			ObservedGeneration: 1,
			Certificates:       v1alpha1.CertificateCounts{Total: total},
			Coverage:           []v1alpha1.Coverage{{Resource: "secrets", State: "Reading"}},
			Unreadable:         []v1alpha1.UnreadableItem{{Object: "Secret a/b", Reason: "Empty"}},
			// The lists differ from version to version.
			Authorities: []v1alpha1.Authority{{Subject: "CN=a", Fingerprint: version}},
		},
	}
}

func TestReportOnly(t *testing.T) {
	t.Parallel()
	got, err := reportOnly(report("7", 40))
	if err != nil {
		t.Fatalf("reducing: %v", err)
	}
	want := report("7", 40)
	want.Labels = nil
	want.Status.Coverage, want.Status.Unreadable, want.Status.Authorities = nil, nil, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the kept report (-want +got):\n%s", diff)
	}
}

func TestOnNews(t *testing.T) {
	t.Parallel()
	newer := report("8", 40)
	newer.Generation = 2
	cases := map[string]struct {
		after *v1alpha1.TLSAgent
		wakes bool
	}{
		"the same again":                       {report("7", 40), false},
		"another version with the same report": {report("10", 40), false},
		"another count":                        {report("8", 41), true},
		"another wish":                         {newer, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, _ := reportOnly(report("7", 40))
			after, _ := reportOnly(c.after)
			woken := false
			onNews(func() { woken = true }).OnUpdate(before, after)
			if woken != c.wakes {
				t.Errorf("it wakes the reconcile: %v, want %v", woken, c.wakes)
			}
		})
	}
}

// apiServer answers what the watch on a TLSAgent asks, without a connection.
type apiServer struct {
	mu      sync.Mutex
	events  *io.PipeWriter
	opened  chan struct{}
	refused bool
	queries []string
}

func (s *apiServer) RoundTrip(req *http.Request) (*http.Response, error) {
	switch path := req.URL.Path; path {
	case "/api", "/apis":
		return answer(http.StatusOK, metav1.APIGroupList{Groups: []metav1.APIGroup{{
			Name:     v1alpha1.GroupVersion.Group,
			Versions: []metav1.GroupVersionForDiscovery{{GroupVersion: v1alpha1.GroupVersion.String(), Version: "v1alpha1"}},
		}}}), nil
	case "/apis/tlsplatform.io/v1alpha1":
		return answer(http.StatusOK, metav1.APIResourceList{
			GroupVersion: v1alpha1.GroupVersion.String(),
			APIResources: []metav1.APIResource{{Name: "tlsagents", Kind: "TLSAgent"}},
		}), nil
	case "/apis/tlsplatform.io/v1alpha1/tlsagents":
		return s.agents(req), nil
	default:
		return answer(http.StatusNotFound, failure(http.StatusNotFound, metav1.StatusReasonNotFound, path)), nil
	}
}

func (s *apiServer) agents(req *http.Request) *http.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	query := req.URL.Query()
	s.queries = append(s.queries, query.Get("fieldSelector"))
	switch {
	case s.refused:
		return answer(http.StatusForbidden, failure(http.StatusForbidden, metav1.StatusReasonForbidden, "cannot list tlsagents"))
	case query.Get("sendInitialEvents") == "true": // an API server without streaming lists
		return answer(http.StatusUnprocessableEntity, failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, "sendInitialEvents is forbidden"))
	case query.Get("watch") == "true":
		body, events := io.Pipe()
		s.events = events
		close(s.opened)
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
	default:
		return answer(http.StatusOK, v1alpha1.TLSAgentList{
			TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "TLSAgentList"},
			ListMeta: metav1.ListMeta{ResourceVersion: "7"},
			Items:    []v1alpha1.TLSAgent{*report("7", 40)},
		})
	}
}

func failure(code int32, reason metav1.StatusReason, message string) metav1.Status {
	return metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Code: code, Reason: reason, Message: message,
	}
}

func answer(code int, v any) *http.Response {
	raw, err := json.Marshal(v)
	if err != nil {
		raw = fmt.Appendf(nil, "%v", err)
	}
	return &http.Response{StatusCode: code, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(raw))}
}

func connect(t *testing.T, s *apiServer) *Connection {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatalf("building a scheme: %v", err)
	}
	c, err := NewConnection(Options{
		Name: "local", Namespace: "ns", Config: &rest.Config{Host: "http://cluster.example", Transport: s}, Scheme: scheme, Now: time.Now,
	})
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	return c
}

func TestWatchAgentFollowsTheOneReport(t *testing.T) {
	t.Parallel()
	s := &apiServer{opened: make(chan struct{})}
	news := make(chan struct{}, 8)
	agent, err := connect(t, s).WatchAgent(t.Context(), func() { news <- struct{}{} })
	if err != nil {
		t.Fatalf("watching: %v", err)
	}
	defer agent.Stop()
	<-news // it was listed
	if got := agent.Latest(); got == nil || got.Status.Certificates.Total != 40 || got.Status.Coverage != nil {
		t.Fatalf("after the list it is %+v", got)
	}
	<-s.opened
	send(t, s, "MODIFIED", report("8", 41))
	<-news
	if got := agent.Latest(); got == nil || got.Status.Certificates.Total != 41 {
		t.Errorf("after an event it is %+v", got)
	}
	send(t, s, "DELETED", report("9", 41))
	<-news
	if got := agent.Latest(); got != nil {
		t.Errorf("after its deletion it is %+v", got)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.queries {
		if q != "metadata.name=default" {
			t.Errorf("a request selects %q, so it is not bounded to one object", q)
		}
	}
}

func send(t *testing.T, s *apiServer, kind string, agent *v1alpha1.TLSAgent) {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"type": kind, "object": agent})
	if err != nil {
		t.Fatalf("encoding an event: %v", err)
	}
	s.mu.Lock()
	events := s.events
	s.mu.Unlock()
	if _, err := events.Write(append(raw, '\n')); err != nil {
		t.Fatalf("sending an event: %v", err)
	}
}

func TestClosingEndsTheWatch(t *testing.T) {
	t.Parallel()
	s := &apiServer{opened: make(chan struct{})}
	c := connect(t, s)
	if _, err := c.WatchAgent(t.Context(), func() {}); err != nil {
		t.Fatalf("watching: %v", err)
	}
	<-s.opened
	c.Close()
	s.mu.Lock()
	events := s.events
	s.mu.Unlock()
	for range 2 { // what is on its way when the connection closes may still be read
		if _, err := events.Write([]byte("{}\n")); err != nil {
			return
		}
	}
	t.Error("the watch still reads after the connection was closed")
}

func TestWatchAgentSaysThatItIsRefused(t *testing.T) {
	t.Parallel()
	_, err := connect(t, &apiServer{refused: true}).WatchAgent(t.Context(), func() {})
	if err == nil || !strings.Contains(err.Error(), "cannot list tlsagents") {
		t.Errorf("got %v, want the refusal of the API server", err)
	}
}

func TestAReportOfAnotherAgentIsLeftOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		version string
		kept    bool
	}{"of the agent that runs": {"v2", true}, "of the agent before a rollback": {"v3", false}, "of nobody": {"", false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			agent := &v1alpha1.TLSAgent{Status: v1alpha1.TLSAgentStatus{
				Version: "v2", Estate: &v1alpha1.EstateReport{Version: c.version, Drifted: 3}, Profile: &v1alpha1.ClusterProfile{},
			}}
			got, err := reportOnly(agent)
			if err != nil {
				t.Fatal(err)
			}
			reduced, ok := got.(*v1alpha1.TLSAgent)
			if !ok {
				t.Fatalf("got a %T", got)
			}
			if kept := reduced.Status.Estate != nil && reduced.Status.Profile != nil; kept != c.kept {
				t.Errorf("the report of the estate is kept: %v, want %v", kept, c.kept)
			}
		})
	}
}
