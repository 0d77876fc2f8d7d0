package node

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

// facts are what a pod's status is computed from.
type facts struct {
	pod        *corev1.Pod // as the API server has it
	init       []corev1.ContainerStatus
	containers []corev1.ContainerStatus
	complaints []string // why containers are not ready
	ip, hostIP string
	ending     bool // the pod is being deleted
	now        time.Time
}

// podStatus returns the pod's status. Conditions of others are kept, and a
// transition time changes only with its condition.
func podStatus(f facts) corev1.PodStatus {
	status := *f.pod.Status.DeepCopy()
	status.ObservedGeneration = f.pod.Generation
	status.InitContainerStatuses, status.ContainerStatuses = f.init, f.containers
	status.HostIP, status.HostIPs = f.hostIP, []corev1.HostIP{{IP: f.hostIP}}
	status.PodIP, status.PodIPs = f.ip, []corev1.PodIP{{IP: f.ip}}
	if status.StartTime == nil {
		status.StartTime = &metav1.Time{Time: f.now}
	}
	if !terminal(status.Phase) {
		status.Phase = phase(f)
	}
	for _, c := range conditions(f, status.Phase) {
		c.ObservedGeneration = f.pod.Generation
		status.Conditions = setCondition(status.Conditions, c, f.now)
	}
	return status
}

func terminal(p corev1.PodPhase) bool {
	return p == corev1.PodSucceeded || p == corev1.PodFailed
}

// phase follows a kubelet's rules: a pod is pending until each container has
// run once, and over when none will run again.
func phase(f facts) corev1.PodPhase {
	policy := f.pod.Spec.RestartPolicy
	for _, s := range f.init {
		if end := s.State.Terminated; end != nil && end.ExitCode != 0 && policy == corev1.RestartPolicyNever {
			return corev1.PodFailed
		}
	}
	waiting, running, ended, succeeded := count(f.containers)
	switch {
	case f.ending && running == 0 && ended > 0:
		return outcome(ended == succeeded)
	case !initialized(f.init), waiting > 0:
		return corev1.PodPending
	case running > 0, policy == corev1.RestartPolicyAlways:
		return corev1.PodRunning
	case ended == succeeded:
		return corev1.PodSucceeded
	case policy == corev1.RestartPolicyNever:
		return corev1.PodFailed
	default:
		return corev1.PodRunning // a failed container will be started again
	}
}

func outcome(good bool) corev1.PodPhase {
	if good {
		return corev1.PodSucceeded
	}
	return corev1.PodFailed
}

// count sorts containers by what they do. One that waits to be started again
// counts as ended, and not as succeeded.
func count(statuses []corev1.ContainerStatus) (waiting, running, ended, succeeded int) {
	for _, s := range statuses {
		switch {
		case s.State.Running != nil:
			running++
		case s.State.Terminated != nil:
			ended++
			if s.State.Terminated.ExitCode == 0 {
				succeeded++
			}
		case s.LastTerminationState.Terminated != nil:
			ended++
		default:
			waiting++
		}
	}
	return waiting, running, ended, succeeded
}

func initialized(init []corev1.ContainerStatus) bool {
	return !slices.ContainsFunc(init, func(s corev1.ContainerStatus) bool {
		return s.State.Terminated == nil || s.State.Terminated.ExitCode != 0
	})
}

// conditions returns those that a kubelet writes.
func conditions(f facts, phase corev1.PodPhase) []corev1.PodCondition {
	init := corev1.PodCondition{Type: corev1.PodInitialized, Status: corev1.ConditionTrue}
	if !initialized(f.init) {
		init.Status, init.Reason = corev1.ConditionFalse, reasonIncomplete
		init.Message = fmt.Sprintf("containers with incomplete status: %s", unready(f.init))
	}
	containers := corev1.PodCondition{Type: corev1.ContainersReady, Status: corev1.ConditionTrue}
	switch names := unready(f.containers); {
	case terminal(phase):
		containers.Status, containers.Reason = corev1.ConditionFalse, reasonPodDone
	case len(names) > 0:
		containers.Status, containers.Reason = corev1.ConditionFalse, reasonNotReady
		containers.Message = fmt.Sprintf("containers with unready status: %s", names)
	}
	ready := containers
	ready.Type = corev1.PodReady
	if ready.Status == corev1.ConditionTrue {
		ready = gated(f.pod, ready)
	}
	if containers.Reason == reasonNotReady {
		for _, complaint := range f.complaints {
			containers.Message += "; " + complaint
		}
	}
	scheduled := corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}
	return []corev1.PodCondition{scheduled, init, containers, ready}
}

func unready(statuses []corev1.ContainerStatus) []string {
	var names []string
	for _, s := range statuses {
		if !s.Ready {
			names = append(names, s.Name)
		}
	}
	return names
}

// gated turns readiness off as long as one of the pod's readiness gates is not
// passed.
func gated(pod *corev1.Pod, ready corev1.PodCondition) corev1.PodCondition {
	for _, gate := range pod.Spec.ReadinessGates {
		passed := slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == gate.ConditionType && c.Status == corev1.ConditionTrue
		})
		if !passed {
			ready.Status, ready.Reason = corev1.ConditionFalse, "ReadinessGatesNotReady"
			ready.Message = fmt.Sprintf("the condition of readiness gate %q is not True", gate.ConditionType)
		}
	}
	return ready
}

func setCondition(all []corev1.PodCondition, c corev1.PodCondition, now time.Time) []corev1.PodCondition {
	c.LastTransitionTime = metav1.NewTime(now)
	for i, old := range all {
		if old.Type != c.Type {
			continue
		}
		if old.Status == c.Status {
			c.LastTransitionTime = old.LastTransitionTime
		}
		c.LastProbeTime = old.LastProbeTime
		all[i] = c
		return all
	}
	return append(all, c)
}

// statusPatch returns the patch that brings the pod's status to the wanted one;
// nil when there is nothing to change.
func statusPatch(pod *corev1.Pod, want corev1.PodStatus) ([]byte, error) {
	before, err := json.Marshal(corev1.Pod{Status: pod.Status})
	if err != nil {
		return nil, fmt.Errorf("encoding the status of the pod: %w", err)
	}
	after, err := json.Marshal(corev1.Pod{Status: want})
	if err != nil {
		return nil, fmt.Errorf("encoding the new status of the pod: %w", err)
	}
	patch, err := strategicpatch.CreateTwoWayMergePatch(before, after, corev1.Pod{})
	if err != nil {
		return nil, fmt.Errorf("comparing the status of the pod: %w", err)
	}
	if string(patch) == "{}" {
		return nil, nil
	}
	return withUID(patch, pod.UID)
}

// withUID makes the patch fail for another pod of the same name.
func withUID(patch []byte, uid types.UID) ([]byte, error) {
	content := map[string]json.RawMessage{}
	if err := json.Unmarshal(patch, &content); err != nil {
		return nil, fmt.Errorf("reading the status patch: %w", err)
	}
	metadata, err := json.Marshal(map[string]types.UID{"uid": uid})
	if err != nil {
		return nil, fmt.Errorf("encoding the pod's UID: %w", err)
	}
	content["metadata"] = metadata
	return json.Marshal(content)
}
