package standin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// server is one of the two that are compared.
type server struct {
	name   string
	url    string
	client *http.Client
	// versions are the last resource versions seen, by kind and name.
	versions map[string]string
}

// answer is what is compared of an answer.
type answer struct {
	Code int
	Body map[string]any
}

func newServer(t *testing.T, name string, config *rest.Config) *server {
	t.Helper()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	return &server{name: name, url: strings.TrimSuffix(config.Host, "/"), client: client, versions: map[string]string{}}
}

// step is one request.
type step struct {
	method, path, contentType, accept, body string
	// prepare changes path and body by what the server said before.
	prepare func(t *testing.T, s *server, st *step)
	// code is what both have to answer.
	code int
	// shape compares codes alone, for answers that are about the server itself.
	shape bool
}

const (
	applyType = "application/apply-patch+yaml"
	mergeType = "application/merge-patch+json"
	jsonType  = "application/json-patch+json"
	plainType = "application/json"
	partial   = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
	partials  = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
)

func (s *server) do(t *testing.T, st step) (int, []byte) {
	t.Helper()
	if st.prepare != nil {
		st.prepare(t, s, &st)
	}
	req, err := http.NewRequestWithContext(t.Context(), st.method, s.url+st.path, strings.NewReader(st.body))
	if err != nil {
		t.Fatal(err)
	}
	if st.contentType != "" {
		req.Header.Set("Content-Type", st.contentType)
	}
	req.Header.Set("Accept", "application/json")
	if st.accept != "" {
		req.Header.Set("Accept", st.accept)
	}
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	return res.StatusCode, raw
}

// ask makes the request and returns the answer in a form that can be compared.
func (s *server) ask(t *testing.T, st step) answer {
	t.Helper()
	code, raw := s.do(t, st)
	if st.shape {
		return answer{Code: code}
	}
	var body map[string]any
	if err := json.Unmarshal(raw, &body); err != nil {
		t.Fatalf("%s: %s %s: %v in %.300s", s.name, st.method, st.path, err, raw)
	}
	s.normalise(body)
	return answer{Code: code, Body: body}
}

// normalise replaces what differs between any two clusters. Resource versions
// become what they tell: that an object changed or did not.
func (s *server) normalise(body map[string]any) {
	if items, ok := body["items"].([]any); ok {
		for _, item := range items {
			s.normalise(item.(map[string]any))
		}
	}
	delete(body, "status") // of objects: controllers write it
	if body["kind"] == "Status" {
		if details, ok := body["details"].(map[string]any); ok {
			mask(details, "uid")
		}
		delete(body, "metadata")
		return
	}
	meta, ok := body["metadata"].(map[string]any)
	if !ok {
		return
	}
	key := fmt.Sprint(body["kind"], "/", meta["namespace"], "/", meta["name"])
	if strings.HasPrefix(key, "PartialObjectMetadata/") { // the kind is not told
		mask(meta, "resourceVersion")
	} else if v, ok := meta["resourceVersion"].(string); ok {
		meta["resourceVersion"] = "changed"
		if s.versions[key] == v {
			meta["resourceVersion"] = "same"
		}
		s.versions[key] = v
	}
	for _, member := range []string{"uid", "creationTimestamp", "deletionTimestamp"} {
		mask(meta, member)
	}
	var kept []any
	owners, _ := meta["managedFields"].([]any)
	for _, o := range owners {
		m := o.(map[string]any)
		mask(m, "time")
		if m["manager"] != controllerManager && m["manager"] != "kube-apiserver" && m["manager"] != agentManager {
			kept = append(kept, m)
		}
	}
	meta["managedFields"] = kept
}

func mask(m map[string]any, member string) {
	if _, ok := m[member]; ok {
		m[member] = "…"
	}
}

// withoutDefaults drops from a genuine answer what the stand-in's does not have,
// outside of metadata: the API server's defaults.
func withoutDefaults(genuine, standIn any) any {
	a, okA := genuine.(map[string]any)
	b, okB := standIn.(map[string]any)
	if okA && okB {
		kept := map[string]any{}
		for name, value := range a {
			if other, has := b[name]; has {
				kept[name] = value
				if name != "metadata" {
					kept[name] = withoutDefaults(value, other)
				}
			}
		}
		return kept
	}
	x, okA := genuine.([]any)
	y, okB := standIn.([]any)
	if okA && okB && len(x) == len(y) {
		kept := make([]any, len(x))
		for i := range x {
			kept[i] = withoutDefaults(x[i], y[i])
		}
		return kept
	}
	return genuine
}

// TestAnswersAreThoseOfAnAPIServer sends the requests that the hub makes of a
// member to a genuine API server and to the stand-in.
func TestAnswersAreThoseOfAnAPIServer(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts an API server")
	}
	environment := &envtest.Environment{
		BinaryAssetsDirectory: assets(t), ControlPlaneStartTimeout: 2 * time.Minute, ControlPlaneStopTimeout: time.Minute,
	}
	config, err := environment.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := environment.Stop(); err != nil {
			t.Error(err)
		}
	})
	fleet := startFleet(t, Options{Members: 1})
	genuine, standIn := newServer(t, "API server", config), newServer(t, "stand-in", fleet.Clusters()[0].Config())
	for _, s := range script(t) {
		t.Run(s.name, func(t *testing.T) {
			if s.step.path == "" { // the definition takes a moment to be served
				waitServed(t, genuine, s.step.body)
				return
			}
			want, got := genuine.ask(t, s.step), standIn.ask(t, s.step)
			if want.Code != s.step.code {
				t.Errorf("the API server answers %d, want %d: %v", want.Code, s.step.code, want.Body)
			}
			if want.Body != nil && want.Body["kind"] != "Status" {
				want.Body, _ = withoutDefaults(want.Body, got.Body).(map[string]any)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s %s: -API server +stand-in\n%s", s.step.method, s.step.path, diff)
			}
		})
	}
	t.Run("watches", func(t *testing.T) {
		want, got := watched(t, genuine), watched(t, standIn)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-API server +stand-in\n%s", diff)
		}
	})
	t.Run("discovery", func(t *testing.T) {
		for _, path := range []string{"/apis/tlsplatform.io/v1alpha1", "/apis/apps/v1", "/api/v1", "/apis/rbac.authorization.k8s.io/v1"} {
			want, got := discovered(t, genuine, path), discovered(t, standIn, path)
			for name, resource := range got {
				if diff := cmp.Diff(want[name], resource); diff != "" {
					t.Errorf("%s in %s: -API server +stand-in\n%s", name, path, diff)
				}
			}
		}
	})
}

func startFleet(t *testing.T, o Options) *Fleet {
	t.Helper()
	fleet, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := fleet.Stop(); err != nil {
			t.Error(err)
		}
	})
	return fleet
}

// assets is the folder with etcd and kube-apiserver.
func assets(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"KUBEBUILDER_ASSETS", "TLS_PLATFORM_COMPONENTS"} {
		if dir := os.Getenv(name); dir != "" {
			return dir
		}
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join("..", "..", "hack", "controlplane", "build.sh"), "controlplane").Output()
	if err != nil {
		t.Fatalf("building the control plane: %v", err)
	}
	return strings.TrimSpace(string(out))
}

func waitServed(t *testing.T, s *server, path string) {
	t.Helper()
	for t.Context().Err() == nil {
		if code, _ := s.do(t, step{method: http.MethodGet, path: path}); code == http.StatusOK {
			return
		}
	}
	t.Fatal("the definition is not served")
}

// watched opens watches, makes changes and returns the events.
func watched(t *testing.T, s *server) []map[string]any {
	t.Helper()
	const agents = "/apis/tlsplatform.io/v1alpha1/tlsagents"
	code, raw := s.do(t, step{method: http.MethodPatch, path: agents + "/default?fieldManager=a&force=true", contentType: applyType, body: agentYAML("watched", "x")})
	if code != http.StatusCreated && code != http.StatusOK {
		t.Fatalf("%s: creating the TLSAgent: %d %s", s.name, code, raw)
	}
	_, raw = s.do(t, step{method: http.MethodGet, path: agents})
	var list struct {
		Metadata struct{ ResourceVersion string }
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	since := s.stream(t, agents+"?watch=true&allowWatchBookmarks=true&resourceVersion="+list.Metadata.ResourceVersion+"&fieldSelector=metadata.name%3Ddefault", partial)
	initial := s.stream(t, agents+"?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=", plainType)
	var events []map[string]any
	events = append(events, s.event(t, initial), s.event(t, initial))
	events = append(events, s.event(t, s.stream(t, agents+"?watch=true&resourceVersion=1", plainType)))
	for _, change := range []step{
		{method: http.MethodPatch, path: agents + "/default?fieldManager=b", contentType: mergeType, body: `{"metadata":{"labels":{"x":"1"}}}`},
		{method: http.MethodDelete, path: agents + "/default"},
	} {
		if code, raw := s.do(t, change); code != http.StatusOK {
			t.Fatalf("%s: %d %s", s.name, code, raw)
		}
		events = append(events, s.event(t, since))
	}
	return events
}

func (s *server) stream(t *testing.T, path, accept string) *json.Decoder {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(res.Body)
		t.Fatalf("%s: watch: %d %s", s.name, res.StatusCode, raw)
	}
	return json.NewDecoder(res.Body)
}

func (s *server) event(t *testing.T, d *json.Decoder) map[string]any {
	t.Helper()
	var e map[string]any
	if err := d.Decode(&e); err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	object := e["object"].(map[string]any)
	if e["type"] == "BOOKMARK" {
		meta := object["metadata"].(map[string]any)
		mask(meta, "resourceVersion")
		return map[string]any{"type": e["type"], "kind": object["kind"], "annotations": meta["annotations"]}
	}
	s.normalise(object)
	if e["type"] == "ERROR" {
		delete(object, "message") // it has numbers
		return e
	}
	delete(object["metadata"].(map[string]any), "resourceVersion")
	return e
}

func discovered(t *testing.T, s *server, path string) map[string]any {
	t.Helper()
	_, raw := s.do(t, step{method: http.MethodGet, path: path})
	var list struct{ Resources []map[string]any }
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	found := map[string]any{}
	for _, r := range list.Resources {
		// The stand-in has no collections to delete, no categories, and no storage.
		verbs := strings.Fields(strings.ReplaceAll(strings.Trim(fmt.Sprint(r["verbs"]), "[]"), "deletecollection", ""))
		slices.Sort(verbs)
		r["verbs"] = verbs
		delete(r, "storageVersionHash")
		delete(r, "categories")
		delete(r, "shortNames")
		found[r["name"].(string)] = r
	}
	return found
}
