package standin

import (
	"errors"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func errUnauthorized() error { return apierrors.NewUnauthorized("Unauthorized") }

func errInternal() error { return apierrors.NewInternalError(errors.New("told to fail")) }

func errUnavailable() error {
	return apierrors.NewServiceUnavailable("the server is currently unable to handle the request")
}

// errNoPath is what is said of an address that nothing serves.
func errNoPath() error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusNotFound, Reason: metav1.StatusReasonNotFound,
		Message: "the server could not find the requested resource", Details: &metav1.StatusDetails{},
	}}
}

func (q *request) errNotFound() error {
	return apierrors.NewNotFound(q.resource.GroupResource(), q.name)
}

func errNoNamespace(name string) error {
	return apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, name)
}

func (q *request) errExists(name string) error {
	return apierrors.NewAlreadyExists(q.resource.GroupResource(), name)
}

// errStale is what is said to a write of an older version.
func (q *request) errStale() error {
	return apierrors.NewConflict(q.resource.GroupResource(), q.name,
		errors.New("the object has been modified; please apply your changes to the latest version and try again"))
}

// errUnconditional is what is said to an update that does not say of what.
func (q *request) errUnconditional() error {
	as := schema.GroupKind{Group: q.resource.Group, Kind: q.resource.Resource}
	return apierrors.NewInvalid(as, q.name, field.ErrorList{
		field.Invalid(field.NewPath("metadata", "resourceVersion"), 0, "must be specified for an update"),
	})
}

// errPrecondition is what is said when an object is another one.
func (q *request) errPrecondition(field, want, got string) error {
	return apierrors.NewConflict(q.resource.GroupResource(), q.name,
		fmt.Errorf("Precondition failed: %s in precondition: %s, %s in object meta: %s", field, want, field, got)) //nolint:staticcheck // the API server's words
}

func errExpired(version, floor uint64) error {
	return apierrors.NewResourceExpired(fmt.Sprintf("too old resource version: %d (%d)", version, floor))
}

func errManagerRequired() error {
	return apierrors.NewInvalid(schema.GroupKind{Group: metav1.GroupName, Kind: "PatchOptions"}, "", field.ErrorList{
		field.Required(field.NewPath("fieldManager"), "is required for apply patch"),
	})
}

func unsupported(contentType string) metav1.Status {
	return metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusUnsupportedMediaType, Reason: metav1.StatusReasonUnsupportedMediaType,
		Message: fmt.Sprintf("the body of the request was in an unknown format %q", contentType),
	}
}
