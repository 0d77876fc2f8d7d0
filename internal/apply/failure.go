package apply

import (
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// ConflictError says that an object belongs to somebody else.
type ConflictError struct {
	// Ref of the object.
	Ref desired.Ref
	// Managers are the field managers of the object as found.
	Managers []string
}

// Error says what was found and what to do.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s exists and is not ours (managed by %s): it is left alone; rename it in the spec, delete it, or label it %s=<this platform> to hand it over",
		e.Ref, strings.Join(e.Managers, ", "), names.LabelPlatform)
}

// Classify turns an error of the API server into a failure that a condition can
// show: what was refused, and what to do.
func Classify(err error, identity desired.Identity) observed.Failure {
	account := names.ServiceAccountHub
	if identity == desired.IdentityInstaller {
		account = names.ServiceAccountInstaller
	}
	var conflict *ConflictError
	switch {
	case errors.As(err, &conflict):
		return observed.Failure{Reason: v1alpha1.ReasonConflict, Message: err.Error(), Terminal: true}
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "cannot "):
		return observed.Failure{
			Reason:  v1alpha1.ReasonForbidden,
			Message: fmt.Sprintf("%v; add the verb to the ClusterRole %s", err, account),
		}
	case apierrors.IsInvalid(err), apierrors.IsForbidden(err), apierrors.IsBadRequest(err):
		return observed.Failure{Reason: v1alpha1.ReasonApplyFailed, Message: err.Error()}
	case apierrors.IsConflict(err):
		return observed.Failure{Reason: v1alpha1.ReasonConflict, Message: err.Error()}
	default:
		return observed.Failure{Reason: v1alpha1.ReasonApplyFailed, Message: err.Error()}
	}
}
