package charts_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/registry"

	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/tlsplatform/tls-platform-operator/test/harness/charts"
)

func TestTheStandardChartsArePulledAsReleased(t *testing.T) {
	r := serve(t)
	digests, err := r.PushStandard(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct{ version, values string }{
		charts.CertManager:  {charts.CertManagerVersion, "imageRegistry: quay.io"},
		charts.TrustManager: {charts.TrustManagerVersion, "_defaultReference: :2025"},
	} {
		t.Run(name, func(t *testing.T) {
			pulled := pull(t, r, name+":"+want.version)
			if pulled.Manifest.Digest != digests[name] {
				t.Errorf("pulled digest %s, pushed %s", pulled.Manifest.Digest, digests[name])
			}
			if _, err := client(t).Pull(strings.TrimPrefix(r.Repository(), "oci://") + "/" + name + "@" + digests[name]); err != nil {
				t.Errorf("pulling by digest: %v", err)
			}
			c := load(t, pulled)
			if c.Metadata.Version != want.version || c.Metadata.AppVersion != want.version {
				t.Errorf("version %s, appVersion %s; want %s for both", c.Metadata.Version, c.Metadata.AppVersion, want.version)
			}
			if len(c.Schema) == 0 {
				t.Error("the chart lost its values schema")
			}
			if values := raw(c, "values.yaml"); !strings.Contains(values, want.values) {
				t.Errorf("values.yaml lacks %q", want.values)
			}
		})
	}
}

func TestTheOlderCertManagersChartIsPulledAsReleased(t *testing.T) {
	r := serve(t)
	if _, err := r.PushCertManagerPrevious(t.Context(), filepath.Join("..", "..", "..")); err != nil {
		t.Fatal(err)
	}
	c := load(t, pull(t, r, charts.CertManager+":"+charts.CertManagerPreviousVersion))
	if c.Metadata.AppVersion != charts.CertManagerPreviousVersion {
		t.Errorf("appVersion %s, want %s", c.Metadata.AppVersion, charts.CertManagerPreviousVersion)
	}
	if got := c.Metadata.Annotations["artifacthub.io/prerelease"]; got != "false" {
		t.Errorf("the annotation about pre-releases is %q", got)
	}
}

// Another version of a shared dependency would compile much of Kubernetes again.
func TestTheOlderCertManagerSharesAllOtherModules(t *testing.T) {
	folder := filepath.Join("..", "..", "..", "hack", "controlplane")
	current, err := os.ReadFile(filepath.Join(folder, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	older, err := os.ReadFile(filepath.Join(folder, "go.1.20.mod"))
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/cert-manager/cert-manager "
	want := strings.ReplaceAll(string(current), module+charts.CertManagerVersion, module+charts.CertManagerPreviousVersion)
	if string(older) != want {
		t.Error("go.1.20.mod differs from go.mod in more than the version of cert-manager: make it again as README.md says")
	}
}

func TestTheSameContentHasTheSameDigestEverywhere(t *testing.T) {
	dir := smallChart(t)
	first, second := push(t, serve(t), dir), push(t, serve(t), dir)
	if first != second {
		t.Errorf("two pushes of one chart gave %s and %s", first, second)
	}
	if changed := push(t, serve(t), dir, charts.WithFile("values.yaml", "replicas: 2\n")); changed == first {
		t.Error("another content gave the same digest")
	}
}

func TestMutationsChangeThePackageAndNotTheSource(t *testing.T) {
	dir, r := smallChart(t), serve(t)
	push(t, r, dir,
		charts.WithAppVersion("9.9.9"),
		charts.WithReplaced("templates/config.yaml", "small", "changed"),
		charts.WithFile("templates/new/added.yaml", "# added\n"))

	c := load(t, pull(t, r, "small:1.0.0"))
	if c.Metadata.AppVersion != "9.9.9" {
		t.Errorf("appVersion %q, want 9.9.9", c.Metadata.AppVersion)
	}
	templates := map[string]string{}
	for _, f := range c.Templates {
		templates[f.Name] = string(f.Data)
	}
	if got := templates["templates/config.yaml"]; !strings.Contains(got, "name: changed") {
		t.Errorf("templates/config.yaml was not changed: %s", got)
	}
	if got := templates["templates/new/added.yaml"]; got != "# added\n" {
		t.Errorf("templates/new/added.yaml holds %q", got)
	}
	if source, _ := os.ReadFile(filepath.Join(dir, "templates", "config.yaml")); !strings.Contains(string(source), "name: small") {
		t.Errorf("the chart's own folder was changed: %s", source)
	}
}

func TestAMutationThatCannotBeMadeIsAnError(t *testing.T) {
	for name, tc := range map[string]struct {
		mutation charts.Mutation
		want     string
	}{
		"a text that does not occur":    {charts.WithReplaced("values.yaml", "absent", "x"), `"absent" does not occur`},
		"a file that does not exist":    {charts.WithReplaced("absent.yaml", "a", "x"), "absent.yaml"},
		"a path that leaves the chart":  {charts.WithFile("../outside", "x"), "leads out of the chart"},
		"a chart that can't be a chart": {charts.WithFile("Chart.yaml", "{"), "packaging the chart"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := serve(t).Push(t.Context(), smallChart(t), "1.0.0", tc.mutation)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestARegistryWithAPasswordRefusesAllOthers(t *testing.T) {
	r := serve(t)
	r.SetBasicAuth("robot", "s3cret")
	push(t, r, smallChart(t)) // Push knows the password
	ref := r.Host() + "/charts/small:1.0.0"

	for name, tc := range map[string]struct {
		options []registry.ClientOption
		refusal string // empty means success
	}{
		"nobody":             {nil, "basic credential not found"},
		"the wrong password": {[]registry.ClientOption{registry.ClientOptBasicAuth("robot", "guess")}, "401"},
		"the wrong user":     {[]registry.ClientOption{registry.ClientOptBasicAuth("human", "s3cret")}, "401"},
		"the right user":     {[]registry.ClientOption{registry.ClientOptBasicAuth("robot", "s3cret")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client(t, tc.options...).Pull(ref)
			if (err == nil) != (tc.refusal == "") || err != nil && !strings.Contains(err.Error(), tc.refusal) {
				t.Errorf("pulling gave error %v, want %q", err, tc.refusal)
			}
		})
	}
	r.SetBasicAuth("", "")
	if _, err := client(t).Pull(ref); err != nil {
		t.Errorf("pulling after the password was removed: %v", err)
	}
}

func TestAStoppedRegistryComesBackWithItsContent(t *testing.T) {
	r := serve(t)
	digest, host := push(t, r, smallChart(t)), r.Host()
	for range 2 { // twice: neither stopping nor starting twice is an error
		if err := r.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client(t).Pull(host + "/charts/small:1.0.0"); err == nil {
		t.Fatal("a stopped registry answered")
	}
	for range 2 {
		if err := r.Start(); err != nil {
			t.Fatal(err)
		}
	}
	if r.Host() != host {
		t.Errorf("the address changed from %s to %s", host, r.Host())
	}
	if got := pull(t, r, "small:1.0.0").Manifest.Digest; got != digest {
		t.Errorf("digest %s after the restart, %s before", got, digest)
	}
}

func TestRequestsAreCounted(t *testing.T) {
	r := serve(t)
	before := r.Requests()
	res, err := http.Get("http://" + r.Host() + "/v2/")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if got := r.Requests() - before; got != 1 {
		t.Errorf("one request was counted as %d", got)
	}
}

func TestAModuleThatIsNoDependencyIsNamed(t *testing.T) {
	_, err := charts.ModuleDir(t.Context(), "example.com/absent")
	if err == nil || !strings.Contains(err.Error(), "example.com/absent") {
		t.Errorf("got error %v, want one that names the module", err)
	}
}

func serve(t *testing.T) *charts.Registry {
	t.Helper()
	r, err := charts.Serve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func push(t *testing.T, r *charts.Registry, dir string, mutate ...charts.Mutation) string {
	t.Helper()
	digest, err := r.Push(t.Context(), dir, "1.0.0", mutate...)
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

func pull(t *testing.T, r *charts.Registry, chart string) *registry.PullResult {
	t.Helper()
	result, err := client(t).Pull(strings.TrimPrefix(r.Repository(), "oci://") + "/" + chart)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func client(t *testing.T, options ...registry.ClientOption) *registry.Client {
	t.Helper()
	c, err := registry.NewClient(append(options, registry.ClientOptPlainHTTP(),
		registry.ClientOptCredentialsFile(filepath.Join(t.TempDir(), "credentials.json")))...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func load(t *testing.T, pulled *registry.PullResult) *chart.Chart {
	t.Helper()
	c, err := loader.LoadArchive(bytes.NewReader(pulled.Chart.Data))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func raw(c *chart.Chart, name string) string {
	for _, f := range c.Raw {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func smallChart(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"Chart.yaml":            "apiVersion: v2\nname: small\nversion: 0.0.0\n",
		"values.yaml":           "replicas: 1\n",
		"templates/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: small\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
