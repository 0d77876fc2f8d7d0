package node

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func testSite(t *testing.T) site {
	dir := t.TempDir()
	return site{
		pod: testPod(), objects: objects(settings(), credentials()), cluster: map[string]string{"KUBERNETES_SERVICE_HOST": "h"},
		podDir: dir, volumeDir: func(name string) string { return filepath.Join(dir, "volumes", name) },
		writable: map[string]bool{"scratch": true}, free: counter(),
	}
}

func TestPlanRunsAContainerAsItsPodSays(t *testing.T) {
	s := testSite(t)
	container := corev1.Container{
		Name: "main", Command: []string{"/manager", "run"},
		Args: []string{"--ns=$(NS)", "--certs=/tls", "--port=8443", "--elect", "--escaped=$$(NS)"},
		Env: []corev1.EnvVar{
			{Name: "NS", ValueFrom: fromField("metadata.namespace")},
			{Name: "CERTS", Value: "/tls/tls.crt"},
			{Name: "MODE", Value: "mine"},
		},
		VolumeMounts: []corev1.VolumeMount{
			{Name: "tls", MountPath: "/tls/"}, {Name: "account", MountPath: accountPath},
			{Name: "scratch", MountPath: "/tmp", SubPathExpr: "for/$(NS)"},
		},
	}
	image := Image{
		Name: "i", Commands: []string{"/manager"}, Ports: []Port{{Container: 9443, Flag: "--port"}},
		Flags: []string{"--elect=false"}, Env: []string{"MODE=image", "EXTRA=1"},
	}
	got, _, err := s.plan(&container, image)
	if err != nil {
		t.Fatal(err)
	}
	dir := s.podDir
	if diff := cmp.Diff([]string{
		"run", "--ns=team", "--certs=" + dir + "/volumes/tls", "--port=1001", "--elect=false", "--escaped=$(NS)",
	}, got.args); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"CERTS=" + dir + "/volumes/tls/tls.crt", "EXTRA=1", "HOME=" + dir, "HOSTNAME=web-0",
		"KUBECONFIG=" + dir + "/kubeconfig-main", "KUBERNETES_SERVICE_HOST=h", "MODE=mine", "NS=team",
		"PATH=" + searchPath, "TMPDIR=" + dir + "/volumes/scratch/for/team",
	}, got.env); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[int]int{8443: 1001}, got.ports); diff != "" {
		t.Errorf("ports (-want +got):\n%s", diff)
	}
	if info, err := os.Stat(filepath.Join(dir, "volumes", "scratch", "for", "team")); err != nil || !info.IsDir() {
		t.Errorf("the folder of the sub path is not there: %v", err)
	}
}

func TestAPodWithoutATokenGetsNoKubeconfig(t *testing.T) {
	got, _, err := testSite(t).plan(&corev1.Container{Name: "main"}, Image{})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(strings.Join(got.env, "\n"), "KUBECONFIG") {
		t.Errorf("the environment is %q", got.env)
	}
}

func TestPlanRefusesWhatItCanNotGive(t *testing.T) {
	for name, tc := range map[string]struct {
		container corev1.Container
		want      string
	}{
		"another command than the image's": {
			corev1.Container{Command: []string{"/bin/sh", "-c", "x"}}, `command "/bin/sh"`,
		},
		"a mount at the root": {
			corev1.Container{VolumeMounts: []corev1.VolumeMount{{Name: "v", MountPath: "/"}}}, "at the root",
		},
		"a sub path that leaves the volume": {
			corev1.Container{VolumeMounts: []corev1.VolumeMount{{Name: "v", MountPath: "/v", SubPath: "../x"}}}, "leads out",
		},
		"a port that is no number": {
			corev1.Container{Args: []string{"--port=https"}}, `"https" is no port`,
		},
		"a secret that is missing": {
			corev1.Container{Env: []corev1.EnvVar{{Name: "X", ValueFrom: fromSecret("absent", "k", false)}}}, `secret "absent" not found`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := testSite(t).plan(&tc.container, Image{Name: "i", Ports: []Port{{Flag: "--port"}}})
			var wait *waitingError
			if !errors.As(err, &wait) || wait.reason != reasonConfig || !strings.Contains(wait.message, tc.want) {
				t.Errorf("got error %v, want %s with %q", err, reasonConfig, tc.want)
			}
		})
	}
}
