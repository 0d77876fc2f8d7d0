package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// result of a command.
type result struct{ out, err, failure string }

// run runs a command against a cluster with objects, in namespace shop.
func run(t *testing.T, terminal bool, objects []client.Object, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd, s := newCommand(&Options{
		Args: args, Out: &out, Err: &errs, Terminal: terminal, Now: func() time.Time { return now }, Version: "v1.2.3",
	})
	s.open = func() (client.Reader, string, error) {
		return clientWith(t, interceptor.Funcs{}, objects...), "shop", nil
	}
	r := result{}
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		r.failure = err.Error()
	}
	r.out, r.err = out.String(), errs.String()
	return r
}

// cluster has the sample and an agent that is alive.
func cluster() []client.Object {
	return []client.Object{
		sliceOf("a", sample()[:2]...), sliceOf("b", sample()[2:]...), sampleAgent(), sampleLease(12 * time.Second),
	}
}

func TestInventoryCommand(t *testing.T) {
	t.Parallel()
	file := func(name string) string {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	const footer = "5 certificates (1 expired, 1 orphan, 1 unreadable); the agent was last seen 12s ago\n"
	for name, c := range map[string]struct {
		args     []string
		terminal bool
		want     result
	}{
		"a table has a footer":                   {[]string{"inventory"}, false, result{out: file("inventory.table"), err: footer}},
		"an alias does the same":                 {[]string{"ls", "-A"}, false, result{out: file("inventory.table"), err: footer}},
		"JSON in a pipe has none":                {[]string{"inv", "-o", "json"}, false, result{out: file("inventory.json")}},
		"JSON on a terminal has one":             {[]string{"inv", "-o", "json"}, true, result{out: file("inventory.json"), err: footer}},
		"filters choose":                         {[]string{"ls", "-o", "name", "-n", "shop,legacy", "--expires-within", "30d"}, false, result{out: "secret/legacy/old-portal\nsecret/shop/web-tls\n"}},
		"filters can be repeated":                {[]string{"ls", "-o", "name", "--finding", "WeakKey", "--finding", "duplicate"}, false, result{out: "secret/legacy/old-portal\nconfigmap/shop/istio-ca-root-cert\n"}},
		"a table without matches has no title":   {[]string{"ls", "-n", "nowhere"}, true, result{err: "no certificate matches\n"}},
		"JSON without matches is an empty list":  {[]string{"ls", "-n", "nowhere", "-o", "yaml"}, false, result{out: "apiVersion: tlsplatform.io/v1alpha1\nkind: CertificateInventory\nitems: []\n", err: "no certificate matches\n"}},
		"an unknown format is an error":          {[]string{"ls", "-o", "xml"}, false, result{failure: `--output: "xml" is not known: use one of table, wide, json, yaml, csv, name`}},
		"an unknown layer is an error":           {[]string{"ls", "--layer", "edge"}, false, result{failure: `--layer: "edge" is not known: use one of Ingress, Mesh, Application`}},
		"all namespaces and one are two answers": {[]string{"ls", "-A", "-n", "shop"}, false, result{failure: "if any flags in the group [namespace all-namespaces] are set none of the others can be; [all-namespaces namespace] were all set"}},
		"without a list the agent is asked for": {[]string{"ls", "--agent-namespace", "other"}, false, result{failure: "there is no list of certificates in namespace other: is the agent running? " +
			"See kubectl get tlsagent default; --agent-namespace chooses another namespace"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, run(t, c.terminal, cluster(), c.args...), cmp.AllowUnexported(result{})); diff != "" {
				t.Errorf("result differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInventoryCommandWarns(t *testing.T) {
	t.Parallel()
	r := run(t, false, []client.Object{sliceOf("a", sample()...), sampleAgent(), sampleLease(5 * time.Minute)}, "ls", "-o", "name")
	if want := "warning: the agent has been silent for 5m: the list is as old as that\n"; r.err != want || r.out == "" || r.failure != "" {
		t.Errorf("got %+v, want a list and the warning %q", r, want)
	}
}

func TestWhyCommand(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"why-used.text":   {"why", "web-tls"},
		"why-used.json":   {"why", "secret/shop/web-tls", "-o", "json"},
		"why-bundle.text": {"why", "cm/istio-ca-root-cert", "-n", "shop"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, true, cluster(), args...)
			golden(t, name, r.out)
			if r.err != "" || r.failure != "" {
				t.Errorf("got %q on standard error and the error %q", r.err, r.failure)
			}
		})
	}
	t.Run("what does not exist is an error", func(t *testing.T) {
		t.Parallel()
		r := run(t, true, cluster(), "why", "nope/web-tls")
		if r.out != "" || !strings.HasSuffix(r.failure, "Did you mean secret/shop/web-tls?") {
			t.Errorf("got %+v", r)
		}
	})
}

func TestVersionCommand(t *testing.T) {
	t.Parallel()
	if r := run(t, true, nil, "version"); !strings.HasPrefix(r.out, "kubectl-tls v1.2.3 ") || r.failure != "" {
		t.Errorf("got %+v", r)
	}
}

// TestRun speaks HTTP, as the program does.
func TestRun(t *testing.T) {
	t.Parallel()
	list := v1alpha1.CertificateSliceList{Items: []v1alpha1.CertificateSlice{*sliceOf("a", sample()...)}}
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("CertificateSliceList"))
	agent := sampleAgent()
	agent.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("TLSAgent"))
	lease := sampleLease(12 * time.Second)
	lease.APIVersion, lease.Kind = "coordination.k8s.io/v1", "Lease"
	answers := map[string]any{
		"/apis/tlsplatform.io/v1alpha1/namespaces/tls-platform-system/certificateslices?limit=16": &list,
		"/apis/tlsplatform.io/v1alpha1/tlsagents/default":                                         agent,
		"/apis/coordination.k8s.io/v1/namespaces/tls-platform-system/leases/tls-platform-agent":   lease,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.URL.RequestURI()]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	data := fmt.Sprintf(`{"apiVersion": "v1", "kind": "Config", "current-context": "a",
		"clusters": [{"name": "a", "cluster": {"server": %q}}], "contexts": [{"name": "a", "context": {"cluster": "a", "namespace": "shop"}}]}`, server.URL)
	if err := os.WriteFile(kubeconfig, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"the list is read":                   {[]string{"ls", "-o", "name"}, 0, "secret/legacy/old-portal\n"},
		"the namespace is the context's":     {[]string{"why", "web-tls"}, 0, "Secret shop/web-tls\n"},
		"an unknown context is an error":     {[]string{"ls", "--context", "b"}, 1, `error: reading the kubeconfig: context "b" does not exist`},
		"an unknown flag is an error":        {[]string{"ls", "--\x1b[31m"}, 1, "error: unknown flag: --\ufffd[31m\n"},
		"a cluster without the kind says so": {[]string{"ls", "--agent-namespace", "x"}, 1, "error: there is no list of certificates: the cluster does not know the kind CertificateSlice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			code := Run(t.Context(), Options{
				Args: append(c.args, "--kubeconfig", kubeconfig), Out: &out, Err: &out, Now: func() time.Time { return now }, Version: "test",
			})
			if code != c.code || !strings.HasPrefix(out.String(), c.want) {
				t.Errorf("got code %d and %q, want %d and %q at its start", code, out.String(), c.code, c.want)
			}
		})
	}
}
