package node

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func TestExpand(t *testing.T) {
	vars := map[string]string{"A": "one", "B": "two", "EMPTY": "", "NEST": "$(A)"}
	for name, tc := range map[string]struct{ text, want string }{
		"a text without references":            {"plain", "plain"},
		"a reference":                          {"--ns=$(A)", "--ns=one"},
		"several references":                   {"$(A)-$(B)$(A)", "one-twoone"},
		"an empty value":                       {"[$(EMPTY)]", "[]"},
		"an unknown name stays":                {"$(C)", "$(C)"},
		"an escaped reference":                 {"$$(A)", "$(A)"},
		"an escaped dollar before a reference": {"$$$(A)", "$one"},
		"a dollar at the end":                  {"cost$", "cost$"},
		"a dollar before another character":    {"$A ${A}", "$A ${A}"},
		"a reference without an end":           {"$(A", "$(A"},
		"a value is not expanded again":        {"$(NEST)", "$(A)"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := expand(tc.text, vars); got != tc.want {
				t.Errorf("expand(%q) = %q, want %q", tc.text, got, tc.want)
			}
		})
	}
}

func TestRewritePorts(t *testing.T) {
	webhook := []Port{
		{Container: 9402, Flag: "--metrics-listen-address", Form: HostPort},
		{Container: 6443, Flag: "--secure-port"},
		{Container: 6080, Flag: "--healthz-port"},
	}
	for name, tc := range map[string]struct {
		args  []string
		ports []Port
		want  []string
		moved map[int]int
	}{
		"flags that are not given are appended with their defaults": {
			args: []string{"--v=2"}, ports: webhook,
			want:  []string{"--v=2", "--metrics-listen-address=127.0.0.1:1001", "--secure-port=1002", "--healthz-port=1003"},
			moved: map[int]int{9402: 1001, 6443: 1002, 6080: 1003},
		},
		"a given flag is replaced where it stands and names the container port": {
			args: []string{"--secure-port=10250", "--v=2"}, ports: webhook[1:2],
			want: []string{"--secure-port=1001", "--v=2"}, moved: map[int]int{10250: 1001},
		},
		"a value in an argument of its own": {
			args: []string{"--secure-port", "10250", "run"}, ports: webhook[1:2],
			want: []string{"--secure-port=1001", "run"}, moved: map[int]int{10250: 1001},
		},
		"the last of several counts": {
			args: []string{"--secure-port=1", "x", "--secure-port", "2"}, ports: webhook[1:2],
			want: []string{"--secure-port=1001", "x"}, moved: map[int]int{2: 1001},
		},
		"an address without a host": {
			args: []string{"--metrics-listen-address=:8080"}, ports: webhook[:1],
			want: []string{"--metrics-listen-address=127.0.0.1:1001"}, moved: map[int]int{8080: 1001},
		},
		"an IPv6 address": {
			args: []string{"--metrics-listen-address=[::]:8080"}, ports: webhook[:1],
			want: []string{"--metrics-listen-address=127.0.0.1:1001"}, moved: map[int]int{8080: 1001},
		},
		"an address that switches listening off stays": {
			args: []string{"--metrics-listen-address=0"}, ports: webhook[:1],
			want: []string{"--metrics-listen-address=0"}, moved: map[int]int{},
		},
		"a number that switches listening off stays": {
			args: []string{"--healthz-port=0"}, ports: webhook[2:],
			want: []string{"--healthz-port=0"}, moved: map[int]int{},
		},
		"a flag that is off by default is not appended": {
			args: []string{"a"}, ports: []Port{{Flag: "--port"}}, want: []string{"a"}, moved: map[int]int{},
		},
		"a flag whose name only begins alike is another": {
			args: []string{"--secure-port-name=x"}, ports: webhook[1:2],
			want: []string{"--secure-port-name=x", "--secure-port=1001"}, moved: map[int]int{6443: 1001},
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := append([]string(nil), tc.args...)
			got, moved, err := rewritePorts(tc.args, tc.ports, counter())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.moved, moved); diff != "" {
				t.Errorf("ports (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, tc.args); diff != "" {
				t.Errorf("the given arguments were changed:\n%s", diff)
			}
		})
	}
}

func TestRewritePortsRefuses(t *testing.T) {
	number, address := Port{Container: 1, Flag: "--p"}, Port{Container: 1, Flag: "--a", Form: HostPort}
	for name, tc := range map[string]struct {
		args  []string
		ports []Port
		want  string
	}{
		"a flag without a value":    {[]string{"--p"}, []Port{number}, `"true" is no port`},
		"a word for a number":       {[]string{"--p=many"}, []Port{number}, `"many" is no port`},
		"a number out of range":     {[]string{"--p=70000"}, []Port{number}, `"70000" is no port`},
		"a number for an address":   {[]string{"--a=8080"}, []Port{address}, `"8080" is no address`},
		"one port for two purposes": {nil, []Port{number, address}, "carried by another flag too"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := rewritePorts(tc.args, tc.ports, counter())
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestReplacePaths(t *testing.T) {
	where := []mount{{"/tls", "/host/tls"}, {"/tls/deep", "/host/deep"}, {"/tmp", "/tmp/host/tmp"}}
	sortMounts(where)
	for name, tc := range map[string]struct{ text, want string }{
		"the path alone":               {"/tls", "/host/tls"},
		"the value of a flag":          {"--cert-dir=/tls", "--cert-dir=/host/tls"},
		"a file below the path":        {"--cert=/tls/tls.crt", "--cert=/host/tls/tls.crt"},
		"the deepest mount wins":       {"/tls/deep/x", "/host/deep/x"},
		"a list":                       {"/tls/a,/tls/b:/tmp", "/host/tls/a,/host/tls/b:/tmp/host/tmp"},
		"a name that only begins so":   {"/tlsx", "/tlsx"},
		"the middle of another path":   {"/etc/tls", "/etc/tls"},
		"the path of a URL":            {"https://host/tls", "https://host/tls"},
		"what was put in is left":      {"/tmp", "/tmp/host/tmp"},
		"a text that names no path":    {"--v=2", "--v=2"},
		"a quoted path in a JSON text": {`{"dir":"/tls"}`, `{"dir":"/host/tls"}`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := replacePaths(tc.text, where); got != tc.want {
				t.Errorf("replacePaths(%q) = %q, want %q", tc.text, got, tc.want)
			}
		})
	}
}

func TestBackOffDoublesUpToItsCap(t *testing.T) {
	for failures, want := range map[int]time.Duration{
		1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 5: 16 * time.Second, 6: 30 * time.Second, 1000: 30 * time.Second,
	} {
		if got := backOff(failures); got != want {
			t.Errorf("backOff(%d) = %s, want %s", failures, got, want)
		}
	}
}

func TestGraceIsCapped(t *testing.T) {
	for name, tc := range map[string]struct {
		seconds *int64
		want    time.Duration
	}{
		"nothing is said":      {nil, 5 * time.Second},
		"less than the cap":    {ptr.To[int64](2), 2 * time.Second},
		"no time at all":       {ptr.To[int64](0), 0},
		"the usual 30 seconds": {ptr.To[int64](30), 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			if got := grace(tc.seconds); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestATokenIsRenewedAfterFourFifthsOfItsLife(t *testing.T) {
	issued := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if got, want := renewAt(issued, issued.Add(time.Hour)), issued.Add(48*time.Minute); !got.Equal(want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRestarts(t *testing.T) {
	for name, tc := range map[string]struct {
		policy corev1.RestartPolicy
		init   bool
		code   int
		want   bool
	}{
		"a server that ended well":                   {corev1.RestartPolicyAlways, false, 0, true},
		"a server that failed":                       {corev1.RestartPolicyAlways, false, 1, true},
		"an init container of a server that is done": {corev1.RestartPolicyAlways, true, 0, false},
		"an init container of a server that failed":  {corev1.RestartPolicyAlways, true, 1, true},
		"a job that is done":                         {corev1.RestartPolicyOnFailure, false, 0, false},
		"a job that failed":                          {corev1.RestartPolicyOnFailure, false, 1, true},
		"a job that may not be repeated":             {corev1.RestartPolicyNever, false, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := restarts(tc.policy, tc.init, tc.code); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestAddressesAreUniqueAndUsedAgainLate(t *testing.T) {
	a, err := newAddresses("10.244.3.77/29")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 6 {
		got = append(got, mustTake(t, a))
	}
	if diff := cmp.Diff([]string{"10.244.3.74", "10.244.3.75", "10.244.3.76", "10.244.3.77", "10.244.3.78", "10.244.3.79"}, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if _, err := a.take(); err == nil || !strings.Contains(err.Error(), "10.244.3.72/29") {
		t.Errorf("a full range gave the error %v, want one that names it", err)
	}
	a.release("10.244.3.75")
	a.release("10.244.3.74")
	if first, second := mustTake(t, a), mustTake(t, a); first != "10.244.3.74" || second != "10.244.3.75" {
		t.Errorf("took %s and %s again, want the two that were released", first, second)
	}
	if _, err := newAddresses("10.244.0.0"); err == nil {
		t.Error("an address was taken for a range")
	}
}

func TestAPortIsGivenOnceUntilItIsReleased(t *testing.T) {
	seen := map[int]int{}
	for i := range 50 {
		port, err := ports.take()
		if err != nil {
			t.Fatal(err)
		}
		if port < firstPort || port > lastPort {
			t.Errorf("port %d is out of the range", port)
		}
		seen[port] = i
	}
	if len(seen) != 50 {
		t.Errorf("50 calls gave %d ports", len(seen))
	}
	giveBack(seenPorts(seen))
	if len(ports.taken) != 0 {
		t.Errorf("%d ports were not given back", len(ports.taken))
	}
}

func TestOnlyPodsWhoseFirstContainerIsKnownAreOurs(t *testing.T) {
	known := map[string]Image{"known:v1": {}}
	for name, tc := range map[string]struct {
		images []string
		want   bool
	}{
		"a known image":                 {[]string{"known:v1"}, true},
		"another tag":                   {[]string{"known:v2"}, false},
		"a sidecar that is not known":   {[]string{"known:v1", "other"}, true},
		"a sidecar of an unknown image": {[]string{"other", "known:v1"}, false},
		"a pod without containers":      {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{}
			for _, image := range tc.images {
				pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Image: image})
			}
			if got := ours(pod, known); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestUnsupportedNamesAllAndIsStable(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		HostNetwork: true, ActiveDeadlineSeconds: ptr.To[int64](1),
		InitContainers: []corev1.Container{{Name: "sidecar", RestartPolicy: &always}},
		Containers: []corev1.Container{{
			Name:           "main",
			ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{}}},
			LivenessProbe:  &corev1.Probe{ProbeHandler: corev1.ProbeHandler{GRPC: &corev1.GRPCAction{}}},
			Lifecycle:      &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{}},
		}},
		Volumes: []corev1.Volume{
			{Name: "host", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{}}},
			{Name: "fine", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			{Name: "bundle", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
				Sources: []corev1.VolumeProjection{{ClusterTrustBundle: &corev1.ClusterTrustBundleProjection{}}},
			}}},
		},
	}}
	want := []string{
		"activeDeadlineSeconds",
		`clusterTrustBundle of volume "bundle"`,
		`exec in the readinessProbe of container "main"`,
		`grpc in the livenessProbe of container "main"`,
		"hostNetwork",
		`lifecycle hook of container "main"`,
		`restartPolicy of init container "sidecar"`,
		`the type of volume "host"`,
	}
	for range 10 {
		if diff := cmp.Diff(want, unsupported(pod)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
	if got := unsupported(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "plain"}}); len(got) > 0 {
		t.Errorf("a plain pod is refused for %q", got)
	}
}

func TestBoundKeepsAMessageShortAndValid(t *testing.T) {
	long := bound(strings.Repeat("é", maxMessage))
	if len(long) > maxMessage+len("...") || !strings.HasSuffix(long, "é...") {
		t.Errorf("the message has %d bytes and ends with %q", len(long), long[len(long)-8:])
	}
	if got := bound(" a\xffb\n"); got != "a?b" {
		t.Errorf("got %q", got)
	}
}

func counter() func() (int, error) {
	next := 1000
	return func() (int, error) {
		if next++; next > 2000 {
			return 0, errors.New("no more")
		}
		return next, nil
	}
}

func mustTake(t *testing.T, a *addresses) string {
	t.Helper()
	address, err := a.take()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// seenPorts turns a map from port to index round.
func seenPorts(seen map[int]int) map[int]int {
	out := map[int]int{}
	for port, i := range seen {
		out[i] = port
	}
	return out
}
