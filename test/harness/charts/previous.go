package charts

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// CertManagerPreviousVersion is an older release of cert-manager than the one
// that is declared everywhere, for clusters that had it before: the newest of
// its minor version that Go module proxies serve.
const CertManagerPreviousVersion = "v1.20.3"

// PushCertManagerPrevious pushes cert-manager's chart of that version, as its
// release made it, and returns its digest. root is the repository's folder,
// where the nested module of the components pins the sources.
func (r *Registry) PushCertManagerPrevious(ctx context.Context, root string) (string, error) {
	module := filepath.Join(root, "hack", "controlplane")
	out, err := run(ctx, "-C", module, "list", "-m", "-modfile=go.1.20.mod", "-f", "{{.Version}} {{.Dir}}", certManagerModule)
	if err != nil {
		return "", fmt.Errorf("finding the older cert-manager: %w", err)
	}
	version, dir, _ := strings.Cut(strings.TrimSpace(out), " ")
	if version != CertManagerPreviousVersion || dir == "" {
		return "", fmt.Errorf("the older cert-manager that %s builds is %q in %q, want %s: build its programs first",
			module, version, dir, CertManagerPreviousVersion)
	}
	dir = filepath.Join(dir, "deploy", "charts", CertManager)
	// Up to this version upstream's release fills in the chart's description.
	template, err := os.ReadFile(filepath.Join(dir, "Chart.template.yaml"))
	if err != nil {
		return "", fmt.Errorf("reading the description of the older cert-manager's chart: %w", err)
	}
	description := strings.ReplaceAll(string(template), "{{IS_PRERELEASE}}", "false")
	return r.Push(ctx, dir, version, WithFile("Chart.yaml", description))
}
