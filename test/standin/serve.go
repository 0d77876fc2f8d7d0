package standin

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
)

// request is one about a resource.
type request struct {
	*http.Request
	resource    *resource
	namespace   string
	name        string
	subresource string
	query       url.Values
	verb        string
	user        string
	// partial asks for metadata alone.
	partial bool
}

// ServeHTTP answers as an API server.
func (c *Cluster) ServeHTTP(response http.ResponseWriter, r *http.Request) {
	w := counted{response, &c.counters}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	verb, write := verbOf(r, query, parts)
	c.counters.request(verb, write)
	if c.suffer(w, r) {
		return
	}
	user := c.user(r)
	if user == "" {
		respondError(w, errUnauthorized())
		return
	}
	switch {
	case parts[0] == "version":
		respond(w, http.StatusOK, c.versionInfo())
	case parts[0] == "healthz" || parts[0] == "readyz" || parts[0] == "livez":
		_, _ = w.Write([]byte("ok"))
	case verb == verbDiscovery:
		c.discover(w, r, parts)
	default:
		c.about(w, &request{Request: r, query: query, verb: verb, user: user, partial: wantsPartial(r)}, parts)
	}
}

// Verbs of requests, as the counters name them.
const (
	verbDiscovery = "discovery"
	verbGet       = "get"
	verbList      = "list"
	verbWatch     = "watch"
	verbCreate    = "create"
	verbToken     = "token"
	verbApply     = "apply"
	verbPatch     = "patch"
	verbUpdate    = "update"
	verbDelete    = "delete"
	verbOther     = "other"
)

// verbOf names a request, and says whether it writes something else than a
// Lease.
func verbOf(r *http.Request, query url.Values, parts []string) (verb string, write bool) {
	writes := !slices.Contains(parts, leasesResource.Resource) && query.Get("dryRun") == ""
	switch r.Method {
	case http.MethodGet:
		return readVerb(query, parts), false
	case http.MethodPost:
		if parts[len(parts)-1] == verbToken {
			return verbToken, false
		}
		return verbCreate, writes
	case http.MethodPatch:
		if strings.HasPrefix(r.Header.Get("Content-Type"), applyPatchPrefix) {
			return verbApply, writes
		}
		return verbPatch, writes
	case http.MethodPut:
		return verbUpdate, writes
	case http.MethodDelete:
		return verbDelete, writes
	}
	return verbOther, false
}

func readVerb(query url.Values, parts []string) string {
	prefix := 2 // api/v1
	if parts[0] == "apis" {
		prefix = 3 // apis/apps/v1
	}
	follow := query.Get("watch")
	switch {
	case parts[0] != "api" && parts[0] != "apis":
		return verbOther
	case len(parts) <= prefix:
		return verbDiscovery
	case follow == "true" || follow == "1":
		return verbWatch
	case isCollection(parts[prefix:]):
		return verbList
	}
	return verbGet
}

// isCollection says whether what follows group and version is a resource without
// a name.
func isCollection(rest []string) bool {
	if inNamespace(rest) {
		return len(rest) == 3
	}
	return len(rest) == 1
}

// inNamespace tells namespaces/NAME/RESOURCE from namespaces/NAME/SUBRESOURCE.
func inNamespace(rest []string) bool {
	return len(rest) > 2 && rest[0] == "namespaces" && rest[2] != subresourceStatus && rest[2] != "finalize"
}

// about answers a request about a resource.
func (c *Cluster) about(w counted, q *request, parts []string) {
	gv, rest, ok := groupVersionOf(parts)
	if !ok {
		respondError(w, errNoPath())
		return
	}
	if c.broken(gv.Group) {
		respondError(w, errUnavailable())
		return
	}
	if inNamespace(rest) {
		q.namespace, rest = rest[1], rest[2:]
	}
	q.resource = c.resource(gv.WithResource(rest[0]))
	if q.resource == nil || len(rest) > 3 || q.namespace != "" && !q.resource.namespaced {
		respondError(w, errNoPath())
		return
	}
	if len(rest) > 1 {
		q.name = rest[1]
	}
	if len(rest) > 2 {
		q.subresource = rest[2]
	}
	c.dispatch(w, q)
}

func (c *Cluster) dispatch(w counted, q *request) {
	if q.resource.createOnly || q.subresource == verbToken {
		c.review(w, q)
		return
	}
	if q.subresource != "" && (q.subresource != subresourceStatus || !q.resource.status) {
		respondError(w, errNoPath())
		return
	}
	answers := map[string]func(counted, *request){
		verbGet: c.get, verbList: c.list, verbWatch: c.watch, verbCreate: c.create, verbApply: c.patch, verbPatch: c.patch,
		verbUpdate: c.update, verbDelete: c.delete,
	}
	answer, ok := answers[q.verb]
	collection := q.verb == verbList || q.verb == verbWatch || q.verb == verbCreate
	if !ok || collection != (q.name == "") {
		respondError(w, apierrors.NewMethodNotSupported(q.resource.GroupResource(), strings.ToLower(q.Method)))
		return
	}
	answer(w, q)
}

// groupVersionOf reads api/v1/REST or apis/GROUP/VERSION/REST.
func groupVersionOf(parts []string) (schema.GroupVersion, []string, bool) {
	switch {
	case parts[0] == "api" && len(parts) > 2:
		return schema.GroupVersion{Version: parts[1]}, parts[2:], true
	case parts[0] == "apis" && len(parts) > 3:
		return schema.GroupVersion{Group: parts[1], Version: parts[2]}, parts[3:], true
	}
	return schema.GroupVersion{}, nil, false
}

// wantsPartial says whether metadata alone is asked for.
func wantsPartial(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "as=PartialObjectMetadata")
}

func (c *Cluster) versionInfo() version.Info {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.kubernetesVersion()
	words := strings.SplitN(strings.TrimPrefix(v, "v"), ".", 3)
	return version.Info{Major: words[0], Minor: words[min(1, len(words)-1)], GitVersion: v, Platform: "linux/amd64", GoVersion: "go1.26"}
}

// respond sends JSON.
func respond(w http.ResponseWriter, code int, answer any) {
	raw, err := json.Marshal(answer)
	if err != nil {
		respondError(w, apierrors.NewInternalError(err))
		return
	}
	respondRaw(w, code, raw)
}

func respondRaw(w http.ResponseWriter, code int, raw []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(raw) // the client may be gone
}

// respondError sends a Status.
func respondError(w http.ResponseWriter, err error) {
	s := statusOf(err)
	raw, err := json.Marshal(s)
	if err != nil {
		raw = []byte(`{"kind":"Status","apiVersion":"v1","status":"Failure"}`)
	}
	respondRaw(w, int(s.Code), raw)
}

// statusOf an error; one that is none of the API's is internal.
func statusOf(err error) metav1.Status {
	var known apierrors.APIStatus
	if !errors.As(err, &known) {
		known = apierrors.NewInternalError(err)
	}
	s := known.Status()
	s.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	return s
}
