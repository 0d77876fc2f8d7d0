package member

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"

	"crypto/sha256"
)

// reviewer answers reviews: it knows the token "good" and who may get metrics.
type reviewer struct {
	authenticationclient.TokenReviewInterface
	authorizationclient.SubjectAccessReviewInterface
	allowed bool
	fails   error
	asked   int
}

func (r *reviewer) Create(_ context.Context, t *authenticationv1.TokenReview, _ metav1.CreateOptions) (*authenticationv1.TokenReview, error) {
	r.asked++
	if r.fails != nil {
		return nil, r.fails
	}
	t.Status.Authenticated = t.Spec.Token == "good"
	t.Status.User.Username = "prometheus"
	return t, nil
}

type access struct{ *reviewer }

func (a access) Create(_ context.Context, s *authorizationv1.SubjectAccessReview, _ metav1.CreateOptions) (*authorizationv1.SubjectAccessReview, error) {
	n := s.Spec.NonResourceAttributes
	s.Status.Allowed = a.allowed && s.Spec.User == "prometheus" && n.Path == "/metrics" && n.Verb == "get"
	return s, nil
}

func guarded(r *reviewer, now func() time.Time) *guard {
	return &guard{
		tokens: r, reviews: access{r}, log: logr.Discard(), now: now, verdicts: map[[sha256.Size]byte]verdict{},
		next: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("metrics")) }),
	}
}

func ask(t *testing.T, g *guard, authorization string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, request)
	return w
}

func TestGuard(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reviewer      reviewer
		authorization string
		want          int
	}{
		"who has the right gets metrics":       {reviewer{allowed: true}, "Bearer good", http.StatusOK},
		"who has no token does not":            {reviewer{allowed: true}, "", http.StatusUnauthorized},
		"nor who has a password":               {reviewer{allowed: true}, "Basic good", http.StatusUnauthorized},
		"nor who has a token of another":       {reviewer{allowed: true}, "Bearer bad", http.StatusUnauthorized},
		"nor who has an endless one":           {reviewer{allowed: true}, "Bearer " + strings.Repeat("x", maxToken+1), http.StatusUnauthorized},
		"nor who lacks the right":              {reviewer{}, "Bearer good", http.StatusForbidden},
		"and nobody while reviews are failing": {reviewer{fails: errors.New("down")}, "Bearer good", http.StatusInternalServerError},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := ask(t, guarded(&c.reviewer, time.Now), c.authorization)
			if w.Code != c.want {
				t.Errorf("got %d, want %d", w.Code, c.want)
			}
			if got := w.Body.String(); (got == "metrics") != (c.want == http.StatusOK) || strings.Contains(got, "down") {
				t.Errorf("got the body %q", got)
			}
		})
	}
}

func TestGuardRemembersForAWhile(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	r := &reviewer{allowed: true}
	g := guarded(r, func() time.Time { return now })
	for range 5 {
		ask(t, g, "Bearer good")
	}
	if r.asked != 1 {
		t.Errorf("5 scrapes asked %d times, want once", r.asked)
	}
	r.allowed = false
	now = now.Add(allowedFor + time.Second)
	if w := ask(t, g, "Bearer good"); w.Code != http.StatusForbidden {
		t.Errorf("after the right was taken away: %d", w.Code)
	}
	r.allowed = true
	now = now.Add(refusedFor + time.Second)
	if w := ask(t, g, "Bearer good"); w.Code != http.StatusOK {
		t.Errorf("after the right was given back: %d", w.Code)
	}
}

func TestGuardForgetsStrangers(t *testing.T) {
	t.Parallel()
	g := guarded(&reviewer{}, time.Now)
	for i := range 3 * maxVerdicts {
		ask(t, g, "Bearer "+strings.Repeat("x", i+1))
	}
	if n := len(g.verdicts); n > maxVerdicts {
		t.Errorf("%d verdicts are remembered, want at most %d", n, maxVerdicts)
	}
}
