package harness

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fakeComponents returns a folder with empty files for the given binaries.
func fakeComponents(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFindComponents(t *testing.T) {
	whole := fakeComponents(t, controlPlaneBinaries...)
	part := fakeComponents(t, "etcd", "kubectl")
	tests := map[string]struct {
		given, variable string
		want, wantErr   string
	}{
		"a folder that is given":               {given: whole, want: whole},
		"a folder of the environment":          {variable: whole, want: whole},
		"what is given before the variable":    {given: whole, variable: part, want: whole},
		"a folder in which something lacks":    {variable: part, wantErr: "(from $TLS_PLATFORM_COMPONENTS) lacks kube-apiserver, kube-controller-manager, kube-scheduler, kwok"},
		"a folder that is not there":           {given: "/does/not/exist", wantErr: "(from Options.BinDir) lacks etcd"},
		"an incomplete folder says what to do": {given: part, wantErr: "run hack/controlplane/build.sh"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv(ComponentsVariable, tc.variable)
			got, err := findComponents(t.Context(), tc.given, filepath.Join(t.TempDir(), "out"))
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Errorf("got error %v, want one with %q", err, tc.wantErr)
				}
				return
			}
			if err != nil || got != tc.want {
				t.Errorf("got %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

func TestBuildComponents(t *testing.T) {
	tests := map[string]struct {
		script        string
		want, wantErr string
	}{
		"the folder is what the script prints": {script: "echo progress >&2; echo /the/bin/dir", want: "/the/bin/dir"},
		"a script that fails":                  {script: "exit 3", wantErr: "ended with exit code 3"},
		"a script that prints nothing":         {script: "exit 0", wantErr: "named no folder"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			t.Chdir(root)
			writeFile(t, filepath.Join(root, "go.mod"), "module "+modulePath+"\n", 0o644)
			writeFile(t, filepath.Join(root, buildScript), "#!/bin/sh\n"+tc.script+"\n", 0o755)
			got, err := buildComponents(t.Context(), filepath.Join(t.TempDir(), "out"))
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Errorf("got error %v, want one with %q", err, tc.wantErr)
				}
				return
			}
			if err != nil || got != tc.want {
				t.Errorf("got %q, %v; want %q", got, err, tc.want)
			}
		})
	}
	t.Run("outside of the repository it says what to do", func(t *testing.T) {
		t.Chdir(t.TempDir())
		_, err := buildComponents(t.Context(), filepath.Join(t.TempDir(), "out"))
		if err == nil || !strings.Contains(err.Error(), "set "+ComponentsVariable) {
			t.Errorf("got error %v, want one that names the variable", err)
		}
	})
}

func writeFile(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), mode)); err != nil {
		t.Fatal(err)
	}
}

func TestEnvironmentKeepsLogsOnlyOfFailures(t *testing.T) {
	tests := map[string]struct {
		failed bool
		want   bool
	}{
		"nothing is kept when all went well":   {},
		"the logs are kept when it was marked": {failed: true, want: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			artifacts := filepath.Join(t.TempDir(), "deep", "artifacts")
			env, err := Start(t.Context(), Options{BinDir: fakeComponents(t, controlPlaneBinaries...), ArtifactsDir: artifacts})
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(env.LogsDir(), "a", "etcd.log"), "words\n", 0o644)
			if tc.failed {
				env.MarkFailed()
			}
			if err := errors.Join(env.Stop(), env.Stop()); err != nil {
				t.Fatal(err)
			}
			content, err := os.ReadFile(filepath.Join(artifacts, "a", "etcd.log"))
			if kept := err == nil && string(content) == "words\n"; kept != tc.want {
				t.Errorf("logs kept: got %v (%v), want %v", kept, err, tc.want)
			}
			if _, err := os.Stat(env.Dir()); !os.IsNotExist(err) {
				t.Errorf("the run's folder is left (%v)", err)
			}
		})
	}
}

func TestAnEnvironmentThatDoesNotStartLeavesNothing(t *testing.T) {
	temp, err := os.MkdirTemp("/tmp", "harness-") //nolint:usetesting // short, or the run would go elsewhere
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(temp) })
	t.Setenv("TMPDIR", temp)
	if dir, err := makeRunFolder(); err != nil || filepath.Dir(dir) != temp || os.Remove(dir) != nil {
		t.Fatalf("a run's folder is %s (%v), want it in %s", dir, err, temp)
	}
	if _, err := Start(t.Context(), Options{BinDir: "/does/not/exist"}); err == nil {
		t.Fatal("it started without components")
	}
	left, err := filepath.Glob(filepath.Join(temp, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func TestClusterNames(t *testing.T) {
	env, err := Start(t.Context(), Options{BinDir: fakeComponents(t, controlPlaneBinaries...), ArtifactsDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = env.Stop() })
	for _, name := range []string{"", "Upper", "with space", "../up", "-a", "a-", strings.Repeat("a", 21)} {
		if _, err := env.StartCluster(t.Context(), ClusterOptions{Name: name}); err == nil || !strings.Contains(err.Error(), "cluster name") {
			t.Errorf("name %q: got error %v, want a refusal", name, err)
		}
	}
}

func TestSignalContext(t *testing.T) {
	ctx, stop := SignalContext(t.Context())
	defer stop()
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	if !errors.Is(ctx.Err(), context.Canceled) {
		t.Errorf("got %v, want context.Canceled", ctx.Err())
	}
}
