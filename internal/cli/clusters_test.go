package cli

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// fleetPrinters are the three views of a fleet with their formats.
var fleetPrinters = map[string]struct {
	formats []format
	print   func(w io.Writer, fleet *fleetView, as format) error
}{
	"clusters": {clustersFormats, func(w io.Writer, fleet *fleetView, as format) error {
		var list []clusterSummary
		for _, m := range fleet.shown() {
			list = append(list, summarize(m))
		}
		return printClusters(w, list, as, now)
	}},
	"matrix": {matrixFormats, func(w io.Writer, fleet *fleetView, as format) error {
		return printMatrix(w, newMatrixView(fleet, false), as)
	}},
	"drift": {driftFormats, func(w io.Writer, fleet *fleetView, as format) error {
		return printDrift(w, newDriftView(fleet), as, now)
	}},
}

func TestFleetGoldens(t *testing.T) {
	t.Parallel()
	for name, p := range fleetPrinters {
		for _, as := range p.formats {
			t.Run(name+" as "+string(as), func(t *testing.T) {
				t.Parallel()
				var b bytes.Buffer
				if err := p.print(&b, fleetOf(sampleMembers()), as); err != nil {
					t.Fatal(err)
				}
				golden(t, name+"."+string(as), b.String())
			})
		}
	}
}

func TestNothingHostileOfAFleetReachesTheTerminal(t *testing.T) {
	t.Parallel()
	many := hostileMembers()
	for i := range 3 {
		for _, m := range hostileMembers() {
			m.Name = fmt.Sprint(i) + m.Name
			many = append(many, m)
		}
	}
	for name, p := range fleetPrinters {
		for _, as := range p.formats {
			for size, members := range map[string][]*v1alpha1.MemberCluster{"few": hostileMembers(), "many": many} {
				t.Run(fmt.Sprintf("%s of %s clusters as %s", name, size, as), func(t *testing.T) {
					t.Parallel()
					var b bytes.Buffer
					if err := p.print(&b, fleetOf(members), as); err != nil {
						t.Fatal(err)
					}
					checkSafeLines(t, b.String())
				})
			}
		}
	}
}

func TestDocumentsOfAFleetCanBeRead(t *testing.T) {
	t.Parallel()
	for name, p := range fleetPrinters {
		for state, members := range map[string][]*v1alpha1.MemberCluster{"no": nil, "some": sampleMembers()} {
			t.Run(name+" of "+state+" clusters", func(t *testing.T) {
				t.Parallel()
				var asJSON, asYAML, asCSV bytes.Buffer
				for as, b := range map[format]*bytes.Buffer{formatJSON: &asJSON, formatYAML: &asYAML, formatCSV: &asCSV} {
					if err := p.print(b, fleetOf(members), as); err != nil {
						t.Fatal(err)
					}
				}
				var fromJSON, fromYAML map[string]any
				if err := json.Unmarshal(asJSON.Bytes(), &fromJSON); err != nil {
					t.Fatalf("reading JSON: %v", err)
				}
				if err := yaml.Unmarshal(asYAML.Bytes(), &fromYAML); err != nil {
					t.Fatalf("reading YAML: %v", err)
				}
				if diff := cmp.Diff(fromJSON, fromYAML); diff != "" {
					t.Errorf("JSON and YAML differ:\n%s", diff)
				}
				for key, value := range fromJSON {
					if value == nil {
						t.Errorf("%s is null, which is no list", key)
					}
				}
				// The reader checks that all lines have the same number of cells.
				rows, err := csv.NewReader(&asCSV).ReadAll()
				if err != nil || len(rows) == 0 || members != nil && len(rows) == 1 {
					t.Errorf("reading CSV: %d lines, %v", len(rows), err)
				}
			})
		}
	}
}

func TestFailingWritesOfAFleetAreReported(t *testing.T) {
	t.Parallel()
	for name, p := range fleetPrinters {
		for _, as := range p.formats {
			for _, left := range []int{0, 40, 900} {
				var b bytes.Buffer
				if err := p.print(&b, fleetOf(sampleMembers()), as); err != nil || b.Len() <= left {
					continue
				}
				if err := p.print(&brokenWriter{left}, fleetOf(sampleMembers()), as); !errors.Is(err, errBroken) {
					t.Errorf("%s as %s after %d bytes: got %v", name, as, left, err)
				}
			}
		}
		if err := p.print(io.Discard, fleetOf(nil), formatText); err == nil {
			t.Errorf("%s were written as text", name)
		}
	}
}

func TestShortenDistinct(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ texts, want []string }{
		"nothing stays nothing":                   {nil, []string{}},
		"short texts stay":                        {[]string{"a", "", "a"}, []string{"a", "", "a"}},
		"long ones are cut":                       {[]string{"aaaaaaaa", "b"}, []string{"aaa…", "b"}},
		"equal ones stay equal":                   {[]string{"aaaaaaaa", "aaaaaaaa"}, []string{"aaa…", "aaa…"}},
		"texts that differ at their end still do": {[]string{"aaaaaaab", "aaaaaaac", "a"}, []string{"aaaaaaab", "aaaaaaac", "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, shortenDistinct(c.texts, 4)); diff != "" {
				t.Errorf("texts differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestClustersCommand(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile(filepath.Join("testdata", "clusters.table"))
	if err != nil {
		t.Fatal(err)
	}
	const rollout = "TLSPlatform fleet: rollout of fleet-7c9d is stopped in wave 2, 2 of 6 clusters have it: cert-manager is not ready in prod-eu-2\n"
	for name, c := range map[string]struct {
		objects []client.Object
		args    []string
		want    result
	}{
		"the fleet has a footer": {hub(), []string{"clusters"}, result{
			out: string(table), err: "6 clusters: 2 in sync, 2 not connected, 1 with a silent agent, 1 with drift\n" + rollout,
		}},
		"labels choose":                 {hub(), []string{"clusters", "-l", "stage in (prod,hub)", "-o", "name"}, result{out: "local\nprod-eu-1\nprod-eu-2\nsilent\n"}},
		"names choose":                  {hub(), []string{"clusters", "--cluster", "silent,local", "-o", "name"}, result{out: "local\nsilent\n"}},
		"no match is said":              {hub(), []string{"clusters", "-l", "stage=none"}, result{err: "no cluster matches\n"}},
		"so it is in matrices":          {hub(), []string{"matrix", "-l", "stage=none"}, result{err: "no cluster matches\n"}},
		"and in drift":                  {hub(), []string{"drift", "-l", "stage=none", "--exit-code"}, result{err: "no cluster matches\n"}},
		"an unknown name lists others":  {hub(), []string{"clusters", "--cluster", "prod"}, result{failure: `--cluster: there is no cluster "prod": use one of edge-7, fresh, local, prod-eu-1, prod-eu-2, silent`}},
		"without members there is none": {nil, []string{"clusters", "--cluster", "prod"}, result{failure: `--cluster: there is no cluster "prod": the hub has no MemberCluster`}},
		"name and labels may disagree":  {hub(), []string{"matrix", "--cluster", "local", "-l", "stage=prod"}, result{failure: `--cluster: cluster "local" does not have the labels of --selector stage=prod`}},
		"bad labels are an error":       {hub(), []string{"drift", "-l", "a=b=c"}, result{failure: `--selector: found '=', expected: ',' or 'end of string'`}},
		"bad formats are an error":      {hub(), []string{"matrix", "-o", "name"}, result{failure: `--output: "name" is not known: use one of table, wide, json, yaml, csv`}},
		"drift ends with its exit code": {hub(), []string{"drift", "-o", "csv", "--exit-code", "--cluster", "edge-7"}, result{
			out: "type,cluster,subject,state,fields,by,since,value,majority,agreeing,of\nNotSeen,edge-7,,,,,,Unreachable: dial tcp 192.0.2.7:6443: i/o timeout,,,\n",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, run(t, false, c.objects, c.args...), cmp.AllowUnexported(result{})); diff != "" {
				t.Errorf("result differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoadMembers(t *testing.T) {
	t.Parallel()
	resource := schema.GroupResource{Group: "tlsplatform.io", Resource: "memberclusters"}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"a cluster without the kind is no hub": {apierrors.NewNotFound(resource, ""), "the cluster of this context is no hub: it does not know the kind MemberCluster; --context chooses another one"},
		"a right that is missing is named":     {apierrors.NewForbidden(resource, "", errors.New("no")), "you need the right to list memberclusters.tlsplatform.io: "},
		"other errors say what was read":       {errBroken, "reading MemberClusters: broken pipe"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reader := clientWith(t, interceptor.Funcs{List: func(_ context.Context, _ client.WithWatch, _ client.ObjectList, _ ...client.ListOption) error {
				return c.err
			}})
			if _, err := loadMembers(t.Context(), reader); err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestRunOnAHub speaks HTTP, as the program does.
func TestRunOnAHub(t *testing.T) {
	t.Parallel()
	pages := map[string]v1alpha1.MemberClusterList{}
	first, second := v1alpha1.MemberClusterList{}, v1alpha1.MemberClusterList{}
	for i, m := range sampleMembers() {
		page := &first
		if i > 2 {
			page = &second
		}
		page.Items = append(page.Items, *m)
	}
	first.Continue = "more"
	pages["/hub/apis/tlsplatform.io/v1alpha1/memberclusters?limit=50"] = first
	pages["/hub/apis/tlsplatform.io/v1alpha1/memberclusters?continue=more&limit=50"] = second
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.URL.RequestURI()]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		page.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("MemberClusterList"))
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(page); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	for name, c := range map[string]struct {
		path string
		args []string
		code int
		want string
	}{
		"all pages are read":                      {"/hub", []string{"clusters", "-o", "name"}, 0, "edge-7\nfresh\nlocal\nprod-eu-1\nprod-eu-2\nsilent\n"},
		"a state of rollouts that is not told":    {"/hub", []string{"clusters", "--cluster", "fresh"}, 0, "CLUSTER "},
		"drift is no error":                       {"/hub", []string{"drift"}, 0, "CLUSTER "},
		"drift is an exit code when asked for":    {"/hub", []string{"drift", "--exit-code", "-o", "csv"}, 3, "type,cluster,"},
		"without drift there is nothing to say":   {"/hub", []string{"drift", "--exit-code", "--cluster", "local"}, 0, "No object is known to be changed by others.\n"},
		"an error has another exit code":          {"/hub", []string{"drift", "--exit-code", "--cluster", "x"}, 1, "error: --cluster: there is no cluster \"x\": use one of edge-7, "},
		"a cluster that is no hub says so":        {"/member", []string{"clusters"}, 1, "error: the cluster of this context is no hub: "},
		"a cluster that is no hub has no matrix":  {"/member", []string{"matrix"}, 1, "error: the cluster of this context is no hub: "},
		"a cluster that is no hub knows no drift": {"/member", []string{"drift", "--exit-code"}, 1, "error: the cluster of this context is no hub: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
			data := fmt.Sprintf(`{"apiVersion": "v1", "kind": "Config", "current-context": "a",
				"clusters": [{"name": "a", "cluster": {"server": %q}}], "contexts": [{"name": "a", "context": {"cluster": "a"}}]}`, server.URL+c.path)
			if err := os.WriteFile(kubeconfig, []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
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
