package standin

import (
	"encoding/base64"
	"net/http"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func (c *Cluster) get(w counted, q *request) {
	c.mu.Lock()
	o := c.storeOf(q.resource.GroupVersionResource).objects[keyOf(q.namespace, q.name)]
	c.mu.Unlock()
	if o == nil {
		respondError(w, q.errNotFound())
		return
	}
	respondRaw(w, http.StatusOK, o.append(nil, q.resource, q.partial))
}

// list answers from the present, page by page when asked to. The token of a page
// is the last key before it.
func (c *Cluster) list(w counted, q *request) {
	s, err := q.selector()
	if err != nil {
		respondError(w, err)
		return
	}
	after, err := base64.RawURLEncoding.DecodeString(q.query.Get("continue"))
	if err != nil {
		respondError(w, apierrors.NewBadRequest("continue key is not valid: "+err.Error()))
		return
	}
	limit, _ := strconv.Atoi(q.query.Get("limit")) // none when it can't be read
	c.mu.Lock()
	all := c.storeOf(q.resource.GroupVersionResource).list(s.namespace)
	version := c.version
	c.mu.Unlock()
	var found []*object
	for _, o := range all {
		if o.namespace+"/"+o.name > string(after) && s.matches(o) {
			found = append(found, o)
		}
	}
	next, remaining := "", 0
	if limit > 0 && len(found) > limit {
		remaining = len(found) - limit
		found = found[:limit]
		last := found[limit-1]
		next = base64.RawURLEncoding.EncodeToString([]byte(last.namespace + "/" + last.name))
	}
	respondRaw(w, http.StatusOK, encodeList(q, found, version, next, remaining))
}

func encodeList(q *request, found []*object, version uint64, next string, remaining int) []byte {
	apiVersion, kind := q.resource.apiVersion(), q.resource.kind+"List"
	if q.partial {
		apiVersion, kind = metav1.SchemeGroupVersion.String(), "PartialObjectMetadataList"
	}
	raw := append([]byte(nil), `{"kind":"`+kind+`","apiVersion":"`+apiVersion+`","metadata":{"resourceVersion":"`...)
	raw = strconv.AppendUint(raw, version, 10)
	raw = append(raw, '"')
	if next != "" {
		raw = append(raw, `,"continue":"`+next+`","remainingItemCount":`...)
		raw = strconv.AppendInt(raw, int64(remaining), 10)
	}
	raw = append(raw, `},"items":[`...)
	for i, o := range found {
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = o.appendItem(raw, q.resource, q.partial)
	}
	return append(raw, "]}"...)
}
