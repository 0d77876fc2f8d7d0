package node

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var (
	noon  = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	later = noon.Add(time.Minute)
)

func runningStatus(name string, ready bool) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: name, Ready: ready, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
}

func endedStatus(name string, code int32) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: name, Ready: code == 0, State: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{ExitCode: code},
	}}
}

func waitingStatus(name string) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: name, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{}}}
}

func backOffStatus(name string, code int32) corev1.ContainerStatus {
	s := waitingStatus(name)
	s.LastTerminationState = endedStatus(name, code).State
	return s
}

func TestPhaseAndReadiness(t *testing.T) {
	type list = []corev1.ContainerStatus
	for name, tc := range map[string]struct {
		policy     corev1.RestartPolicy
		ending     bool
		init, main list
		phase      corev1.PodPhase
		initial    corev1.ConditionStatus
		ready      corev1.ConditionStatus
		message    string
	}{
		"nothing has started": {
			main: list{waitingStatus("a")}, phase: corev1.PodPending, initial: "True", ready: "False",
			message: "containers with unready status: [a]",
		},
		"an init container runs": {
			init: list{runningStatus("i", false)}, main: list{waitingStatus("a")},
			phase: corev1.PodPending, initial: "False", ready: "False", message: "containers with unready status: [a]",
		},
		"an init container failed and is tried again": {
			init: list{backOffStatus("i", 1)}, main: list{waitingStatus("a")},
			phase: corev1.PodPending, initial: "False", ready: "False", message: "containers with unready status: [a]",
		},
		"an init container failed for good": {
			policy: corev1.RestartPolicyNever, init: list{endedStatus("i", 1)}, main: list{waitingStatus("a")},
			phase: corev1.PodFailed, initial: "False", ready: "False",
		},
		"all run and are ready": {
			init: list{endedStatus("i", 0)}, main: list{runningStatus("a", true), runningStatus("b", true)},
			phase: corev1.PodRunning, initial: "True", ready: "True",
		},
		"one of two is not ready": {
			main: list{runningStatus("a", true), runningStatus("b", false)}, phase: corev1.PodRunning, initial: "True", ready: "False",
			message: "containers with unready status: [b]",
		},
		"one of two has never started": {
			main: list{runningStatus("a", true), waitingStatus("b")}, phase: corev1.PodPending, initial: "True", ready: "False",
			message: "containers with unready status: [b]",
		},
		"a server crashed and waits": {
			main: list{backOffStatus("a", 1)}, phase: corev1.PodRunning, initial: "True", ready: "False",
			message: "containers with unready status: [a]",
		},
		"a job is done": {
			policy: corev1.RestartPolicyOnFailure, main: list{endedStatus("a", 0)}, phase: corev1.PodSucceeded, initial: "True", ready: "False",
		},
		"a job failed and is tried again": {
			policy: corev1.RestartPolicyOnFailure, main: list{backOffStatus("a", 1)}, phase: corev1.PodRunning, initial: "True", ready: "False",
			message: "containers with unready status: [a]",
		},
		"a job failed for good": {
			policy: corev1.RestartPolicyNever, main: list{endedStatus("a", 1)}, phase: corev1.PodFailed, initial: "True", ready: "False",
		},
		"a deleted server still runs": {
			ending: true, main: list{runningStatus("a", false)}, phase: corev1.PodRunning, initial: "True", ready: "False",
			message: "containers with unready status: [a]",
		},
		"a deleted server ended well": {
			ending: true, main: list{endedStatus("a", 0)}, phase: corev1.PodSucceeded, initial: "True", ready: "False",
		},
		"a deleted server was killed": {
			ending: true, main: list{endedStatus("a", 137)}, phase: corev1.PodFailed, initial: "True", ready: "False",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.policy == "" {
				tc.policy = corev1.RestartPolicyAlways
			}
			pod := &corev1.Pod{Spec: corev1.PodSpec{RestartPolicy: tc.policy}}
			got := podStatus(facts{pod: pod, init: tc.init, containers: tc.main, ip: "10.0.0.2", hostIP: "127.0.0.1", ending: tc.ending, now: noon})
			if got.Phase != tc.phase {
				t.Errorf("phase %s, want %s", got.Phase, tc.phase)
			}
			for kind, want := range map[corev1.PodConditionType]corev1.ConditionStatus{
				corev1.PodScheduled: "True", corev1.PodInitialized: tc.initial, corev1.ContainersReady: tc.ready, corev1.PodReady: tc.ready,
			} {
				if c := condition(got, kind); c.Status != want {
					t.Errorf("%s is %q, want %q", kind, c.Status, want)
				}
			}
			if c := condition(got, corev1.PodReady); c.Message != tc.message {
				t.Errorf("Ready says %q, want %q", c.Message, tc.message)
			}
			if got.PodIP != "10.0.0.2" || got.HostIP != "127.0.0.1" || len(got.PodIPs) != 1 {
				t.Errorf("addresses are %s %s %v", got.PodIP, got.HostIP, got.PodIPs)
			}
		})
	}
}

func TestATransitionTimeChangesOnlyWithItsCondition(t *testing.T) {
	pod := &corev1.Pod{Spec: corev1.PodSpec{RestartPolicy: corev1.RestartPolicyAlways}}
	f := facts{pod: pod, containers: []corev1.ContainerStatus{runningStatus("a", false)}, now: noon}
	pod.Status = podStatus(f)
	f.containers, f.now = []corev1.ContainerStatus{runningStatus("a", true)}, later
	got := podStatus(f)
	for kind, want := range map[corev1.PodConditionType]time.Time{
		corev1.PodInitialized: noon, corev1.PodScheduled: noon, corev1.ContainersReady: later, corev1.PodReady: later,
	} {
		if c := condition(got, kind); !c.LastTransitionTime.Time.Equal(want) {
			t.Errorf("%s changed at %s, want %s", kind, c.LastTransitionTime, want)
		}
	}
	if !got.StartTime.Time.Equal(noon) {
		t.Errorf("the start time moved to %s", got.StartTime)
	}
}

func TestAReadinessGateHoldsReadyBackAlone(t *testing.T) {
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		RestartPolicy:  corev1.RestartPolicyAlways,
		ReadinessGates: []corev1.PodReadinessGate{{ConditionType: "example.com/gate"}},
	}}
	f := facts{pod: pod, containers: []corev1.ContainerStatus{runningStatus("a", true)}, now: noon}
	got := podStatus(f)
	if condition(got, corev1.PodReady).Status != "False" || condition(got, corev1.ContainersReady).Status != "True" {
		t.Errorf("Ready %s, ContainersReady %s", condition(got, corev1.PodReady).Status, condition(got, corev1.ContainersReady).Status)
	}
	pod.Status.Conditions = []corev1.PodCondition{{Type: "example.com/gate", Status: "True"}}
	got = podStatus(f)
	if condition(got, corev1.PodReady).Status != "True" || condition(got, "example.com/gate").Status != "True" {
		t.Errorf("the gate passed, and the conditions are %v", got.Conditions)
	}
}

func TestWhyAContainerIsNotReadyIsTold(t *testing.T) {
	pod := &corev1.Pod{Spec: corev1.PodSpec{RestartPolicy: corev1.RestartPolicyAlways}}
	got := podStatus(facts{
		pod: pod, containers: []corev1.ContainerStatus{runningStatus("a", false)}, now: noon,
		complaints: []string{"a: Readiness probe failed: 503"},
	})
	if c := condition(got, corev1.ContainersReady); !strings.HasSuffix(c.Message, "[a]; a: Readiness probe failed: 503") {
		t.Errorf("ContainersReady says %q", c.Message)
	}
}

func TestAPatchIsMadeOnlyForAChange(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "u"}, Spec: corev1.PodSpec{RestartPolicy: corev1.RestartPolicyAlways}}
	f := facts{pod: pod, containers: []corev1.ContainerStatus{runningStatus("a", true)}, now: noon.Add(123 * time.Millisecond)}
	first, err := statusPatch(pod, podStatus(f))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(first), `"metadata":{"uid":"u"}`) || !strings.Contains(string(first), `"phase":"Running"`) {
		t.Errorf("the first patch is %s", first)
	}
	pod.Status = podStatus(f)
	f.now = later
	if again, err := statusPatch(pod, podStatus(f)); err != nil || again != nil {
		t.Errorf("an unchanged status gave the patch %s and the error %v", again, err)
	}
	f.containers = []corev1.ContainerStatus{runningStatus("a", false)}
	if changed, err := statusPatch(pod, podStatus(f)); err != nil || changed == nil {
		t.Errorf("a changed status gave the patch %s and the error %v", changed, err)
	}
}

func TestATerminalPhaseIsKept(t *testing.T) {
	pod := &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodSucceeded}}
	if got := podStatus(facts{pod: pod, containers: []corev1.ContainerStatus{waitingStatus("a")}, now: noon}); got.Phase != corev1.PodSucceeded {
		t.Errorf("phase %s", got.Phase)
	}
}

func condition(s corev1.PodStatus, kind corev1.PodConditionType) corev1.PodCondition {
	for _, c := range s.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return corev1.PodCondition{}
}

func TestPodStatusDoesNotChangeItsInput(t *testing.T) {
	pod := &corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: "True"}}}}
	before := pod.DeepCopy()
	podStatus(facts{pod: pod, containers: []corev1.ContainerStatus{waitingStatus("a")}, now: noon})
	if diff := cmp.Diff(before, pod); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}
