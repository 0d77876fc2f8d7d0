package node

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cert-manager/trust-manager/pkg/fspkg"
)

func TestTheDefaultPackageIsOneThatTrustManagerTakes(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	if err := copyDefaultPackage(t.Context(), BuiltinArgs{Args: []string{"/copyandmaybepause", "/debian-package", dir}, Log: &log}); err != nil {
		t.Fatal(err)
	}
	p, err := fspkg.LoadPackageFromFile(filepath.Join(dir, "cert-manager-package-debian.json"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Version != DefaultPackageTag {
		t.Errorf("version %q, want %q", p.Version, DefaultPackageTag)
	}
	if !strings.Contains(log.String(), dir) {
		t.Errorf("the log says %q", log.String())
	}
	if err := copyDefaultPackage(t.Context(), BuiltinArgs{Args: []string{"/other", dir}, Log: &log}); err == nil {
		t.Error("arguments of another program were taken")
	}
}

func TestAMachineWithoutCAsGetsThoseOfTests(t *testing.T) {
	bundle, from, err := publicCAs([]string{filepath.Join(t.TempDir(), "absent")})
	if err != nil {
		t.Fatal(err)
	}
	if p := (fspkg.Package{Name: "n", Version: "v", Bundle: bundle}); p.Validate() != nil {
		t.Errorf("trust-manager refuses the bundle from %s: %v", from, p.Validate())
	}
	present := filepath.Join(t.TempDir(), "present")
	if err := os.WriteFile(present, []byte("pem"), 0o600); err != nil {
		t.Fatal(err)
	}
	if bundle, from, err := publicCAs([]string{"/absent", present}); err != nil || bundle != "pem" || from != present {
		t.Errorf("got %q from %s (%v)", bundle, from, err)
	}
}

// The tag is a constant because a table of images should need no module cache;
// this is what keeps it true when the module is updated.
func TestTheDefaultPackagesTagIsThatOfTheModule(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/cert-manager/trust-manager").Output()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "make", "00_debian_trixie_version.mk"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "DEBIAN_TRIXIE_BUNDLE_VERSION := " + DefaultPackageTag + "\n"; !strings.Contains(string(content), want) {
		t.Errorf("the module's file lacks the line %q", want)
	}
}

func TestKnownImagesAreSortedNames(t *testing.T) {
	got := KnownImages(append(TrustManagerImages("v2"), CertManagerImages("v1")...))
	if !slices.IsSorted(got) {
		t.Errorf("not sorted: %q", got)
	}
	for _, want := range []string{
		"quay.io/jetstack/cert-manager-cainjector:v1", "quay.io/jetstack/cert-manager-controller:v1",
		"quay.io/jetstack/cert-manager-startupapicheck:v1", "quay.io/jetstack/cert-manager-webhook:v1",
		"quay.io/jetstack/trust-manager:v2", "quay.io/jetstack/trust-pkg-debian-trixie:" + DefaultPackageTag,
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not known", want)
		}
	}
}

func TestAnOperatorsPortsAreMoved(t *testing.T) {
	image := Operator("example.com/operator:v1", "tls-platform")
	args, moved, err := rewritePorts([]string{"hub", "--metrics-bind-address=:8443"}, image.Ports, counter())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"hub", "--metrics-bind-address=127.0.0.1:1001", "--health-probe-bind-address=127.0.0.1:1002"}
	if !slices.Equal(args, want) || moved[8443] != 1001 || moved[8081] != 1002 {
		t.Errorf("got %q and %v", args, moved)
	}
	if !slices.Contains(image.Commands, "/tls-platform") {
		t.Errorf("the commands are %q", image.Commands)
	}
	if got := image.path("/bin/dir", nil); got != "/bin/dir/tls-platform" {
		t.Errorf("the program is %s", got)
	}
	image.Programs = map[string]string{"/other": "/abs/other"}
	if got := image.path("/bin/dir", []string{"/other", "run"}); got != "/abs/other" {
		t.Errorf("the program of another command is %s", got)
	}
}
