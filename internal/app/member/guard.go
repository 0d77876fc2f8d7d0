package member

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
)

// guard lets those in who may get the path that they ask for, as the API server
// says by a TokenReview and a SubjectAccessReview.
//
// The filter of controller-runtime does the same by the API server's own library,
// with the languages and engines that this has: in a process that reads every
// Secret that is 20 MiB of code, and of trust, for two requests.
type guard struct {
	tokens  authenticationclient.TokenReviewInterface
	reviews authorizationclient.SubjectAccessReviewInterface
	log     logr.Logger
	now     func() time.Time
	next    http.Handler

	mu       sync.Mutex
	verdicts map[[sha256.Size]byte]verdict // by path and token
}

// verdict is a status code, http.StatusOK for those who may.
type verdict struct {
	code  int
	until time.Time
}

const (
	// allowedFor and refusedFor are how long verdicts hold.
	allowedFor = time.Minute
	refusedFor = 10 * time.Second
	// maxVerdicts bounds what strangers can make the guard remember.
	maxVerdicts = 256
	// maxToken in bytes; those of Kubernetes have about one KiB.
	maxToken      = 16 << 10
	reviewTimeout = 10 * time.Second
)

func newGuard(config *rest.Config, log logr.Logger, now func() time.Time, next http.Handler) (*guard, error) {
	short := rest.CopyConfig(config)
	short.Timeout = reviewTimeout
	tokens, err := authenticationclient.NewForConfig(short)
	if err != nil {
		return nil, fmt.Errorf("building a client for TokenReviews: %w", err)
	}
	reviews, err := authorizationclient.NewForConfig(short)
	if err != nil {
		return nil, fmt.Errorf("building a client for SubjectAccessReviews: %w", err)
	}
	return &guard{
		tokens: tokens.TokenReviews(), reviews: reviews.SubjectAccessReviews(), log: log, now: now, next: next,
		verdicts: map[[sha256.Size]byte]verdict{},
	}, nil
}

// ServeHTTP implements http.Handler.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" || len(token) > maxToken {
		http.Error(w, "a bearer token is needed", http.StatusUnauthorized)
		return
	}
	code, err := g.judge(r.Context(), r.URL.Path, token)
	if err != nil {
		g.log.Error(err, "Reviewing a request for metrics failed")
		http.Error(w, "the request could not be reviewed", http.StatusInternalServerError)
		return
	}
	if code != http.StatusOK {
		http.Error(w, strings.ToLower(http.StatusText(code))+": get "+r.URL.Path+" has to be granted as a nonResourceURL", code)
		return
	}
	g.next.ServeHTTP(w, r)
}

func (g *guard) judge(ctx context.Context, path, token string) (int, error) {
	key := sha256.Sum256([]byte(path + "\x00" + token))
	now := g.now()
	g.mu.Lock()
	known, ok := g.verdicts[key]
	g.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.code, nil
	}
	code, err := g.review(ctx, path, token)
	if err != nil {
		return 0, err
	}
	until := now.Add(refusedFor)
	if code == http.StatusOK {
		until = now.Add(allowedFor)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.verdicts) >= maxVerdicts {
		clear(g.verdicts)
	}
	g.verdicts[key] = verdict{code, until}
	return code, nil
}

func (g *guard) review(ctx context.Context, path, token string) (int, error) {
	who, err := g.tokens.Create(ctx, &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}, metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("reviewing a token: %w", err)
	}
	if !who.Status.Authenticated {
		return http.StatusUnauthorized, nil
	}
	extra := make(map[string]authorizationv1.ExtraValue, len(who.Status.User.Extra))
	for name, values := range who.Status.User.Extra {
		extra[name] = authorizationv1.ExtraValue(values)
	}
	may, err := g.reviews.Create(ctx, &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: who.Status.User.Username, UID: who.Status.User.UID, Groups: who.Status.User.Groups, Extra: extra,
		NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: path, Verb: "get"},
	}}, metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("asking whether %s may get %s: %w", who.Status.User.Username, path, err)
	}
	if !may.Status.Allowed {
		return http.StatusForbidden, nil
	}
	return http.StatusOK, nil
}
