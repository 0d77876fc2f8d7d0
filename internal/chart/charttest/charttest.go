package charttest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"oras.land/oras-go/v2/registry/remote"
)

// Modules whose files have the charts of the same name.
const (
	CertManager  = "cert-manager"
	TrustManager = "trust-manager"
)

const (
	mediaTypeConfig = "application/vnd.cncf.helm.config.v1+json"
	mediaTypeLayer  = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

// Version of the chart of that name: the version of its module.
func Version(t testing.TB, name string) string {
	t.Helper()
	return ask(t, name, "{{.Version}}")
}

// Load the real chart of that name, stamped with the version of its module as
// its release tool does.
func Load(t testing.TB, name string) *v2.Chart {
	t.Helper()
	dir := filepath.Join(ask(t, name, "{{.Dir}}"), "deploy", "charts", name)
	chart, err := loader.LoadDir(dir)
	if err != nil {
		t.Fatalf("loading chart %s: %v", name, err)
	}
	chart.Metadata.Version = Version(t, name)
	chart.Metadata.AppVersion = chart.Metadata.Version
	return chart
}

func ask(t testing.TB, name, format string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", format, "github.com/cert-manager/"+name)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("asking go for module %s: %v", name, err)
	}
	return strings.TrimSpace(string(out))
}

// Archive packages the chart.
func Archive(t testing.TB, chart *v2.Chart) []byte {
	t.Helper()
	file, err := chartutil.Save(chart, t.TempDir())
	if err != nil {
		t.Fatalf("packaging chart %s: %v", chart.Name(), err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("reading packaged chart %s: %v", chart.Name(), err)
	}
	return raw
}

// Handler of an OCI registry that keeps everything in memory.
func Handler() http.Handler {
	return registry.New(registry.Logger(log.New(io.Discard, "", 0)))
}

// Serve the handler on loopback until the test ends; the result is host:port.
func Serve(t testing.TB, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// Push the archive of a chart to the registry at host:port, and return the
// digest of its manifest.
func Push(t testing.TB, host, path, tag string, archive []byte) string {
	t.Helper()
	return PushTyped(t, host, path, tag, mediaTypeConfig, archive)
}

// PushTyped is Push with another type of artifact.
func PushTyped(t testing.TB, host, path, tag, configType string, archive []byte) string {
	t.Helper()
	ctx := t.Context()
	repository, err := remote.NewRepository(host + "/" + path)
	if err != nil {
		t.Fatalf("opening repository %s: %v", path, err)
	}
	repository.PlainHTTP = true
	config := push(ctx, t, repository, configType, []byte("{}"))
	layer := push(ctx, t, repository, mediaTypeLayer, archive)
	manifest, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    config,
		Layers:    []ocispec.Descriptor{layer},
	})
	if err != nil {
		t.Fatalf("encoding manifest: %v", err)
	}
	descriptor := descriptorOf(ocispec.MediaTypeImageManifest, manifest)
	if err := repository.Manifests().PushReference(ctx, descriptor, bytes.NewReader(manifest), tag); err != nil {
		t.Fatalf("pushing manifest %s:%s: %v", path, tag, err)
	}
	return descriptor.Digest.String()
}

func push(ctx context.Context, t testing.TB, repository *remote.Repository, mediaType string, raw []byte) ocispec.Descriptor {
	t.Helper()
	descriptor := descriptorOf(mediaType, raw)
	if err := repository.Blobs().Push(ctx, descriptor, bytes.NewReader(raw)); err != nil {
		t.Fatalf("pushing blob %s: %v", descriptor.Digest, err)
	}
	return descriptor
}

func descriptorOf(mediaType string, raw []byte) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
}
