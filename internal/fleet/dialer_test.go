package fleet

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

const firstToken, ownToken = "first-" + secretText, "own-" + secretText

// member serves what a first contact needs, as a handler.
func member(w http.ResponseWriter, r *http.Request) bool {
	if strings.HasSuffix(r.URL.Path, "/token") {
		reply(w, http.StatusCreated, map[string]any{
			"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
			"status": map[string]any{"token": ownToken, "expirationTimestamp": testNow.Add(time.Hour).Format(time.RFC3339)},
		})
		return true
	}
	return lease(w, r) || namespaces(w, r)
}

func newDialer(t *testing.T, objects ...client.Object) *Dialer {
	t.Helper()
	return &Dialer{
		Home:      fake.NewClientBuilder().WithScheme(testScheme).WithObjects(objects...).Build(),
		Namespace: "ns", Scheme: testScheme, Now: testClock,
		HubUID: func(context.Context) (string, error) { return "hub", nil },
		Access: func(string) ([]*unstructured.Unstructured, error) { return nil, nil },
	}
}

func memberCluster() *v1alpha1.MemberCluster {
	return &v1alpha1.MemberCluster{
		ObjectMeta: metav1.ObjectMeta{Name: "prod"},
		Spec: v1alpha1.MemberClusterSpec{Connection: v1alpha1.Connection{
			Type:       v1alpha1.ConnectionKubeconfig,
			Kubeconfig: &v1alpha1.KubeconfigConnection{SecretRef: v1alpha1.KubeconfigSecret{Name: "given"}},
		}},
	}
}

func given(raw []byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "given"}, Data: map[string][]byte{"kubeconfig": raw}}
}

func kept(raw []byte, expires time.Time) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: names.MemberSecret("prod"), Annotations: map[string]string{
			names.AnnotationIssued: expires.Add(-time.Hour).Format(time.RFC3339), names.AnnotationExpires: expires.Format(time.RFC3339),
		}},
		Data: map[string][]byte{names.MemberSecretKey: raw},
	}
}

func TestDial(t *testing.T) {
	t.Parallel()
	later := testNow.Add(time.Hour)
	tests := map[string]struct {
		tokens  []string // that the member accepts
		secrets func(c, other *cluster) []client.Object
		reason  string // of the error, empty for a connection
		says    string
		fresh   bool // a token was requested
	}{
		"the first time": {
			tokens: []string{firstToken, ownToken}, fresh: true,
			secrets: func(c, _ *cluster) []client.Object { return []client.Object{given(c.kubeconfig(t, firstToken))} },
		},
		"afterwards": {
			tokens: []string{ownToken},
			secrets: func(c, _ *cluster) []client.Object {
				return []client.Object{given(c.kubeconfig(t, firstToken)), kept(c.kubeconfig(t, ownToken), later)}
			},
		},
		"after the first credential was withdrawn": {
			tokens:  []string{ownToken},
			secrets: func(c, _ *cluster) []client.Object { return []client.Object{kept(c.kubeconfig(t, ownToken), later)} },
		},
		"after the first credential was replaced by a refused one": {
			tokens: []string{ownToken},
			secrets: func(c, _ *cluster) []client.Object {
				return []client.Object{given([]byte("{}")), kept(c.kubeconfig(t, ownToken), later)}
			},
		},
		"after the own credential ended": {
			tokens: []string{firstToken, ownToken}, fresh: true,
			secrets: func(c, _ *cluster) []client.Object {
				return []client.Object{given(c.kubeconfig(t, firstToken)), kept(c.kubeconfig(t, "old"), testNow)}
			},
		},
		"after the member forgot the own credential": {
			tokens: []string{firstToken, ownToken}, fresh: true,
			secrets: func(c, _ *cluster) []client.Object {
				return []client.Object{given(c.kubeconfig(t, firstToken)), kept(c.kubeconfig(t, "forgotten"), later)}
			},
		},
		"after somebody broke the own credential": {
			tokens: []string{firstToken, ownToken}, fresh: true,
			secrets: func(c, _ *cluster) []client.Object {
				return []client.Object{given(c.kubeconfig(t, firstToken)), kept([]byte("broken"), later)}
			},
		},
		"after the kubeconfig leads elsewhere": {
			tokens: []string{firstToken, ownToken}, fresh: true,
			secrets: func(c, other *cluster) []client.Object {
				return []client.Object{given(c.kubeconfig(t, firstToken)), kept(other.kubeconfig(t, ownToken), later)}
			},
		},
		"without any credential": {
			reason: v1alpha1.ReasonCredentialMissing, says: "Secret ns/given does not exist",
			secrets: func(_, _ *cluster) []client.Object { return nil },
		},
		"with another key": {
			reason: v1alpha1.ReasonCredentialMissing, says: "no key kubeconfig",
			secrets: func(_, _ *cluster) []client.Object {
				s := given(nil)
				s.Data = map[string][]byte{"config": nil}
				return []client.Object{s}
			},
		},
		"with a refused kubeconfig": {
			reason: v1alpha1.ReasonCredentialRefused, says: "key kubeconfig of Secret ns/given: the kubeconfig is empty",
			secrets: func(_, _ *cluster) []client.Object { return []client.Object{given(nil)} },
		},
		"after both were lost": {
			tokens: []string{}, reason: v1alpha1.ReasonCredentialMissing, says: "own credential ended",
			secrets: func(c, _ *cluster) []client.Object { return []client.Object{kept(c.kubeconfig(t, ownToken), later)} },
		},
		"with a first credential that ended": {
			tokens: []string{}, reason: v1alpha1.ReasonUnauthorized,
			secrets: func(c, _ *cluster) []client.Object { return []client.Object{given(c.kubeconfig(t, firstToken))} },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, other := newCluster(t, member), newCluster(t, member)
			c.accept(tt.tokens...)
			d := newDialer(t, tt.secrets(c, other)...)
			conn, err := d.Dial(t.Context(), memberCluster())
			if conn != nil {
				defer conn.Close()
			}
			reason, message, _ := Classify(err)
			if reason != tt.reason || !strings.Contains(message, tt.says) {
				t.Fatalf("got %s: %s (%v), want %s", reason, message, err, tt.reason)
			}
			if fresh := c.count("POST ") > 0; fresh != tt.fresh {
				t.Errorf("a token was requested: %v, want %v", fresh, tt.fresh)
			}
			if n := other.count(""); n != 0 {
				t.Errorf("%d requests went to a cluster that the kubeconfig does not name", n)
			}
			if tt.reason != "" {
				return
			}
			if user, expires := conn.Identity(); user != "system:serviceaccount:ns:tls-platform-hub" || !expires.Equal(later) {
				t.Errorf("connected as %s until %s", user, expires)
			}
			if err := conn.Probe(t.Context()); err != nil || *conn.token.Load() != ownToken {
				t.Errorf("the connection is not under the own credential: %v", err)
			}
		})
	}
}

func TestRenew(t *testing.T) {
	t.Parallel()
	c := newCluster(t, member)
	d := newDialer(t, kept(c.kubeconfig(t, "old"), testNow.Add(40*time.Minute)))
	conn, err := d.Dial(t.Context(), memberCluster())
	if err != nil {
		t.Fatalf("dialing: %v", err)
	}
	defer conn.Close()
	if renewed, err := d.Renew(t.Context(), conn); renewed || err != nil {
		t.Errorf("with two thirds of its life left: %v, %v", renewed, err)
	}
	d.Now = func() time.Time { return testNow.Add(11 * time.Minute) }
	if renewed, err := d.Renew(t.Context(), conn); !renewed || err != nil {
		t.Fatalf("with less than half of its life left: %v, %v", renewed, err)
	}
	c.accept(ownToken)
	if err := conn.Probe(t.Context()); err != nil {
		t.Errorf("the connection goes on under the old token: %v", err)
	}
	var secret corev1.Secret
	if err := d.Home.Get(t.Context(), types.NamespacedName{Namespace: "ns", Name: names.MemberSecret("prod")}, &secret); err != nil {
		t.Fatalf("reading what is kept: %v", err)
	}
	if config, err := ParseKubeconfig(secret.Data[names.MemberSecretKey]); err != nil || config.BearerToken != ownToken {
		t.Errorf("what is kept is not the new token: %v", err)
	}
	local := c.connect(t)
	if renewed, err := d.Renew(t.Context(), local); renewed || err != nil {
		t.Errorf("for the hub's own cluster: %v, %v", renewed, err)
	}
}

func TestRenewKeepsWhatItCannotStore(t *testing.T) {
	t.Parallel()
	c := newCluster(t, member)
	d := newDialer(t, kept(c.kubeconfig(t, "old"), testNow.Add(10*time.Minute)))
	conn, err := d.Dial(t.Context(), memberCluster())
	if err != nil {
		t.Fatalf("dialing: %v", err)
	}
	defer conn.Close()
	d.Home = readOnly{d.Home}
	if renewed, err := d.Renew(t.Context(), conn); renewed || !errors.Is(err, errReadOnly) {
		t.Errorf("got %v, %v", renewed, err)
	}
	if *conn.token.Load() != "old" {
		t.Error("the connection uses a token that a restarted hub would not have")
	}
}

func TestASickHubSaysNothingAboutAMember(t *testing.T) {
	t.Parallel()
	d := newDialer(t)
	home := newCluster(t, nil).connect(t)
	home.Close()
	d.Home = home.Hub
	_, err := d.Dial(t.Context(), memberCluster())
	reason, message, transport := Classify(err)
	if reason != v1alpha1.ReasonConnecting || transport || !strings.Contains(message, "on the hub") {
		t.Errorf("got %s (transport %v): %s", reason, transport, message)
	}
}

var errReadOnly = errors.New("read-only")

type readOnly struct{ client.Client }

func (readOnly) Apply(context.Context, runtime.ApplyConfiguration, ...client.ApplyOption) error {
	return errReadOnly
}

func TestForget(t *testing.T) {
	t.Parallel()
	d := newDialer(t, kept(nil, testNow))
	for _, when := range []string{"at first", "again"} {
		if err := d.Forget(t.Context(), "prod"); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
}
