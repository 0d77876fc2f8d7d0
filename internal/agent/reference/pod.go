package reference

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// apiServerCA is mounted into every Pod. Nobody needs to be told.
const apiServerCA = "kube-root-ca.crt"

// ReducePod keeps what a Pod mounts and reads, and its labels, since a gateway
// of Istio finds its Secrets in the namespaces of the Pods that it selects.
func ReducePod(pod *corev1.Pod) Reduced {
	return Reduced{
		Source:     Source{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name},
		References: podReferences(pod.Namespace, &pod.Spec),
		Labels:     servingLabels(pod),
	}
}

// ReducePodTemplate keeps what the Pods of a workload mount and read. Kind is
// the workload's, such as Deployment.
func ReducePodTemplate(kind, namespace, name string, t *corev1.PodTemplateSpec) Reduced {
	return Reduced{
		Source:     Source{Kind: kind, Namespace: namespace, Name: name},
		References: podReferences(namespace, &t.Spec),
	}
}

// podReferences are relative to the spec of the Pod, so that they read the same
// for a Pod and for its template. Projected certificates (podCertificate) and
// volumes of certificate drivers (csi.cert-manager.io, csi.spiffe.io) use no
// Secret.
func podReferences(namespace string, spec *corev1.PodSpec) []Reference {
	c := collector{namespace: namespace}
	for i := range spec.Volumes {
		c.volume(&spec.Volumes[i])
	}
	for i := range spec.InitContainers {
		c.container(&spec.InitContainers[i])
	}
	for i := range spec.Containers {
		c.container(&spec.Containers[i])
	}
	for i := range spec.EphemeralContainers {
		container := corev1.Container(spec.EphemeralContainers[i].EphemeralContainerCommon)
		c.container(&container)
	}
	return c.references
}

func (c *collector) volume(v *corev1.Volume) {
	if v.Secret != nil {
		c.own(Secret, v.Secret.SecretName, "volumes[*].secret.secretName", "")
	}
	if v.ConfigMap != nil {
		c.configMap(v.ConfigMap.Name, "volumes[*].configMap.name")
	}
	if v.CSI != nil && v.CSI.NodePublishSecretRef != nil {
		c.own(Secret, v.CSI.NodePublishSecretRef.Name, "volumes[*].csi.nodePublishSecretRef.name", "")
	}
	if v.Projected == nil {
		return
	}
	for i := range v.Projected.Sources {
		source := &v.Projected.Sources[i]
		if source.Secret != nil {
			c.own(Secret, source.Secret.Name, "volumes[*].projected.sources[*].secret.name", "")
		}
		if source.ConfigMap != nil {
			c.configMap(source.ConfigMap.Name, "volumes[*].projected.sources[*].configMap.name")
		}
	}
}

func (c *collector) configMap(name, field string) {
	if name != apiServerCA {
		c.own(ConfigMap, name, field, "")
	}
}

func (c *collector) container(container *corev1.Container) {
	for i := range container.EnvFrom {
		from := &container.EnvFrom[i]
		if from.SecretRef != nil {
			c.own(Secret, from.SecretRef.Name, "containers[*].envFrom[*].secretRef.name", "")
		}
		if from.ConfigMapRef != nil {
			c.configMap(from.ConfigMapRef.Name, "containers[*].envFrom[*].configMapRef.name")
		}
	}
	for i := range container.Env {
		from := container.Env[i].ValueFrom
		switch {
		case from == nil:
			c.variable(&container.Env[i])
		case from.SecretKeyRef != nil:
			c.own(Secret, from.SecretKeyRef.Name, "containers[*].env[*].valueFrom.secretKeyRef.name", "")
		case from.ConfigMapKeyRef != nil:
			c.configMap(from.ConfigMapKeyRef.Name, "containers[*].env[*].valueFrom.configMapKeyRef.name")
		}
	}
	c.arguments(container)
}

// generatedLabels differ from Pod to Pod or from revision to revision. No
// gateway selects by them, and without them Pods of a workload are alike.
var generatedLabels = []string{
	"apps.kubernetes.io/pod-index",
	"batch.kubernetes.io/controller-uid",
	"batch.kubernetes.io/job-completion-index",
	"batch.kubernetes.io/job-name",
	"controller-revision-hash",
	"controller-uid",
	"helm.sh/chart",
	"job-name",
	"pod-template-generation",
	"pod-template-hash",
	"statefulset.kubernetes.io/pod-name",
}

// servingLabels are the labels of a Pod that runs or will run, as key=value,
// sorted.
func servingLabels(pod *corev1.Pod) []string {
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return nil
	}
	var labels []string
	for key, value := range pod.Labels {
		if !slices.Contains(generatedLabels, key) {
			labels = append(labels, key+"="+value)
		}
	}
	slices.Sort(labels)
	return labels
}

// secretVariable says whether a variable's name says that its value is the name
// of a Secret. It is strict: other values may be secrets themselves, and are not
// to be kept.
func secretVariable(name string) bool {
	return strings.HasSuffix(letters(name), "secretname")
}
