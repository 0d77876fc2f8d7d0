package charts

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// ModuleDir returns the folder of a module's files in the module cache, in the
// version that the main module of the working folder selects. It downloads the
// module when the cache lacks it.
func ModuleDir(ctx context.Context, module string) (string, error) {
	dir, err := list(ctx, module)
	if err != nil || dir != "" {
		return dir, err
	}
	if _, err := run(ctx, "mod", "download", module); err != nil {
		return "", fmt.Errorf("downloading the module %s: %w", module, err)
	}
	if dir, err = list(ctx, module); err == nil && dir == "" {
		err = fmt.Errorf("finding the module %s: it was downloaded, and still has no folder", module)
	}
	return dir, err
}

func list(ctx context.Context, module string) (string, error) {
	out, err := run(ctx, "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return "", fmt.Errorf("finding the module %s: %w", module, err)
	}
	return strings.TrimSpace(out), nil
}

func run(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(exit.Stderr)))
	}
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return string(out), nil
}
