package charts

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

const (
	// CertManager is the name of cert-manager's chart.
	CertManager = "cert-manager"
	// CertManagerVersion is the version under which PushStandard releases it.
	CertManagerVersion = "v1.21.2"
	// TrustManager is the name of trust-manager's chart.
	TrustManager = "trust-manager"
	// TrustManagerVersion is the version under which PushStandard releases it.
	TrustManagerVersion = "v0.25.0"
)

const (
	certManagerModule  = "github.com/cert-manager/cert-manager"
	trustManagerModule = "github.com/cert-manager/trust-manager"
)

// CertManagerDir returns the folder of cert-manager's unreleased chart.
func CertManagerDir(ctx context.Context) (string, error) {
	dir, err := ModuleDir(ctx, certManagerModule)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "deploy", "charts", CertManager), nil
}

// TrustManagerDir returns the folder of trust-manager's unreleased chart.
func TrustManagerDir(ctx context.Context) (string, error) {
	dir, err := ModuleDir(ctx, trustManagerModule)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "deploy", "charts", TrustManager), nil
}

// PushStandard pushes cert-manager and trust-manager as their released charts
// are, and returns the digest of each by chart name.
func (r *Registry) PushStandard(ctx context.Context) (map[string]string, error) {
	certManager, err := CertManagerDir(ctx)
	if err != nil {
		return nil, err
	}
	trustManager, err := TrustManagerDir(ctx)
	if err != nil {
		return nil, err
	}
	release, err := TrustManagerRelease(ctx)
	if err != nil {
		return nil, err
	}
	digests := map[string]string{}
	if digests[CertManager], err = r.Push(ctx, certManager, CertManagerVersion); err != nil {
		return nil, err
	}
	if digests[TrustManager], err = r.Push(ctx, trustManager, TrustManagerVersion, release); err != nil {
		return nil, err
	}
	return digests, nil
}

// debianVersion finds the tag of the default package's image in the file that
// trust-manager's build takes it from.
var debianVersion = regexp.MustCompile(`(?m)^DEBIAN_TRIXIE_BUNDLE_VERSION := (\S+)$`)

// TrustManagerRelease is what trust-manager's own release does to its chart
// beside the version: it names the tag of the default package's image.
func TrustManagerRelease(ctx context.Context) (Mutation, error) {
	dir, err := ModuleDir(ctx, trustManagerModule)
	if err != nil {
		return nil, err
	}
	const file = "make/00_debian_trixie_version.mk"
	content, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return nil, fmt.Errorf("reading the version of trust-manager's default package: %w", err)
	}
	match := debianVersion.FindSubmatch(content)
	if match == nil {
		return nil, fmt.Errorf("finding the version of trust-manager's default package: no line like %q in %s", debianVersion, file)
	}
	return WithReplaced("values.yaml", "_defaultReference: :v0.0.0", "_defaultReference: :"+string(match[1])), nil
}
