package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cert-manager/trust-manager/pkg/fspkg"
	"github.com/cert-manager/trust-manager/test/dummy"
)

// DefaultPackageTag is the tag of the default trust package that the released
// chart of trust-manager v0.25.0 names.
const DefaultPackageTag = "20250419.2"

// registry is where the charts of cert-manager and trust-manager take their
// images from by default.
const registry = "quay.io/jetstack/"

// CertManagerImages returns the images of the cert-manager chart with this
// appVersion, for example "v1.21.2".
func CertManagerImages(version string) []Image {
	metrics := Port{Container: 9402, Flag: "--metrics-listen-address", Form: HostPort}
	return []Image{
		{
			Name: registry + "cert-manager-controller:" + version, Binary: "cert-manager-controller",
			Ports: []Port{metrics, {Container: 9403, Flag: "--healthz-listen-address", Form: HostPort}},
		},
		{
			Name: registry + "cert-manager-webhook:" + version, Binary: "cert-manager-webhook",
			Ports: []Port{metrics, {Container: 6443, Flag: "--secure-port"}, {Container: 6080, Flag: "--healthz-port"}},
		},
		{
			Name: registry + "cert-manager-cainjector:" + version, Binary: "cert-manager-cainjector",
			Ports: []Port{metrics},
		},
		{
			Name: registry + "cert-manager-startupapicheck:" + version, Binary: "cert-manager-startupapicheck",
		},
	}
}

// TrustManagerImages returns the images of the trust-manager chart with this
// appVersion, for example "v0.25.0", and the default trust package that its
// init container brings.
func TrustManagerImages(version string) []Image {
	return []Image{
		{
			Name: registry + "trust-manager:" + version, Binary: "trust-manager",
			Ports: []Port{
				{Container: 6443, Flag: "--webhook-port"},
				{Container: 9402, Flag: "--metrics-port"},
				{Container: 6060, Flag: "--readiness-probe-port"},
			},
			// trust-manager looks for the namespace of its lease in a file at a
			// fixed path that exists in containers only, and has no flag for it.
			Flags: []string{"--leader-elect=false"},
		},
		{Name: registry + "trust-pkg-debian-trixie:" + DefaultPackageTag, Builtin: copyDefaultPackage},
		{Name: registry + "trust-pkg-debian-trixie:v0.0.0", Builtin: copyDefaultPackage}, // of the unreleased chart
	}
}

// Operator returns the image of an operator made with controller-runtime, which
// takes its ports by the usual two flags.
func Operator(image, binary string) Image {
	return Image{
		Name: image, Binary: binary, Commands: []string{"/" + filepath.Base(binary), "/manager"},
		Ports: []Port{
			{Container: 8080, Flag: "--metrics-bind-address", Form: HostPort},
			{Container: 8081, Flag: "--health-probe-bind-address", Form: HostPort},
		},
	}
}

// packageFile is the file that trust-manager's chart expects of its init
// container.
const packageFile = "cert-manager-package-debian.json"

// copyDefaultPackage does what the default package's image does: it puts the
// public CAs into the folder that its last argument names. The CAs are those of
// this machine.
func copyDefaultPackage(_ context.Context, args BuiltinArgs) error {
	if len(args.Args) != 3 || args.Args[0] != "/copyandmaybepause" {
		return fmt.Errorf("the arguments are %q; expected /copyandmaybepause, a source and a target", args.Args)
	}
	bundle, from, err := publicCAs(caFiles)
	if err != nil {
		return err
	}
	content, err := json.Marshal(fspkg.Package{Name: "cert-manager-debian", Bundle: bundle, Version: DefaultPackageTag})
	if err != nil {
		return fmt.Errorf("encoding the default trust package: %w", err)
	}
	target := filepath.Join(args.Args[2], packageFile)
	if err := os.WriteFile(target, content, 0o644); err != nil {
		return fmt.Errorf("writing the default trust package: %w", err)
	}
	_, err = fmt.Fprintf(args.Log, "wrote the CAs of %s to %s\n", from, target)
	return err
}

// caFiles are where systems keep the public CAs.
var caFiles = []string{
	"/etc/ssl/certs/ca-certificates.crt", // Debian, Alpine, Arch
	"/etc/pki/tls/certs/ca-bundle.crt",   // Fedora, RHEL
	"/etc/ssl/ca-bundle.pem",             // openSUSE
	"/etc/ssl/cert.pem",                  // macOS, BSD
}

// publicCAs returns the first of the files that is there. A machine that has
// none gets a bundle of certificates made for tests: the package then trusts
// nobody in the world, and everything that carries it still works.
func publicCAs(files []string) (bundle, from string, err error) {
	for _, path := range files {
		content, err := os.ReadFile(path)
		switch {
		case err == nil:
			return string(content), path, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", "", fmt.Errorf("reading this machine's CAs: %w", err)
		}
	}
	return dummy.JoinCerts(dummy.TestCertificate1, dummy.TestCertificate3), "trust-manager's tests", nil
}
