package preview

import (
	"context"
	"errors"
	"net/url"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
)

func TestRefusal(t *testing.T) {
	t.Parallel()
	secrets, namespaces := apischema.GroupResource{Resource: "secrets"}, apischema.GroupResource{Resource: "namespaces"}
	for name, c := range map[string]struct {
		err    error
		action Action
		gone   bool // the namespace does not exist
		lost   bool
	}{
		"a field that is not valid":           {apierrors.NewInvalid(apischema.GroupKind{Kind: "Secret"}, "a", nil), Refused, false, false},
		"a webhook that denies":               {apierrors.NewForbidden(secrets, "a", errors.New("denied the request: no")), Refused, false, false},
		"a right that the user lacks":         {apierrors.NewForbidden(secrets, "a", errors.New(`User "x" cannot patch resource`)), Unknown, false, false},
		"a webhook that knows no dry run":     {apierrors.NewBadRequest(`admission webhook "w" does not support dry run`), Unknown, false, false},
		"a webhook that does not answer":      {apierrors.NewInternalError(errors.New("failed calling webhook")), Unknown, false, false},
		"a namespace that does not exist":     {apierrors.NewNotFound(namespaces, "a"), Unknown, true, false},
		"something else that does not exist":  {apierrors.NewNotFound(secrets, "a"), Unknown, false, false},
		"a cluster that refuses connections":  {&url.Error{Op: "Get", URL: "https://x", Err: errors.New("refused")}, Unknown, false, true},
		"a cluster that answered nothing yet": {context.DeadlineExceeded, Unknown, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			action, message := refusal(c.err)
			if action != c.action || message == "" {
				t.Errorf("got %s and %q, want %s", action, message, c.action)
			}
			if got := namespaceMissing(c.err); got != c.gone {
				t.Errorf("namespace missing: got %v, want %v", got, c.gone)
			}
			if got := lost(t.Context(), c.err); got != c.lost {
				t.Errorf("lost: got %v, want %v", got, c.lost)
			}
		})
	}
	if lost(t.Context(), nil) {
		t.Error("no error counts as a lost cluster")
	}
}

func TestProblemsAreBounded(t *testing.T) {
	t.Parallel()
	long := make([]byte, 3*maxProblem)
	for i := range long {
		long[i] = 'x'
	}
	if got := []rune(problem(errors.New(string(long)))); len(got) != maxProblem {
		t.Errorf("got %d characters, want %d", len(got), maxProblem)
	}
}
