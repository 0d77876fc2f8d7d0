package plantest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// ModuleFile reads a file of a module that the build depends on, so that tests
// hold our objects against the real thing of the same version.
func ModuleFile(t *testing.T, module string, path ...string) string {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output() //nolint:gosec // a test's own constant
	if err != nil {
		t.Fatalf("asking for the folder of module %s: %v", module, err)
	}
	file := filepath.Join(append([]string{strings.TrimSpace(string(dir))}, path...)...)
	raw, err := os.ReadFile(file) //nolint:gosec // a file of a module
	if err != nil {
		t.Fatalf("reading a file of module %s: %v", module, err)
	}
	return string(raw)
}
