package profile

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

func TestComponents(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		object  string
		labels  map[string]string
		want    string
		leading bool
	}{
		"the controller of cert-manager": {"cert-manager", map[string]string{names.LabelAppName: "cert-manager", names.LabelAppComponent: "controller"}, certManager, true},
		"one of a release with a name":   {"tls", map[string]string{names.LabelAppName: "cert-manager"}, certManager, true},
		"its webhook":                    {"cert-manager-webhook", map[string]string{names.LabelAppName: "webhook"}, certManager, false},
		"its cainjector in a release":    {"ca", map[string]string{names.LabelAppName: "cainjector", names.LabelAppInstance: "my-cert-manager"}, certManager, false},
		"somebody else's webhook":        {"shop-webhook", map[string]string{names.LabelAppName: "webhook", names.LabelAppInstance: "shop"}, "", false},
		"trust-manager":                  {"t", map[string]string{names.LabelAppName: "trust-manager"}, trustManager, true},
		"approver-policy":                {"a", map[string]string{names.LabelAppName: "cert-manager-approver-policy"}, approverPolicy, true},
		"the csi-driver":                 {"c", map[string]string{names.LabelAppName: "cert-manager-csi-driver"}, csiDriver, true},
		"another driver":                 {"c", map[string]string{names.LabelAppName: "cert-manager-csi-driver-spiffe"}, "", false},
		"istio-csr":                      {"i", map[string]string{names.LabelAppName: "cert-manager-istio-csr"}, istioCSR, true},
		"Kyverno": {
			"kyverno-admission-controller", map[string]string{names.LabelAppPartOf: "kyverno", names.LabelAppComponent: "admission-controller"}, kyverno, true,
		},
		"a helper of Kyverno in a release": {
			"x", map[string]string{names.LabelAppPartOf: "policy-kyverno", names.LabelAppComponent: "cleanup-controller"}, kyverno, false,
		},
		"an old Kyverno":                {"kyverno", map[string]string{names.LabelAppName: "kyverno", names.LabelAppComponent: "kyverno"}, kyverno, true},
		"what merely belongs to one":    {"x", map[string]string{names.LabelAppPartOf: "kyverno", names.LabelAppComponent: "dashboard"}, "", false},
		"Gatekeeper":                    {"gatekeeper-controller-manager", map[string]string{labelGatekeeper: "yes"}, gatekeeper, true},
		"its audit":                     {"gatekeeper-audit", map[string]string{labelGatekeeper: "yes"}, gatekeeper, false},
		"Gatekeeper without its labels": {"gatekeeper-controller-manager", nil, gatekeeper, true},
		"anything else":                 {"cert-manager", map[string]string{names.LabelAppName: "shop"}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, leading := componentOf(&metav1.ObjectMeta{Name: test.object, Labels: test.labels})
			if got != test.want || leading != test.leading {
				t.Errorf("component %q, leading %t, want %q, %t", got, leading, test.want, test.leading)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		label, image, want string
	}{
		"a label outweighs the image":   {"v1.2.3", "repo/x:v2", "v1.2.3"},
		"a tag":                         {"", "quay.io/jetstack/x:v1.21.2", "v1.21.2"},
		"a tag with a digest":           {"", "quay.io/jetstack/x:v1.21.2@sha256:00", "v1.21.2"},
		"a digest alone":                {"", "quay.io/jetstack/x@sha256:00", ""},
		"a port is no tag":              {"", "registry:5000/x", ""},
		"a port and a tag":              {"", "registry:5000/x:v1", "v1"},
		"no registry":                   {"", "x:v1", "v1"},
		"what can't be shown is marked": {"", "x:v1\n", "v1\uFFFD"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := deployment("certs", "csi", map[string]string{names.LabelAppName: "cert-manager-csi-driver"})
			d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "probe", Image: "probe:v9"}, {Name: "cert-manager-csi-driver", Image: test.image}}
			if test.label != "" {
				d.Labels[names.LabelAppVersion] = test.label
			}
			_, record := ReduceDeployment(d)
			if got := record.(*WorkloadRecord).Version; got != test.want {
				t.Errorf("version %q, want %q", got, test.want)
			}
		})
	}
}

func deployment(namespace, name string, labels map[string]string) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels},
		Status: appsv1.DeploymentStatus{Conditions: []appsv1.DeploymentCondition{
			{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse},
			{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue},
		}},
	}
}

func TestOwner(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		labels, annotations map[string]string
		want                observed.Owner
	}{
		"ours":                   {map[string]string{"tlsplatform.io/platform": "main"}, map[string]string{names.AnnotationHelmRelease: "x"}, observed.OwnerPlatform},
		"an operator's":          {map[string]string{names.LabelOLMOwner: "x.v1"}, nil, observed.OwnerOLM},
		"an operator's by label": {map[string]string{names.LabelOLMManaged: "true"}, nil, observed.OwnerOLM},
		"a release's":            {nil, map[string]string{names.AnnotationHelmRelease: "cert-manager"}, observed.OwnerHelm},
		"nobody's":               {nil, nil, observed.OwnerPlain},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := deployment("certs", "gatekeeper-controller-manager", test.labels)
			d.Annotations = test.annotations
			key, record := ReduceDeployment(d)
			want := &WorkloadRecord{Component: gatekeeper, Leading: true, Owner: test.want, Available: true}
			if diff := cmp.Diff(Record(want), record); diff != "" {
				t.Error(diff)
			}
			if want := (Key{Deployment, "certs", d.Name}); key != want {
				t.Errorf("key %v, want %v", key, want)
			}
		})
	}
}

func TestOthersAreNotKept(t *testing.T) {
	t.Parallel()
	if _, record := ReduceDeployment(deployment("shop", "web", nil)); record != nil {
		t.Errorf("a record of a Deployment: %v", record)
	}
	if _, record := ReduceDaemonSet(&appsv1.DaemonSet{}); record != nil {
		t.Errorf("a record of a DaemonSet: %v", record)
	}
}

func TestAvailableDaemonSet(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		desired, ready int32
		unavailable    *intstr.IntOrString
		want           bool
	}{
		"all are ready":                   {3, 3, nil, true},
		"one node is missing":             {3, 2, nil, true},
		"two are":                         {3, 1, nil, false},
		"as many as a rollout may stop":   {10, 7, ptr.To(intstr.FromString("30%")), true},
		"more than a rollout may stop":    {10, 6, ptr.To(intstr.FromString("30%")), false},
		"a share that can't be read":      {3, 2, ptr.To(intstr.FromString("some")), true},
		"the only one is missing":         {1, 0, nil, false},
		"there are no nodes for it":       {0, 0, nil, true},
		"none may be missing and none is": {2, 2, ptr.To(intstr.FromInt32(0)), true},
		"none may be missing and one is":  {2, 1, ptr.To(intstr.FromInt32(0)), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &appsv1.DaemonSet{
				ObjectMeta: metav1.ObjectMeta{Name: "csi", Labels: map[string]string{names.LabelAppName: "cert-manager-csi-driver"}},
				Status:     appsv1.DaemonSetStatus{DesiredNumberScheduled: test.desired, NumberReady: test.ready},
			}
			if test.unavailable != nil {
				d.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateDaemonSet{MaxUnavailable: test.unavailable}
			}
			_, record := ReduceDaemonSet(d)
			if got := record.(*WorkloadRecord).Available; got != test.want {
				t.Errorf("available %t, want %t", got, test.want)
			}
		})
	}
}
