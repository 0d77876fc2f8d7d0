package charts

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/registry"
)

// packagedAt is the time that all packages carry, so that a digest depends on
// content alone.
var packagedAt = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// edit is the chart as it will be packaged: a private copy of its folder.
type edit struct {
	dir        string
	appVersion string
}

// Mutation changes a chart before it is packaged.
type Mutation func(*edit) error

// WithAppVersion sets the chart's appVersion, which the charts use as their
// images' tag. Without it the appVersion is the chart's version.
func WithAppVersion(version string) Mutation {
	return func(e *edit) error {
		e.appVersion = version
		return nil
	}
}

// WithFile writes a file into the chart, in place of what is at that path, for
// example "templates/deployment.yaml" or "values.yaml".
func WithFile(path, content string) Mutation {
	return func(e *edit) error {
		target, err := e.file(path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return fmt.Errorf("creating the folder of %s in the chart: %w", path, err)
		}
		if err := os.WriteFile(target, []byte(content), 0o644); err != nil {
			return fmt.Errorf("writing %s in the chart: %w", path, err)
		}
		return nil
	}
}

// WithReplaced replaces each occurrence of a text in one of the chart's files.
// It is an error when the text doesn't occur, since then the chart would be
// pushed unchanged and a test would prove nothing.
func WithReplaced(path, from, to string) Mutation {
	return func(e *edit) error {
		target, err := e.file(path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(target)
		if err != nil {
			return fmt.Errorf("reading %s of the chart: %w", path, err)
		}
		if !strings.Contains(string(content), from) {
			return fmt.Errorf("replacing a text in %s of the chart: %q does not occur in it", path, from)
		}
		return WithFile(path, strings.ReplaceAll(string(content), from, to))(e)
	}
}

func (e *edit) file(path string) (string, error) {
	if !filepath.IsLocal(path) {
		return "", fmt.Errorf("the path %q leads out of the chart", path)
	}
	return filepath.Join(e.dir, path), nil
}

// Push packages the chart in chartDir with the given version (and the same
// appVersion, unless a mutation says otherwise) and pushes it to
// HOST/charts/NAME:VERSION, NAME being the chart's own. chartDir itself is not
// changed. It returns the digest of the pushed manifest, "sha256:...", which
// is what a chart reference pins.
func (r *Registry) Push(ctx context.Context, chartDir, version string, mutate ...Mutation) (string, error) {
	scratch, err := os.MkdirTemp("", "chart-")
	if err != nil {
		return "", fmt.Errorf("creating a folder to package %s in: %w", chartDir, err)
	}
	defer func() { _ = os.RemoveAll(scratch) }()

	archive, name, err := pack(scratch, chartDir, version, mutate)
	if err != nil {
		return "", fmt.Errorf("packaging the chart %s as %s: %w", chartDir, version, err)
	}
	if err := ctx.Err(); err != nil { // Helm's push takes no context
		return "", fmt.Errorf("pushing chart %s %s: %w", name, version, err)
	}
	client, err := r.client(scratch)
	if err != nil {
		return "", err
	}
	// A tag can't hold "+"; Helm's convention for build metadata is "_".
	ref := fmt.Sprintf("%s/%s/%s:%s", r.host, folder, name, strings.ReplaceAll(version, "+", "_"))
	result, err := client.Push(archive, ref, registry.PushOptCreationTime(packagedAt.Format(time.RFC3339)),
		registry.PushOptStrictMode(!strings.Contains(version, "+")))
	if err != nil {
		return "", fmt.Errorf("pushing chart %s: %w", ref, err)
	}
	return result.Manifest.Digest, nil
}

// pack copies the chart into scratch, edits the copy, and returns the packaged
// archive and the chart's name.
func pack(scratch, chartDir, version string, mutate []Mutation) (archive []byte, name string, err error) {
	e := &edit{dir: filepath.Join(scratch, "chart"), appVersion: version}
	if err := os.CopyFS(e.dir, os.DirFS(chartDir)); err != nil {
		return nil, "", fmt.Errorf("copying its files: %w", err)
	}
	for _, m := range mutate {
		if err := m(e); err != nil {
			return nil, "", err
		}
	}
	p := action.NewPackage()
	p.Version, p.AppVersion, p.Destination = version, e.appVersion, filepath.Join(scratch, "out")
	p.SourceDateEpoch = &packagedAt
	file, err := p.Run(e.dir, nil)
	if err != nil {
		return nil, "", err
	}
	archive, err = os.ReadFile(file)
	if err != nil {
		return nil, "", fmt.Errorf("reading the package: %w", err)
	}
	// The package is named NAME-VERSION.tgz.
	return archive, strings.TrimSuffix(filepath.Base(file), "-"+version+".tgz"), nil
}

// client is a Helm registry client that knows this registry's password and
// nothing of the user's own logins.
func (r *Registry) client(scratch string) (*registry.Client, error) {
	options := []registry.ClientOption{
		registry.ClientOptPlainHTTP(),
		registry.ClientOptCredentialsFile(filepath.Join(scratch, "credentials.json")),
	}
	if user, password := r.credentials(); user != "" {
		options = append(options, registry.ClientOptBasicAuth(user, password))
	}
	client, err := registry.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("creating a client of the chart registry on %s: %w", r.host, err)
	}
	return client, nil
}
