package standin

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

// applyPatchPrefix is how the content type of server-side apply begins, in YAML
// or JSON.
const applyPatchPrefix = "application/apply-patch"

// patch answers server-side apply, merge patches and JSON patches.
func (c *Cluster) patch(w counted, q *request) {
	body, err := c.body(q.Request)
	if err != nil {
		respondError(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	contentType, _, _ := strings.Cut(q.Header.Get("Content-Type"), ";")
	if strings.HasPrefix(contentType, applyPatchPrefix) {
		c.apply(w, q, body)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	live := c.storeOf(q.resource.GroupVersionResource).objects[keyOf(q.namespace, q.name)]
	if live == nil {
		respondError(w, q.errNotFound())
		return
	}
	before := live.append(nil, q.resource, false)
	var after []byte
	switch types.PatchType(contentType) {
	case types.MergePatchType, types.StrategicMergePatchType: // lists of the latter are replaced here
		after, err = jsonpatch.MergePatch(before, body)
	case types.JSONPatchType:
		var patch jsonpatch.Patch
		if patch, err = jsonpatch.DecodePatch(body); err == nil {
			after, err = patch.Apply(before)
		}
	default:
		err = &apierrors.StatusError{ErrStatus: unsupported(contentType)}
		respondError(w, err)
		return
	}
	if err != nil {
		respondError(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(after); err != nil {
		respondError(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	c.replace(w, q, live, u)
}

// update answers PUT.
func (c *Cluster) update(w counted, q *request) {
	u, err := c.decodeBody(q)
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
	if u.GetResourceVersion() == "" && (!q.resource.builtin || q.resource.GroupVersionResource == leasesResource) {
		respondError(w, q.errUnconditional())
		return
	}
	c.replace(w, q, live, u)
}

// replace stores what a patch or an update makes of an object. The cluster is
// locked.
func (c *Cluster) replace(w counted, q *request, live *object, u *unstructured.Unstructured) {
	if err := q.checkIdentity(live, u); err != nil {
		respondError(w, err)
		return
	}
	before, err := live.decode(q.resource)
	if err != nil {
		respondError(w, err)
		return
	}
	keepOther(q, before, u)
	owners := q.resource.main
	if q.subresource == subresourceStatus {
		owners = q.resource.onStatus
	}
	owned := owners.UpdateNoErrors(before, u, q.manager())
	c.finish(w, q, live, owned.(*unstructured.Unstructured), http.StatusOK) //nolint:forcetypeassert // it returns what it was given
}

// checkIdentity refuses a write that was made from another version or object.
func (q *request) checkIdentity(live *object, u *unstructured.Unstructured) error {
	if v := u.GetResourceVersion(); v != "" && v != formatVersion(live.version) {
		return q.errStale()
	}
	if uid := u.GetUID(); uid != "" && uid != live.uid {
		return q.errPrecondition("UID", string(uid), string(live.uid))
	}
	return nil
}

// keepOther takes status from the live object in a write of the object, and all
// else in a write of its status.
func keepOther(q *request, live, u *unstructured.Unstructured) {
	if !q.resource.status {
		return
	}
	if q.subresource == subresourceStatus {
		status, has := u.Object["status"]
		u.Object = live.DeepCopy().Object
		setStatus(u, status, has)
		return
	}
	status, has := live.Object["status"]
	setStatus(u, status, has)
}

func setStatus(u *unstructured.Unstructured, status any, has bool) {
	if has {
		u.Object["status"] = status
		return
	}
	delete(u.Object, "status")
}

// finish stores an object and answers. The cluster is locked.
func (c *Cluster) finish(w counted, q *request, live *object, u *unstructured.Unstructured, code int) {
	next, err := split(u)
	if err == nil && live == nil {
		next, err = c.admit(q, next)
	}
	if err != nil {
		respondError(w, err)
		return
	}
	c.finishObject(w, q, live, next, code)
}

func (c *Cluster) finishObject(w counted, q *request, live, next *object, code int) {
	stored := c.commit(change{
		resource: q.resource, live: live, next: next, status: q.subresource == subresourceStatus, dryRun: q.query.Get("dryRun") != "",
	})
	if live != nil && live.deleting != nil && len(stored.described().Finalizers) == 0 && q.query.Get("dryRun") == "" {
		stored = c.remove(q.resource, stored)
	}
	respondRaw(w, code, stored.append(nil, q.resource, q.partial))
}

// admit refuses a new object in a namespace that does not exist.
func (c *Cluster) admit(q *request, o *object) (*object, error) {
	if q.resource.namespaced && c.storeOf(namespacesResource).objects[o.namespace] == nil {
		return nil, errNoNamespace(o.namespace)
	}
	if q.resource.GroupVersionResource == namespacesResource {
		return admitNamespace(q.resource, o)
	}
	return o, nil
}

// templateKey identifies a first apply: by whom, of what, and the bytes sent.
type templateKey struct {
	resource *resource
	manager  string
	body     [sha256.Size]byte
}

// template is what a first apply makes, the same in every cluster.
type template struct {
	meta, rest text
	managed    []ownership
}

// apply answers server-side apply.
func (c *Cluster) apply(w counted, q *request, body []byte) {
	manager := q.query.Get("fieldManager")
	if manager == "" {
		respondError(w, errManagerRequired())
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	live := c.storeOf(q.resource.GroupVersionResource).objects[keyOf(q.namespace, q.name)]
	if live == nil && q.subresource != "" {
		respondError(w, q.errNotFound())
		return
	}
	if live == nil {
		c.applyNew(w, q, body, manager)
		return
	}
	before, err := live.decode(q.resource)
	if err != nil {
		respondError(w, err)
		return
	}
	wish, err := q.wish(body)
	if err == nil {
		err = q.checkIdentity(live, wish)
	}
	if err != nil {
		respondError(w, err)
		return
	}
	owned, err := q.owners().Apply(before, wish, manager, q.query.Get("force") == "true")
	if err != nil {
		respondError(w, err)
		return
	}
	c.finish(w, q, live, owned.(*unstructured.Unstructured), http.StatusOK) //nolint:forcetypeassert // nothing else is converted to
}

func (q *request) owners() *fieldOwners {
	if q.subresource == subresourceStatus {
		return q.resource.onStatus
	}
	return q.resource.main
}

// applyNew creates an object by apply. What it comes to is remembered, since
// every cluster is sent the same.
func (c *Cluster) applyNew(w counted, q *request, body []byte, manager string) {
	key := templateKey{q.resource, manager, sha256.Sum256(body)}
	t, known := c.fleet.world.templates.get(key)
	if !known {
		wish, err := q.wish(body)
		if err != nil {
			respondError(w, err)
			return
		}
		wish.SetUID("")
		empty, _ := sameVersion{}.New(q.resource.gvk()) // never fails
		owned, err := q.resource.main.Apply(empty, wish, manager, true)
		if err != nil {
			respondError(w, err)
			return
		}
		o, err := split(owned.(*unstructured.Unstructured)) //nolint:forcetypeassert // nothing else is converted to
		if err != nil {
			respondError(w, err)
			return
		}
		t = template{meta: o.meta, rest: o.rest, managed: o.managed}
		c.fleet.world.templates.put(key, t)
	}
	o := &object{namespace: q.namespace, name: q.name, meta: t.meta, rest: t.rest, managed: stamped(t.managed, time.Now())}
	o, err := c.admit(q, o)
	if err != nil {
		respondError(w, err)
		return
	}
	c.finishObject(w, q, nil, o, http.StatusCreated)
}

// stamped returns ownership that began now.
func stamped(managed []ownership, now time.Time) []ownership {
	fresh := make([]ownership, len(managed))
	for i, m := range managed {
		m.time = now
		fresh[i] = m
	}
	return fresh
}

// wish reads what is applied, and drops what this endpoint does not take.
func (q *request) wish(body []byte) (*unstructured.Unstructured, error) {
	raw, err := yaml.YAMLToJSON(body)
	if err != nil {
		return nil, apierrors.NewBadRequest("error decoding YAML: " + err.Error())
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(raw); err != nil {
		return nil, apierrors.NewBadRequest("error decoding the patch: " + err.Error())
	}
	if err := q.checkNames(u); err != nil {
		return nil, err
	}
	if !q.resource.status {
		return u, nil
	}
	if q.subresource != subresourceStatus {
		delete(u.Object, "status")
		return u, nil
	}
	only := named(q.resource, q.namespace, q.name)
	if status, ok := u.Object["status"]; ok {
		only.Object["status"] = status
	}
	only.SetResourceVersion(u.GetResourceVersion())
	return only, nil
}

// checkNames compares an object with the address that it is sent to.
func (q *request) checkNames(u *unstructured.Unstructured) error {
	switch {
	case u.GetAPIVersion() != q.resource.apiVersion() || u.GetKind() != q.resource.kind:
		return apierrors.NewBadRequest("the kind of the object does not match that of the address")
	case u.GetName() != "" && q.name != "" && u.GetName() != q.name:
		return apierrors.NewBadRequest("the name of the object does not match the name on the URL")
	case u.GetNamespace() != "" && u.GetNamespace() != q.namespace:
		return apierrors.NewBadRequest("the namespace of the provided object does not match the namespace sent on the request")
	}
	if q.name != "" {
		u.SetName(q.name)
	}
	if q.namespace != "" {
		u.SetNamespace(q.namespace)
	}
	return nil
}

func named(r *resource, namespace, name string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetGroupVersionKind(r.gvk())
	u.SetNamespace(namespace)
	u.SetName(name)
	return u
}

// admitNamespace adds what the API server gives to every namespace.
func admitNamespace(r *resource, o *object) (*object, error) {
	u := named(r, "", o.name)
	if err := json.Unmarshal([]byte("{"+o.meta.Value()+"}"), new(map[string]any)); err != nil {
		return nil, err
	}
	d := o.described()
	if d.Labels == nil {
		d.Labels = map[string]string{}
	}
	d.Labels["kubernetes.io/metadata.name"] = o.name
	u.SetLabels(d.Labels)
	u.SetAnnotations(d.Annotations)
	u.SetFinalizers(d.Finalizers)
	u.Object["spec"] = map[string]any{"finalizers": []any{"kubernetes"}}
	u.Object["status"] = map[string]any{"phase": "Active"}
	admitted, err := split(u)
	if err != nil {
		return nil, err
	}
	admitted.managed = o.managed
	return admitted, nil
}
