package standin

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/uuid"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
)

func formatVersion(v uint64) string { return strconv.FormatUint(v, 10) }

// manager is whose write it is: what the client says, or what it is called.
func (q *request) manager() string {
	if m := q.query.Get("fieldManager"); m != "" {
		return m
	}
	agent, _, _ := strings.Cut(q.UserAgent(), "/")
	return agent
}

// decodeBody reads an object in JSON, or, of a kind of the API server's own, in
// protobuf.
func (c *Cluster) decodeBody(q *request) (*unstructured.Unstructured, error) {
	body, err := c.body(q.Request)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if strings.HasPrefix(q.Header.Get("Content-Type"), runtime.ContentTypeProtobuf) {
		if body, err = fromProtobuf(body); err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(body); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	return u, nil
}

func fromProtobuf(body []byte) ([]byte, error) {
	o, gvk, err := clientgoscheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	if err != nil {
		return nil, err //nolint:wrapcheck // it is quoted to the client as it is
	}
	o.GetObjectKind().SetGroupVersionKind(*gvk)
	return json.Marshal(o)
}

// create answers POST.
func (c *Cluster) create(w counted, q *request) {
	u, err := c.decodeBody(q)
	if err == nil {
		err = q.checkNames(u)
	}
	if err != nil {
		respondError(w, err)
		return
	}
	if u.GetName() == "" && u.GetGenerateName() != "" {
		const suffix = 5
		u.SetName(u.GetGenerateName() + rand.String(suffix))
	}
	if q.resource.status {
		delete(u.Object, "status")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.storeOf(q.resource.GroupVersionResource).objects[keyOf(u.GetNamespace(), u.GetName())] != nil {
		respondError(w, q.errExists(u.GetName()))
		return
	}
	u.SetUID("")
	u.SetResourceVersion("")
	empty := named(q.resource, "", "")
	if _, ok := u.Object["spec"]; ok && q.resource.builtin {
		empty.Object["spec"] = map[string]any{} // as the zero value of its type
	}
	owned := q.resource.main.UpdateNoErrors(empty, u, q.manager())
	c.finish(w, q, nil, owned.(*unstructured.Unstructured), http.StatusCreated) //nolint:forcetypeassert // it returns what it was given
}

// delete answers DELETE.
func (c *Cluster) delete(w counted, q *request) {
	options, err := c.deleteOptions(q)
	if err != nil {
		respondError(w, err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	live := c.storeOf(q.resource.GroupVersionResource).objects[keyOf(q.namespace, q.name)]
	if live == nil {
		respondError(w, q.errNotFound())
		return
	}
	if p := options.Preconditions; p != nil {
		switch {
		case p.UID != nil && *p.UID != live.uid:
			err = q.errPrecondition("UID", string(*p.UID), string(live.uid))
		case p.ResourceVersion != nil && *p.ResourceVersion != formatVersion(live.version):
			err = q.errPrecondition("ResourceVersion", *p.ResourceVersion, formatVersion(live.version))
		}
	}
	if err != nil {
		respondError(w, err)
		return
	}
	dryRun := len(options.DryRun) > 0 || q.query.Get("dryRun") != ""
	if len(live.described().Finalizers) > 0 {
		c.finalize(w, q, live, dryRun)
		return
	}
	if !dryRun {
		c.remove(q.resource, live)
	}
	respond(w, http.StatusOK, metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusSuccess,
		Details: &metav1.StatusDetails{Name: live.name, Group: q.resource.Group, Kind: q.resource.Resource, UID: live.uid},
	})
}

// finalize marks an object that others have to let go first.
func (c *Cluster) finalize(w counted, q *request, live *object, dryRun bool) {
	if live.deleting == nil {
		next := *live
		now := time.Now()
		next.deleting = &now
		live = c.commit(change{resource: q.resource, live: live, next: &next, dryRun: dryRun})
	}
	respondRaw(w, http.StatusOK, live.append(nil, q.resource, q.partial))
}

func (c *Cluster) deleteOptions(q *request) (metav1.DeleteOptions, error) {
	var options metav1.DeleteOptions
	body, err := c.body(q.Request)
	if err != nil || len(body) == 0 {
		return options, err
	}
	if strings.HasPrefix(q.Header.Get("Content-Type"), runtime.ContentTypeProtobuf) {
		if body, err = fromProtobuf(body); err != nil {
			return options, apierrors.NewBadRequest(err.Error())
		}
	}
	if err := json.Unmarshal(body, &options); err != nil {
		return options, apierrors.NewBadRequest(err.Error())
	}
	return options, nil
}

// review answers requests for tokens, and reviews.
func (c *Cluster) review(w counted, q *request) {
	u := &unstructured.Unstructured{}
	if q.Method == http.MethodPost {
		var err error
		if u, err = c.decodeBody(q); err != nil {
			respondError(w, err)
			return
		}
	}
	switch {
	case q.Method != http.MethodPost:
		respondError(w, apierrors.NewMethodNotSupported(q.resource.GroupResource(), strings.ToLower(q.Method)))
	case q.subresource == verbToken && q.resource.GroupVersionResource == serviceAccountsResource:
		c.requestToken(w, q, u)
	case q.resource.kind == "SelfSubjectReview":
		u.Object["status"] = map[string]any{"userInfo": map[string]any{"username": q.user}}
		respond(w, http.StatusCreated, u.Object)
	case q.resource.kind == "SelfSubjectAccessReview":
		u.Object["status"] = map[string]any{"allowed": true}
		respond(w, http.StatusCreated, u.Object)
	default:
		respondError(w, errNoPath())
	}
}

// Bounds of what a token may be asked for.
const (
	minToken     = 10 * time.Minute
	defaultToken = time.Hour
)

func (c *Cluster) requestToken(w counted, q *request, u *unstructured.Unstructured) {
	var ask authenticationv1.TokenRequest
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &ask); err != nil {
		respondError(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	c.mu.Lock()
	account := c.storeOf(serviceAccountsResource).objects[keyOf(q.namespace, q.name)]
	c.mu.Unlock()
	if account == nil {
		respondError(w, q.errNotFound())
		return
	}
	life := defaultToken
	if s := ask.Spec.ExpirationSeconds; s != nil {
		life = time.Duration(*s) * time.Second
	}
	if life < minToken {
		respondError(w, apierrors.NewInvalid(authenticationv1.SchemeGroupVersion.WithKind("TokenRequest").GroupKind(), "", nil))
		return
	}
	now := time.Now()
	ask.TypeMeta = metav1.TypeMeta{Kind: "TokenRequest", APIVersion: authenticationv1.SchemeGroupVersion.String()}
	ask.ObjectMeta = metav1.ObjectMeta{Name: q.name, Namespace: q.namespace, CreationTimestamp: metav1.NewTime(now), UID: uuid.NewUUID()}
	ask.Status = authenticationv1.TokenRequestStatus{
		Token:               c.token(serviceAccountPrefix+q.namespace+":"+q.name, now, now.Add(life)),
		ExpirationTimestamp: metav1.NewTime(now.Add(life)),
	}
	respond(w, http.StatusCreated, ask)
}
