package harness

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/tlsplatform/tls-platform-operator/test/harness/process"
)

// maxRunPath is how long, in bytes, the path of a run's folder may be for its
// sockets to fit into maxSocketPath.
const maxRunPath = 60

// Options are those of a run.
type Options struct {
	// BinDir holds the components' binaries. Empty means that of
	// ComponentsVariable, else they are built.
	BinDir string
	// ArtifactsDir is where the logs go when something failed. Empty means
	// _artifacts/RUN in the repository's root, else in the working folder.
	ArtifactsDir string
}

// Environment is a run: a folder, the binaries, and the clusters started in it.
type Environment struct {
	dir       string
	binDir    string
	artifacts string

	failed atomic.Bool
	stop   func() error

	mu       sync.Mutex
	clusters map[string]*Cluster
	stopped  bool
}

// Start prepares a run. It finds or builds the components, which can take
// minutes when nothing is built yet; no process of the run is started by it.
func Start(ctx context.Context, o Options) (*Environment, error) {
	dir, err := makeRunFolder()
	if err != nil {
		return nil, err
	}
	e := &Environment{dir: dir, artifacts: o.ArtifactsDir, clusters: map[string]*Cluster{}}
	e.stop = sync.OnceValue(e.shutDown)
	if err := e.prepare(ctx, o.BinDir); err != nil {
		return nil, errors.Join(err, e.removeFolder())
	}
	return e, nil
}

func (e *Environment) prepare(ctx context.Context, binDir string) error {
	if e.artifacts == "" {
		root, err := repositoryRoot()
		if err != nil {
			root = "." // fine outside the repository, with binaries from elsewhere
		}
		e.artifacts = filepath.Join(root, "_artifacts", filepath.Base(e.dir))
	}
	artifacts, err := filepath.Abs(e.artifacts)
	if err != nil {
		return fmt.Errorf("resolving the artifacts folder: %w", err)
	}
	e.artifacts = artifacts
	if err := process.RemoveOnDeath(e.dir, e.artifacts); err != nil {
		return err
	}
	e.binDir, err = findComponents(ctx, binDir, filepath.Join(e.dir, "components"))
	return err
}

// makeRunFolder makes the run's folder where its sockets' paths stay short.
func makeRunFolder() (string, error) {
	parent, err := filepath.Abs(os.TempDir())
	if err != nil {
		return "", fmt.Errorf("resolving the folder for temporary files: %w", err)
	}
	if len(parent) > maxRunPath/2 {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "tls-platform-")
	if err != nil {
		return "", fmt.Errorf("making the run's folder: %w", err)
	}
	return dir, nil
}

// Dir returns the run's folder. It is removed by Stop.
func (e *Environment) Dir() string { return e.dir }

// BinDir returns the folder of the components' binaries.
func (e *Environment) BinDir() string { return e.binDir }

// LogsDir returns the folder of all logs, one subfolder for each cluster.
func (e *Environment) LogsDir() string { return filepath.Join(e.dir, "logs") }

// MarkFailed has Stop keep the logs. Errors of the harness itself need no mark.
func (e *Environment) MarkFailed() { e.failed.Store(true) }

// KeepLogs copies the logs as they are now to the artifacts folder, and
// returns that folder.
func (e *Environment) KeepLogs() (string, error) {
	if err := copyLogs(e.LogsDir(), e.artifacts); err != nil {
		return "", fmt.Errorf("keeping the logs in %s: %w", e.artifacts, err)
	}
	return e.artifacts, nil
}

// Stop stops all clusters and removes the run's folder. When something failed
// the logs are kept first, and the error names their folder. Stopping again
// does nothing and returns the same error.
func (e *Environment) Stop() error { return e.stop() }

func (e *Environment) shutDown() error {
	e.mu.Lock()
	e.stopped = true // no cluster is added from here on
	clusters := slices.Collect(maps.Values(e.clusters))
	e.mu.Unlock()

	errs := make([]error, len(clusters))
	var wg sync.WaitGroup
	for i, c := range clusters {
		wg.Go(func() { errs[i] = c.Stop() })
	}
	wg.Wait()
	err := errors.Join(errs...)
	if err != nil || e.failed.Load() {
		err = e.withLogs(err)
	}
	return errors.Join(err, e.removeFolder())
}

// withLogs keeps the logs and adds to err where they are. Without an err, the
// failure is the caller's, who knows of it, and the logs are kept silently.
func (e *Environment) withLogs(err error) error {
	dir, keepErr := e.KeepLogs()
	switch {
	case keepErr != nil:
		return errors.Join(err, keepErr)
	case err != nil:
		return fmt.Errorf("%w\nlogs are kept in %s", err, dir)
	}
	return nil
}

func (e *Environment) removeFolder() error {
	if err := os.RemoveAll(e.dir); err != nil {
		return fmt.Errorf("removing the run's folder: %w", err)
	}
	return process.ForgetFolder(e.dir)
}

// copyLogs copies the files below from to the same places below to.
func copyLogs(from, to string) error {
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return os.MkdirAll(to, 0o755) // nothing has logged yet
	}
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), content, 0o644)
	})
}

// SignalContext returns a context that the first Ctrl-C, SIGTERM or SIGHUP
// ends, so that the caller can call Stop. A second one ends the program at
// once; the run's processes and folder go even then.
func SignalContext(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
