package node

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/ptr"
)

func TestPayload(t *testing.T) {
	settingsRef, credentialsRef := corev1.LocalObjectReference{Name: "settings"}, corev1.LocalObjectReference{Name: "credentials"}
	for name, tc := range map[string]struct {
		volume corev1.VolumeSource
		want   map[string]string // nil: an empty folder
	}{
		"an empty folder": {corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}, nil},
		"a secret": {
			corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "credentials"}},
			map[string]string{"password": "-rw-r--r-- s3cret"},
		},
		"a secret with a mode and paths": {
			corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
				SecretName: "credentials", DefaultMode: ptr.To[int32](0o600), Items: []corev1.KeyToPath{{Key: "password", Path: "deep/pw"}},
			}},
			map[string]string{"deep/pw": "-rw------- s3cret"},
		},
		"a config map with binary data": {
			corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: settingsRef}},
			map[string]string{"level": "-rw-r--r-- 5", "mode": "-rw-r--r-- fast", "raw": "-rw-r--r-- \x01"},
		},
		"an optional secret that is absent": {
			corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "absent", Optional: ptr.To(true)}}, map[string]string{},
		},
		"an optional key that is absent": {
			corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
				SecretName: "credentials", Optional: ptr.To(true), Items: []corev1.KeyToPath{{Key: "absent", Path: "p"}},
			}}, map[string]string{},
		},
		"fields of the pod": {
			corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: []corev1.DownwardAPIVolumeFile{
				{Path: "labels", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels"}},
				{Path: "ns", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}, Mode: ptr.To[int32](0o444)},
			}}},
			map[string]string{"labels": "-rw-r--r-- a=\"b\"\napp=\"web\"", "ns": "-r--r--r-- team"},
		},
		"all kinds projected into one": {
			corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
				{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}},
				{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: settingsRef, Items: []corev1.KeyToPath{{Key: "level", Path: "l"}}}},
				{Secret: &corev1.SecretProjection{LocalObjectReference: credentialsRef}},
				{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{
					{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}},
				}}},
			}}},
			map[string]string{"token": "-rw-r--r-- the token", "l": "-rw-r--r-- 5", "password": "-rw-r--r-- s3cret", "namespace": "-rw-r--r-- team"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := testSource().payload(corev1.Volume{Name: "v", VolumeSource: tc.volume})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, describe(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPodWaitsForWhatItsVolumesMiss(t *testing.T) {
	for name, tc := range map[string]struct {
		volume corev1.VolumeSource
		want   string
	}{
		"a secret": {
			corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "absent"}}, `secret "absent" not found`,
		},
		"a key": {
			corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
				SecretName: "credentials", Items: []corev1.KeyToPath{{Key: "absent", Path: "p"}},
			}}, `non-existent key "absent" of secret "credentials"`,
		},
		"a path that leaves the volume": {
			corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
				SecretName: "credentials", Items: []corev1.KeyToPath{{Key: "password", Path: "../p"}},
			}}, `"../p" leads out of its volume`,
		},
		"a path of the volume's own names": {
			corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
				SecretName: "credentials", Items: []corev1.KeyToPath{{Key: "password", Path: "..data"}},
			}}, `"..data" leads out of its volume`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := testSource().payload(corev1.Volume{VolumeSource: tc.volume})
			var wait *waitingError
			if !errors.As(err, &wait) || wait.reason != reasonConfig || !strings.Contains(wait.message, tc.want) {
				t.Errorf("got error %v, want %s with %q", err, reasonConfig, tc.want)
			}
		})
	}
}

func TestPublishSwitchesOverAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "volume")
	first := payload{"tls.crt": {[]byte("one"), 0o644}, "deep/er": {[]byte("x"), 0o600}}
	mustPublish(t, dir, first)
	if diff := cmp.Diff(map[string]string{"tls.crt": "one", "deep/er": "x"}, visible(t, dir)); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	version := link(t, dir)

	mustPublish(t, dir, first)
	if link(t, dir) != version {
		t.Error("an unchanged payload made a new version")
	}

	open, err := os.Open(filepath.Join(dir, "tls.crt"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = open.Close() }()
	mustPublish(t, dir, payload{"tls.crt": {[]byte("two"), 0o644}, "new": {[]byte("n"), 0o644}})
	if diff := cmp.Diff(map[string]string{"tls.crt": "two", "new": "n"}, visible(t, dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if link(t, dir) == version {
		t.Error("the changed payload was written into the old version")
	}
	old := make([]byte, 3)
	if _, err := open.Read(old); err != nil || string(old) != "one" {
		t.Errorf("a reader of the old file got %q and the error %v", old, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 4 { // ..data, its version, and two links
		t.Errorf("the folder holds %v", entries)
	}

	mustPublish(t, dir, payload{})
	if got := visible(t, dir); len(got) > 0 {
		t.Errorf("an empty payload left %v", got)
	}
}

func TestPublishRepairsAMissingLink(t *testing.T) {
	dir := t.TempDir()
	p := payload{"a": {[]byte("1"), 0o644}}
	mustPublish(t, dir, p)
	if err := os.Remove(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	mustPublish(t, dir, p)
	if diff := cmp.Diff(map[string]string{"a": "1"}, visible(t, dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKubeconfigRefersToTheTokensFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "kubeconfig")
	if err := writeKubeconfig(path, "https://127.0.0.1:6443", []byte("ca"), filepath.Join(dir, "account"), "team"); err != nil {
		t.Fatal(err)
	}
	loaded := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(&clientcmd.ClientConfigLoadingRules{ExplicitPath: path}, nil)
	raw, err := loaded.RawConfig()
	if err != nil {
		t.Fatal(err)
	}
	if got := raw.AuthInfos["pod"]; got.TokenFile != filepath.Join(dir, "account", "token") || got.Token != "" {
		t.Errorf("the user has the token file %q and the token %q", got.TokenFile, got.Token)
	}
	if got := raw.Clusters["cluster"]; got.Server != "https://127.0.0.1:6443" || string(got.CertificateAuthorityData) != "ca" {
		t.Errorf("the cluster is %+v", got)
	}
	if namespace, _, err := loaded.Namespace(); err != nil || namespace != "team" {
		t.Errorf("the namespace is %q (%v)", namespace, err)
	}
}

func testSource() volumeSource {
	return volumeSource{
		pod: testPod(), objects: objects(settings(), credentials()),
		token: func(*corev1.ServiceAccountTokenProjection) (string, error) { return "the token", nil },
	}
}

func describe(p payload) map[string]string {
	if p == nil {
		return nil
	}
	out := map[string]string{}
	for path, f := range p {
		out[path] = f.mode.String() + " " + string(f.data)
	}
	return out
}

func mustPublish(t *testing.T, dir string, p payload) {
	t.Helper()
	if err := publish(dir, p); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, dir string) string {
	t.Helper()
	target, err := os.Readlink(filepath.Join(dir, currentLink))
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// visible returns the files as a program sees them that follows links and
// ignores the volume's own names.
func visible(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	tops, err := filepath.Glob(filepath.Join(dir, "[^.]*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, top := range tops {
		target, err := filepath.EvalSymlinks(top)
		if err != nil {
			t.Fatal(err)
		}
		err = filepath.WalkDir(target, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			name, _ := filepath.Rel(target, path)
			out[filepath.Join(filepath.Base(top), name)] = string(content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}
