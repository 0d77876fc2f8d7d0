package standin

import (
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
)

// selector is what a list or watch asks for.
type selector struct {
	namespace string
	labels    labels.Selector
	fields    fields.Selector
}

func (q *request) selector() (selector, error) {
	s := selector{namespace: q.namespace}
	var err error
	if s.labels, err = labels.Parse(q.query.Get("labelSelector")); err != nil {
		return s, apierrors.NewBadRequest("unable to parse labelSelector: " + err.Error())
	}
	if s.fields, err = fields.ParseSelector(q.query.Get("fieldSelector")); err != nil {
		return s, apierrors.NewBadRequest("unable to parse fieldSelector: " + err.Error())
	}
	return s, nil
}

func (s selector) matches(o *object) bool {
	if o == nil || s.namespace != "" && o.namespace != s.namespace {
		return false
	}
	if !s.fields.Empty() && !s.fields.Matches(fields.Set{"metadata.name": o.name, "metadata.namespace": o.namespace}) {
		return false
	}
	return s.labels.Empty() || s.labels.Matches(labels.Set(o.described().Labels))
}
