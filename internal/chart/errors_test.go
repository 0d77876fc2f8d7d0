package chart_test

import (
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"

	"github.com/tlsplatform/tls-platform-operator/internal/chart"
	"github.com/tlsplatform/tls-platform-operator/internal/chart/charttest"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
)

// refusal renders and expects an error of the kind, whose message has every
// part; it returns the message.
func refusal(t *testing.T, options chart.Options, r desired.ChartRequest, kind chart.Kind, parts ...string) string {
	t.Helper()
	_, err := chart.NewClient(options).Render(t.Context(), r, chart.Credentials{})
	var refused *chart.Error
	if !errors.As(err, &refused) {
		t.Fatalf("got %v, want a *chart.Error", err)
	}
	if refused.Kind != kind {
		t.Errorf("kind %s, want %s: %s", refused.Kind, kind, refused.Message)
	}
	for _, part := range parts {
		if !strings.Contains(refused.Message, part) {
			t.Errorf("message lacks %q: %s", part, refused.Message)
		}
	}
	terminal := []chart.Kind{chart.KindDigestMismatch, chart.KindInvalidRequest, chart.KindInvalidValues, chart.KindRenderFailed}
	if refused.Terminal() != slices.Contains(terminal, kind) {
		t.Errorf("terminal is %t for %s", refused.Terminal(), kind)
	}
	return refused.Message
}

func TestRegistryThatDoesNotAnswer(t *testing.T) {
	request := served(t, small(nil))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	hang := make(chan struct{})
	silent := charttest.Serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { close(hang) })
	broken := charttest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "database is gone", http.StatusBadGateway)
	}))
	for name, c := range map[string]struct {
		host    string
		timeout time.Duration
		parts   []string
	}{
		"is down":               {closed, 0, []string{closed, "does not answer", "connection refused", "spec.components.registry.mirrors"}},
		"accepts and is silent": {silent, 200 * time.Millisecond, []string{silent, "does not answer", "no complete answer within 200ms"}},
		"answers with an error": {broken, 0, []string{broken, "502", "tried again"}},
	} {
		t.Run(name, func(t *testing.T) {
			request.Repository = "oci://" + c.host + "/charts/small"
			refusal(t, chart.Options{Timeout: c.timeout}, request, chart.KindUnavailable, c.parts...)
		})
	}
}

func TestMissingVersionNamesTheNewest(t *testing.T) {
	request := served(t, small(nil))
	host, _, _ := strings.Cut(strings.TrimPrefix(request.Repository, "oci://"), "/")
	archive := charttest.Archive(t, small(nil))
	for _, tag := range []string{"v1.9.0", "v1.10.0", "v1.2.0", "v1.3.0", "v1.4.0", "latest"} {
		charttest.Push(t, host, "charts/small", tag, archive)
	}
	request.Version = "v1.11.0"
	refusal(t, chart.Options{}, request, chart.KindNotFound, "no version v1.11.0", ": v1.10.0, v1.9.0, v1.4.0, v1.3.0, v1.2.0.")
	request.Version = "1.2.0"
	refusal(t, chart.Options{}, request, chart.KindNotFound, ": v1.2.0, v1.10.0")
	request.Repository = "oci://" + host + "/charts/other"
	refusal(t, chart.Options{}, request, chart.KindNotFound, "no other version could be listed")
}

func TestDigestMismatchSaysBothDigests(t *testing.T) {
	request := served(t, small(nil))
	found := mustRender(t, request).Digest
	request.Digest = found
	mustRender(t, request)
	request.Digest = "sha256:" + strings.Repeat("0", 64)
	refusal(t, chart.Options{}, request, chart.KindDigestMismatch, found, request.Digest, "chart.digest")
}

func TestContentThatIsNotItsDigestIsRefusedUnparsed(t *testing.T) {
	registry := charttest.Handler()
	var forge atomic.Bool
	host := charttest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if forge.Load() && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			w = &forger{ResponseWriter: w}
		}
		registry.ServeHTTP(w, r)
	}))
	charttest.Push(t, host, "charts/small", "1.0.0", charttest.Archive(t, small(nil)))
	forge.Store(true)
	request := desired.ChartRequest{Repository: "oci://" + host + "/charts/small", Version: "1.0.0", KubeVersion: "v1.37.0"}
	refusal(t, chart.Options{}, request, chart.KindDigestMismatch, "does not have the digest it stands under")
}

// forger flips the bits of a body.
type forger struct{ http.ResponseWriter }

// Write what was not asked for.
func (f *forger) Write(p []byte) (int, error) {
	flipped := make([]byte, len(p))
	for i, b := range p {
		flipped[i] = ^b
	}
	n, err := f.ResponseWriter.Write(flipped)
	return n, err //nolint:wrapcheck // a test double passes on what it gets
}

func TestSchemaNamesEveryViolation(t *testing.T) {
	request := served(t, charttest.Load(t, charttest.CertManager))
	request.Values = map[string]any{
		"nosuch":  1,
		"webhook": map[string]any{"nope": true},
		"crds":    map[string]any{"enabled": "yes"},
	}
	message := refusal(t, chart.Options{}, request, chart.KindInvalidValues,
		"cert-manager "+request.Version,
		"values.nosuch: the chart knows no such key",
		"values.webhook.nope: the chart knows no such key",
		"values.crds.enabled: found string, expected boolean")
	if strings.Contains(message, "file://") || strings.Contains(message, "$defs") {
		t.Errorf("the message speaks of the schema's insides: %s", message)
	}
}

func TestSchemaMayNotReachOutside(t *testing.T) {
	var reached atomic.Bool
	host := charttest.Serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	for name, reference := range map[string]string{
		"a file": "file:///etc/hostname",
		"a host": "http://" + host + "/schema.json",
		"an urn": "urn:example:schema",
	} {
		t.Run(name, func(t *testing.T) {
			c := small(map[string]string{"cm.yaml": configMap})
			c.Schema = []byte(`{"$ref": "` + reference + `"}`)
			refusal(t, chart.Options{}, served(t, c), chart.KindRenderFailed, "values.schema.json", "only references within the schema")
			if reached.Load() {
				t.Error("the schema's reference was followed")
			}
		})
	}
}

func TestRequestThatCanNotBe(t *testing.T) {
	request := served(t, small(nil))
	for name, c := range map[string]struct {
		change func(*desired.ChartRequest)
		part   string
	}{
		"a repository of another scheme":  {func(r *desired.ChartRequest) { r.Repository = "https://charts.example.com/x" }, "expected an OCI reference"},
		"a repository with a tag":         {func(r *desired.ChartRequest) { r.Repository += ":1.0.0" }, "put the version into version"},
		"a repository without a path":     {func(r *desired.ChartRequest) { r.Repository = "oci://quay.io" }, "expected oci://host/path/chart"},
		"a version that is no tag":        {func(r *desired.ChartRequest) { r.Version = "1.0 or so" }, "expected a version"},
		"a Kubernetes version that isn't": {func(r *desired.ChartRequest) { r.KubeVersion = "new" }, `"new"`},
		"values that are not JSON":        {func(r *desired.ChartRequest) { r.Values = map[string]any{"f": func() {}} }, "expected what JSON can say"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := request
			c.change(&changed)
			refusal(t, chart.Options{}, changed, chart.KindInvalidRequest, c.part)
		})
	}
}

func TestChartThatCanNotBeRendered(t *testing.T) {
	for name, c := range map[string]struct {
		templates map[string]string
		parts     []string
	}{
		"fails on purpose": {
			map[string]string{"a.yaml": `{{ fail "set the host" }}`}, []string{"set the host", "a.yaml"}},
		"calls a function that there is not": {
			map[string]string{"a.yaml": `{{ nosuch }}`}, []string{"nosuch"}},
		"makes a private key": {
			map[string]string{"a.yaml": `{{ (genCA "ca" 1).Cert }}`}, []string{"genCA", "would put a secret into the plan"}},
		"rolls dice": {
			map[string]string{"a.yaml": `{{ randAlphaNum 5 }}`}, []string{"randAlphaNum", "differ from the one before"}},
		"looks at the clock": {
			map[string]string{"a.yaml": `{{ now | date "2006" }}`}, []string{"now", "differ from the one before"}},
		"renders what is no YAML": {
			map[string]string{"a.yaml": "a: [b"}, []string{"a.yaml", "parsing YAML"}},
		"renders what is no object": {
			map[string]string{"a.yaml": "a: b"}, []string{"a.yaml", "expected a Kubernetes object"}},
		"renders an object without a name": {
			map[string]string{"a.yaml": "apiVersion: v1\nkind: Secret\n"}, []string{"metadata.name"}},
		"renders an object twice": {
			map[string]string{"a.yaml": configMap, "b.yaml": configMap}, []string{"ConfigMap tls/small twice"}},
	} {
		t.Run(name, func(t *testing.T) {
			refusal(t, chart.Options{}, served(t, small(c.templates)), chart.KindRenderFailed, c.parts...)
		})
	}
}

func TestArtifactThatIsNoFitChart(t *testing.T) {
	host := charttest.Serve(t, charttest.Handler())
	request := desired.ChartRequest{Repository: "oci://" + host + "/charts/small", Version: "1.0.0", KubeVersion: "v1.37.0"}

	charttest.PushTyped(t, host, "charts/small", "1.0.0", "application/vnd.oci.image.config.v1+json", []byte("x"))
	refusal(t, chart.Options{}, request, chart.KindRenderFailed, "is no Helm chart", "vnd.oci.image.config")

	charttest.Push(t, host, "charts/small", "1.0.0", []byte("not an archive"))
	refusal(t, chart.Options{}, request, chart.KindRenderFailed, "reading archive")

	other := small(nil)
	other.Metadata.Version = "2.0.0"
	charttest.Push(t, host, "charts/small", "1.0.0", charttest.Archive(t, other))
	refusal(t, chart.Options{}, request, chart.KindRenderFailed, "its version is 2.0.0, expected 1.0.0")

	library := small(nil)
	library.Metadata.Type = "library"
	charttest.Push(t, host, "charts/small", "1.0.0", charttest.Archive(t, library))
	refusal(t, chart.Options{}, request, chart.KindRenderFailed, "is a library")

	bomb := small(nil)
	bomb.Files = append(bomb.Files, &common.File{Name: "zeros", Data: make([]byte, 101<<20)})
	charttest.Push(t, host, "charts/small", "1.0.0", charttest.Archive(t, bomb))
	refusal(t, chart.Options{}, request, chart.KindRenderFailed, "expands to more than 104857600 bytes")

	charttest.Push(t, host, "charts/small", "1.0.0", make([]byte, 20<<20+1))
	refusal(t, chart.Options{}, request, chart.KindRenderFailed, "20971521 bytes large, expected at most 20971520")
}
