package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/test/harness/process"
)

// ComponentsVariable names the environment variable with the folder of the
// components' binaries. Unset, they are built, or found built, by buildScript.
const ComponentsVariable = "TLS_PLATFORM_COMPONENTS"

// modulePath tells this repository's root from that of others.
const modulePath = "github.com/tlsplatform/tls-platform-operator"

// buildScript, relative to the repository's root, prints the folder of the
// binaries on standard output, and its progress on standard error.
var buildScript = filepath.Join("hack", "controlplane", "build.sh")

// controlPlaneBinaries is what a cluster can't do without.
var controlPlaneBinaries = []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok"}

// findComponents returns the folder of the components' binaries.
func findComponents(ctx context.Context, given, logFile string) (string, error) {
	dir, from := given, "Options.BinDir"
	if dir == "" {
		dir, from = os.Getenv(ComponentsVariable), "$"+ComponentsVariable
	}
	if dir == "" {
		built, err := buildComponents(ctx, logFile)
		if err != nil {
			return "", err
		}
		dir, from = built, buildScript
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("resolving the components' folder: %w", err)
	}
	var missing []string
	for _, name := range controlPlaneBinaries {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return "", fmt.Errorf("the components' folder %s (from %s) lacks %s: run %s to build them",
			dir, from, strings.Join(missing, ", "), buildScript)
	}
	return dir, nil
}

// Build builds components that are not among those of every run, such as
// "pebble", or finds them built, and returns the folder of their binaries.
func (e *Environment) Build(ctx context.Context, components ...string) (string, error) {
	return buildComponents(ctx, filepath.Join(e.dir, strings.Join(components, "-")), components...)
}

// buildComponents runs the build script, whose progress goes to the terminal,
// since a cold build takes minutes. It builds the standard ones when none are
// named.
func buildComponents(ctx context.Context, outFile string, components ...string) (string, error) {
	root, err := repositoryRoot()
	if err != nil {
		return "", fmt.Errorf("looking for %s: %w", buildScript, err)
	}
	p, err := process.Start(ctx, process.Spec{
		Name: buildScript, Path: filepath.Join(root, buildScript), Args: components, Dir: root, Env: os.Environ(),
		LogFile: outFile, Stderr: os.Stderr,
	})
	if err != nil {
		return "", err
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		// Politely, for the script has compilers to stop.
		return "", fmt.Errorf("building the components: %w", errors.Join(ctx.Err(), p.Stop(stopGrace)))
	}
	if p.ExitCode() != 0 {
		return "", fmt.Errorf("building the components: %s ended with exit code %d; its last words are above", buildScript, p.ExitCode())
	}
	dir := p.Tail(1)
	if dir == "" {
		return "", fmt.Errorf("building the components: %s named no folder on its standard output", buildScript)
	}
	return dir, nil
}

// repositoryRoot returns the folder of this module's go.mod, at or above the
// working folder.
func repositoryRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("asking for the working folder: %w", err)
	}
	for start := dir; ; {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.Contains(string(mod), "module "+modulePath+"\n") {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod of %s at or above %s: run inside the repository, or set %s",
				modulePath, start, ComponentsVariable)
		}
		dir = parent
	}
}
