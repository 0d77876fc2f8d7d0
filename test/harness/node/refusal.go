package node

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// The reasons of a waiting container are a kubelet's own, since tools and
// people know them.
const (
	reasonCreating   = "ContainerCreating"
	reasonInit       = "PodInitializing"
	reasonConfig     = "CreateContainerConfigError"
	reasonImage      = "ErrImagePull"
	reasonRun        = "RunContainerError"
	reasonBackOff    = "CrashLoopBackOff"
	reasonError      = "Error"
	reasonCompleted  = "Completed"
	reasonNotReady   = "ContainersNotReady"
	reasonIncomplete = "ContainersNotInitialized"
	reasonPodDone    = "PodCompleted"
)

// waitingError says why a container can't start yet. It is no failure: the
// container waits in this state until what it misses appears.
type waitingError struct {
	reason  string
	message string
}

// Error returns the reason and the message.
func (e *waitingError) Error() string { return e.reason + ": " + e.message }

func configError(format string, args ...any) error {
	return &waitingError{reason: reasonConfig, message: fmt.Sprintf(format, args...)}
}

// unsupported returns what the pod asks for that this node can't give, so that
// nothing is left out in silence.
func unsupported(pod *corev1.Pod) []string {
	var found []string
	spec := &pod.Spec
	for what, asked := range map[string]bool{
		"hostNetwork":           spec.HostNetwork,
		"hostPID":               spec.HostPID,
		"hostIPC":               spec.HostIPC,
		"hostAliases":           len(spec.HostAliases) > 0,
		"dnsConfig":             spec.DNSConfig != nil,
		"activeDeadlineSeconds": spec.ActiveDeadlineSeconds != nil,
		"ephemeralContainers":   len(spec.EphemeralContainers) > 0,
	} {
		if asked {
			found = append(found, what)
		}
	}
	for _, v := range spec.Volumes {
		found = append(found, unsupportedVolume(v)...)
	}
	for _, c := range spec.InitContainers {
		found = append(found, unsupportedContainer(c)...)
		if c.RestartPolicy != nil {
			found = append(found, fmt.Sprintf("restartPolicy of init container %q", c.Name))
		}
	}
	for _, c := range spec.Containers {
		found = append(found, unsupportedContainer(c)...)
	}
	slices.Sort(found) // the text goes into the status and has to be stable
	return found
}

func unsupportedContainer(c corev1.Container) []string {
	var found []string
	add := func(what string) { found = append(found, fmt.Sprintf("%s of container %q", what, c.Name)) }
	if c.Lifecycle != nil && (c.Lifecycle.PostStart != nil || c.Lifecycle.PreStop != nil) {
		add("lifecycle hook")
	}
	if len(c.RestartPolicyRules) > 0 {
		add("restartPolicyRules")
	}
	if len(c.VolumeDevices) > 0 {
		add("volumeDevices")
	}
	for name, probe := range map[string]*corev1.Probe{
		"startupProbe": c.StartupProbe, "livenessProbe": c.LivenessProbe, "readinessProbe": c.ReadinessProbe,
	} {
		switch {
		case probe == nil:
		case probe.Exec != nil:
			add("exec in the " + name)
		case probe.GRPC != nil:
			add("grpc in the " + name)
		case probe.HTTPGet != nil && probe.HTTPGet.Host != "":
			add("host in the " + name)
		case probe.TCPSocket != nil && probe.TCPSocket.Host != "":
			add("host in the " + name)
		}
	}
	return found
}

func unsupportedVolume(v corev1.Volume) []string {
	var found []string
	add := func(what string) { found = append(found, fmt.Sprintf("%s of volume %q", what, v.Name)) }
	downward := func(items []corev1.DownwardAPIVolumeFile) {
		for _, item := range items {
			if item.ResourceFieldRef != nil {
				add("resourceFieldRef")
			}
		}
	}
	switch {
	case v.EmptyDir != nil, v.Secret != nil, v.ConfigMap != nil:
	case v.DownwardAPI != nil:
		downward(v.DownwardAPI.Items)
	case v.Projected != nil:
		for _, source := range v.Projected.Sources {
			switch {
			case source.ClusterTrustBundle != nil:
				add("clusterTrustBundle")
			case source.PodCertificate != nil:
				add("podCertificate")
			case source.DownwardAPI != nil:
				downward(source.DownwardAPI.Items)
			}
		}
	default:
		add("the type")
	}
	return found
}
