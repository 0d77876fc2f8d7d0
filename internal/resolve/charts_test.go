package resolve

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/chart"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/plan"
)

var errLost = errors.New("connection refused")

// shelf is a store with one chart, or one that fails.
type shelf struct {
	kept *desired.RenderedChart
	err  error
}

func (s shelf) StoredChart(context.Context, desired.PartName, string) (desired.RenderedChart, bool, error) {
	if s.kept == nil {
		return desired.RenderedChart{}, false, s.err
	}
	return *s.kept, true, s.err
}

// press renders every chart that is asked for, or fails.
type press struct{ err error }

func (p press) Render(_ context.Context, request desired.ChartRequest, c chart.Credentials) (desired.RenderedChart, error) {
	if p.err != nil {
		return desired.RenderedChart{}, p.err
	}
	rendered := desired.RenderedChart{Name: string(request.Component), Version: request.Version}
	if !reflect.DeepEqual(c, chart.Credentials{}) {
		rendered.Digest = "with credentials"
	}
	return rendered, nil
}

// pullSecret in the namespace of the operator.
func pullSecret(config string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ops", Name: "pull"},
		Data:       map[string][]byte{corev1.DockerConfigJsonKey: []byte(config)},
	}
}

// reading returns a reader of a Secret, or one that fails with err.
func reading(t *testing.T, secret *corev1.Secret, err error) client.Reader {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	b := fake.NewClientBuilder().WithScheme(scheme)
	if secret != nil {
		b = b.WithObjects(secret)
	}
	if err != nil {
		b = b.WithInterceptorFuncs(interceptor.Funcs{
			Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
				return err
			},
		})
	}
	return b.Build()
}

func TestCharts(t *testing.T) {
	t.Parallel()
	rendered := plan.Chart{Rendered: desired.RenderedChart{Name: "cert-manager", Version: "v1.21.0"}}
	held := func(reason, message string, terminal bool) plan.Chart {
		return plan.Chart{Hold: &desired.Hold{Reason: reason, Message: message, Terminal: terminal}}
	}
	kept := desired.RenderedChart{Name: "kept"}
	for name, c := range map[string]struct {
		private bool // the registry has a pull Secret
		store   shelf
		press   press
		secret  *corev1.Secret
		lost    error // reading the Secret
		want    plan.Chart
	}{
		"what is kept needs no registry and no Secret": {
			private: true, store: shelf{kept: &kept}, press: press{errLost}, lost: errLost, want: plan.Chart{Rendered: kept},
		},
		"a store that can't be read is no empty one": {
			store: shelf{err: errLost}, want: held(v1alpha1.ReasonChartUnavailable, "connection refused", false),
		},
		"what is not kept is rendered": {want: rendered},
		"the registry gets its credentials": {
			private: true, secret: pullSecret(`{"auths":{"r.example":{"username":"u","password":"p"}}}`),
			want: plan.Chart{Rendered: desired.RenderedChart{Name: "cert-manager", Version: "v1.21.0", Digest: "with credentials"}},
		},
		"a pull Secret that is not there": {private: true, want: held(v1alpha1.ReasonPullSecretMissing,
			"the pull Secret ops/pull does not exist; create it with kubectl -n ops create secret docker-registry pull …, it is looked for again every few seconds", false)},
		"a pull Secret that can't be read is what the caller says": {
			private: true, lost: errLost, want: held("Asked", "reading the pull Secret ops/pull: connection refused", false),
		},
		"a refusal that another chart would heal": {
			press: press{&chart.Error{Kind: chart.KindDigestMismatch, Message: "another chart"}},
			want:  held(v1alpha1.ReasonDigestMismatch, "another chart", true),
		},
		"a registry that does not answer": {
			press: press{&chart.Error{Kind: chart.KindUnavailable, Message: "no answer"}},
			want:  held(v1alpha1.ReasonChartUnavailable, "no answer", false),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			platform := &v1alpha1.TLSPlatform{}
			platform.Spec.Components.CertManager = &v1alpha1.Component{State: v1alpha1.ComponentManaged, Version: "v1.21.0"}
			platform.Spec.Components.TrustManager = &v1alpha1.Component{State: v1alpha1.ComponentObserved}
			if c.private {
				platform.Spec.Components.Registry = &v1alpha1.Registry{PullSecretRef: &v1alpha1.LocalSecretReference{Name: "pull"}}
			}
			charts := Charts{
				Store: c.store, Renderer: c.press, Secrets: reading(t, c.secret, c.lost), Namespace: "ops",
				Unreadable: func(err error) desired.Hold { return desired.Hold{Reason: "Asked", Message: err.Error()} },
			}
			got := charts.Of(t.Context(), platform, &observed.Cluster{KubernetesVersion: "v1.37.0"})
			if diff := cmp.Diff(map[desired.PartName]plan.Chart{desired.CertManager: c.want}, got); diff != "" {
				t.Errorf("charts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnusablePullSecret(t *testing.T) {
	t.Parallel()
	charts := Charts{Secrets: reading(t, pullSecret("{"), nil), Namespace: "ops"}
	registry := &v1alpha1.Registry{PullSecretRef: &v1alpha1.LocalSecretReference{Name: "pull"}}
	if _, hold := charts.credentials(t.Context(), registry); hold == nil || hold.Reason != v1alpha1.ReasonPullSecretMissing {
		t.Errorf("got %+v", hold)
	}
}

func TestEveryKindOfFailureHasAReason(t *testing.T) {
	t.Parallel()
	for _, kind := range []chart.Kind{
		chart.KindUnavailable, chart.KindUnauthorized, chart.KindNotFound, chart.KindDigestMismatch,
		chart.KindInvalidRequest, chart.KindInvalidValues, chart.KindRenderFailed,
	} {
		if hold := chartHold(&chart.Error{Kind: kind}); hold.Reason == "" {
			t.Errorf("%s has none, and a condition needs one", kind)
		}
	}
}
