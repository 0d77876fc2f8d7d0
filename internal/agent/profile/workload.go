package profile

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// labelGatekeeper is on everything of Gatekeeper.
const labelGatekeeper = "gatekeeper.sh/system"

// Names of components, as in v1alpha1.ComponentProfile.
const (
	certManager    = "cert-manager"
	trustManager   = "trust-manager"
	approverPolicy = "approver-policy"
	csiDriver      = "csi-driver"
	istioCSR       = "istio-csr"
	kyverno        = "kyverno"
	gatekeeper     = "gatekeeper"
)

// WorkloadRecord is what is kept of a Deployment or a DaemonSet of a component.
type WorkloadRecord struct {
	// Component that it belongs to.
	Component string
	// Leading says that it is the workload that the component has its version of.
	Leading bool
	// Version that runs, empty when nothing tells it.
	Version string
	// Owner of the install.
	Owner observed.Owner
	// Available says that enough of it is.
	Available bool
	// Settings of the controller of cert-manager, by name.
	Settings []v1alpha1.Setting
}

func (*WorkloadRecord) isRecord() {}

// ReduceDeployment keeps what the profile wants of a Deployment. The record is
// nil when it belongs to no component.
func ReduceDeployment(d *appsv1.Deployment) (Key, Record) {
	key := Key{Deployment, d.Namespace, d.Name}
	w := reduceWorkload(&d.ObjectMeta, &d.Spec.Template.Spec)
	if w == nil {
		return key, nil
	}
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentAvailable {
			w.Available = c.Status == corev1.ConditionTrue
		}
	}
	return key, w
}

// ReduceDaemonSet keeps what the profile wants of a DaemonSet. The record is nil
// when it belongs to no component.
func ReduceDaemonSet(d *appsv1.DaemonSet) (Key, Record) {
	key := Key{DaemonSet, d.Namespace, d.Name}
	w := reduceWorkload(&d.ObjectMeta, &d.Spec.Template.Spec)
	if w == nil {
		return key, nil
	}
	w.Available = availableOnNodes(d)
	return key, w
}

// availableOnNodes says whether a DaemonSet has enough Pods ready. Nodes come and
// go, so as many may be missing as a rollout may stop at once.
func availableOnNodes(d *appsv1.DaemonSet) bool {
	desired, ready := int(d.Status.DesiredNumberScheduled), int(d.Status.NumberReady)
	missing := 1
	if r := d.Spec.UpdateStrategy.RollingUpdate; r != nil && r.MaxUnavailable != nil {
		if n, err := intstr.GetScaledValueFromIntOrPercent(r.MaxUnavailable, desired, true); err == nil {
			missing = n
		}
	}
	return ready >= desired-missing && (ready > 0 || desired == 0)
}

func reduceWorkload(o *metav1.ObjectMeta, pod *corev1.PodSpec) *WorkloadRecord {
	component, leading := componentOf(o)
	if component == "" {
		return nil
	}
	owner, _ := observed.OwnerOf(o.Labels, o.Annotations)
	w := &WorkloadRecord{Component: component, Leading: leading, Owner: owner}
	w.Version = text(versionOf(component, o, pod), maxVersion)
	if component == certManager && leading {
		w.Settings = settingsOf(o.Namespace, pod)
	}
	return w
}

// componentOfName are the components whose workloads have a name of their own in
// names.LabelAppName, and each of which leads.
var componentOfName = map[string]string{
	"trust-manager":                trustManager,
	"cert-manager-approver-policy": approverPolicy,
	"cert-manager-csi-driver":      csiDriver,
	"cert-manager-istio-csr":       istioCSR,
}

// componentOf a workload, empty for none, and whether it is the leading one of
// the component.
func componentOf(o *metav1.ObjectMeta) (component string, leading bool) {
	role := o.Labels[names.LabelAppComponent]
	if named := componentOfName[o.Labels[names.LabelAppName]]; named != "" {
		return named, true
	}
	switch {
	case o.Labels[names.LabelAppName] == "cert-manager":
		return certManager, role == "" || role == "controller"
	case isCertManagerHelper(o):
		return certManager, false
	case isKyverno(o):
		return kyverno, role == "" || role == "kyverno" || role == "admission-controller"
	case isGatekeeper(o):
		return gatekeeper, strings.HasSuffix(o.Name, "controller-manager")
	}
	return "", false
}

// isCertManagerHelper tells the webhook and the cainjector of cert-manager from
// others of that name.
func isCertManagerHelper(o *metav1.ObjectMeta) bool {
	switch o.Labels[names.LabelAppName] {
	case "cainjector", "webhook":
		return observed.BelongsTo(certManager, o.Name, o.Labels)
	}
	return false
}

func isGatekeeper(o *metav1.ObjectMeta) bool {
	return o.Labels[labelGatekeeper] != "" || o.Labels[names.LabelAppName] == "gatekeeper" || o.Name == "gatekeeper-controller-manager"
}

// isKyverno recognises its workloads, which have no label for the name since
// Kyverno 1.10. What they are part of starts with the name of the Helm release.
func isKyverno(o *metav1.ObjectMeta) bool {
	if o.Labels[names.LabelAppName] == "kyverno" {
		return true
	}
	switch o.Labels[names.LabelAppComponent] {
	case "admission-controller", "background-controller", "cleanup-controller", "reports-controller":
		whole := o.Labels[names.LabelAppPartOf]
		return whole == "kyverno" || strings.HasSuffix(whole, "-kyverno")
	}
	return false
}

// containers that a component runs as, where its Pods have others besides.
var containers = map[string]string{
	certManager: "cert-manager-controller", csiDriver: "cert-manager-csi-driver", istioCSR: "cert-manager-istio-csr",
	gatekeeper: "manager", kyverno: "kyverno",
}

// versionOf a workload as its label says, else the tag of its image.
func versionOf(component string, o *metav1.ObjectMeta, pod *corev1.PodSpec) string {
	if v := o.Labels[names.LabelAppVersion]; v != "" {
		return v
	}
	if c := container(pod, containers[component]); c != nil {
		return tagOf(c.Image)
	}
	return ""
}

// tagOf an image, empty when it has none: registry:port/path:tag@digest.
func tagOf(image string) string {
	image, _, _ = strings.Cut(image, "@")
	last := image[strings.LastIndexByte(image, '/')+1:]
	_, tag, _ := strings.Cut(last, ":")
	return tag
}
