package agent

import (
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/build"
)

// Ports of the agent's pod.
const (
	metricsPort = 8443
	healthPort  = 8081
	portMetrics = "metrics"
	portHealth  = "health"
)

const (
	memoryLimit = "256Mi"
	// goMemoryLimit has the garbage collector work harder before the kernel ends
	// the process: nine tenths of memoryLimit.
	goMemoryLimit = "230MiB"
	// nobody is the user of the image.
	nobody = 65532
)

// deployment of the agent. An old and a new pod never overlap: both would hold
// the facts of all certificates, and both would write pages.
func deployment(namespace, image string) *unstructured.Unstructured {
	return build.Object(agentDeployment(namespace, image))
}

func agentDeployment(namespace, image string) *appsv1.Deployment {
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metadata(namespace, names.Agent),
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To[int32](1),
			Strategy: appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType},
			Selector: &metav1.LabelSelector{MatchLabels: labels()},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels()},
				Spec: corev1.PodSpec{
					ServiceAccountName: names.ServiceAccountAgent,
					SecurityContext: &corev1.PodSecurityContext{
						RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](nobody), RunAsGroup: ptr.To[int64](nobody),
						SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
					},
					Containers: []corev1.Container{container(image)},
				},
			},
		},
	}
}

func container(image string) corev1.Container {
	return corev1.Container{
		Name: "agent", Image: image, Command: []string{"/tls-platform-agent"},
		Args: []string{
			"agent",
			"--metrics-bind-address=:" + strconv.Itoa(metricsPort),
			"--health-probe-bind-address=:" + strconv.Itoa(healthPort),
		},
		Env: []corev1.EnvVar{
			fromField("POD_NAME", "metadata.name"),
			fromField("POD_NAMESPACE", "metadata.namespace"),
			{Name: "GOMEMLIMIT", Value: goMemoryLimit},
		},
		Ports: []corev1.ContainerPort{
			{Name: portMetrics, ContainerPort: metricsPort, Protocol: corev1.ProtocolTCP},
			{Name: portHealth, ContainerPort: healthPort, Protocol: corev1.ProtocolTCP},
		},
		LivenessProbe:  probe("/healthz", 15, 20),
		ReadinessProbe: probe("/readyz", 1, 5),
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("20m"), corev1.ResourceMemory: resource.MustParse("64Mi"),
			},
			Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(memoryLimit)},
		},
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: ptr.To(false),
			ReadOnlyRootFilesystem:   ptr.To(true),
			Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
	}
}

func fromField(name, path string) corev1.EnvVar {
	// The version is what the API server would fill in.
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{
		FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: path},
	}}
}

func probe(path string, delay, period int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path: path, Port: intstr.FromString(portHealth),
		}},
		InitialDelaySeconds: delay,
		PeriodSeconds:       period,
	}
}
