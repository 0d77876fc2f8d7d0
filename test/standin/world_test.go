package standin

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// object reads one, nil when it does not exist.
func (s *server) object(t *testing.T, path string) *unstructured.Unstructured {
	t.Helper()
	code, raw := s.do(t, step{method: http.MethodGet, path: path})
	if code != http.StatusOK {
		return nil
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	return u
}

func (s *server) must(t *testing.T, st step) {
	t.Helper()
	if code, raw := s.do(t, st); code != st.code {
		t.Fatalf("%s %s: %d, want %d: %s", st.method, st.path, code, st.code, raw)
	}
}

// populated is a stand-in with everything of the script that is left.
func populated(t *testing.T, c *Cluster) *server {
	t.Helper()
	s := newServer(t, c.Name, c.Config())
	for _, n := range script(t) {
		if n.step.path != "" {
			s.must(t, n.step)
		}
	}
	return s
}

func TestWhatIsAppliedBecomesHealthy(t *testing.T) {
	t.Parallel()
	s := populated(t, startFleet(t, Options{Members: 1}).Clusters()[0])
	for path, condition := range map[string]string{
		deployPath: "Available",
		"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/tlsagents.tlsplatform.io": "Established",
	} {
		if u := s.object(t, path); u == nil || !isTrue(u, condition) {
			t.Errorf("%s is not %s: %v", path, condition, u)
		}
	}
	u := s.object(t, deployPath)
	if seen, _, _ := unstructured.NestedInt64(u.Object, "status", "observedGeneration"); seen != u.GetGeneration() {
		t.Errorf("observedGeneration %d of generation %d", seen, u.GetGeneration())
	}
}

// agentDeployment makes the simulated agent run.
const agentDeployment = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"tls-platform-agent","namespace":"tls-platform-system"},
"spec":{"selector":{"matchLabels":{"app":"a"}},"template":{"metadata":{"labels":{"app":"a"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}`

func TestTheAgentReportsDrift(t *testing.T) {
	t.Parallel()
	c := startFleet(t, Options{Members: 1, AgentVersion: "v9", Certificates: 7}).Clusters()[0]
	s := populated(t, c)
	const role = rbacPath + "/clusterroles/watched?fieldManager=tls-platform%2Fp&force=true"
	s.must(t, apply(role, `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"watched","labels":{"a":"b"}},"rules":[]}`, http.StatusCreated))
	c.mu.Lock()
	o := c.storeOf(c.byKind(roleKind).GroupVersionResource).objects["watched"]
	hash := c.hashOf(o, "tls-platform/p")
	c.mu.Unlock()
	book := `{\"platform\":\"p\",\"uid\":\"u\",\"objects\":[{\"group\":\"rbac.authorization.k8s.io\",\"kind\":\"ClusterRole\",\"name\":\"watched\",\"part\":\"p\",\"version\":\"v1\",\"uid\":\"` +
		string(o.uid) + `\",\"fields\":\"` + hash + `\"}]}`
	s.must(t, apply(ledgerPath+"?fieldManager=x", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"tls-platform-ledger"},"data":{"ledger.json":"`+book+`"}}`, http.StatusCreated))
	s.must(t, apply("/apis/apps/v1/namespaces/tls-platform-system/deployments/tls-platform-agent?fieldManager=x", agentDeployment, http.StatusCreated))
	s.must(t, apply(agentsPath+"/default?fieldManager=x", agentYAML("one", "cert-manager"), http.StatusCreated))
	s.waitDrift(t, 0)
	s.must(t, step{method: http.MethodPatch, path: rbacPath + "/clusterroles/watched?fieldManager=hand", contentType: mergeType, body: `{"metadata":{"labels":{"a":"c"}}}`, code: http.StatusOK})
	s.waitDrift(t, 1)
	s.must(t, apply(role, `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"watched","labels":{"a":"b"}},"rules":[]}`, http.StatusOK))
	s.waitDrift(t, 0)
	s.must(t, step{method: http.MethodDelete, path: rbacPath + "/clusterroles/watched", code: http.StatusOK})
	s.waitDrift(t, 1)
	for c.agent.running == "" || s.object(t, leasePath+"/tls-platform-agent") == nil {
		if t.Context().Err() != nil {
			t.Fatal("the agent has no Lease")
		}
		c.renewLease()
	}
}

var roleKind = schema.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}

// waitDrift reads the report until it says so.
func (s *server) waitDrift(t *testing.T, want int64) {
	t.Helper()
	end := time.Now().Add(20 * time.Second)
	for {
		u := s.object(t, agentsPath+"/default")
		got, found, _ := unstructured.NestedInt64(u.Object, "status", "estate", "drifted")
		version, _, _ := unstructured.NestedString(u.Object, "status", "version")
		if found && got == want && version == "v9" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("drifted %d (%v) by %q, want %d", got, found, version, want)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		fault Fault
		path  string
		want  int // zero for no answer
		says  string
	}{
		"unauthorized":                     {Fault{Kind: Unauthorized}, "/version", http.StatusUnauthorized, "Unauthorized"},
		"failing":                          {Fault{Kind: Failing}, "/version", http.StatusInternalServerError, "told to fail"},
		"hanging":                          {Fault{Kind: Hanging}, "/version", 0, "deadline"},
		"refusing":                         {Fault{Kind: Refusing}, "/version", 0, ""},
		"slow":                             {Fault{Kind: Slow, Delay: time.Millisecond}, "/version", http.StatusOK, "v1."},
		"a group that is missing":          {Fault{Kind: GroupMissing, Group: "apps"}, "/apis/apps/v1", http.StatusServiceUnavailable, "unable"},
		"beside a group that is missing":   {Fault{Kind: GroupMissing, Group: "apps"}, "/api/v1/namespaces", http.StatusOK, "kube-system"},
		"old Kubernetes":                   {Fault{Kind: OldKubernetes, Version: "v1.27.3"}, "/version", http.StatusOK, "v1.27.3"},
		"a kind that old Kubernetes lacks": {Fault{Kind: OldKubernetes, Version: "v1.27.3"}, "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies", http.StatusNotFound, "could not find"},
	}
	fleet := startFleet(t, Options{Members: 1})
	c := fleet.Clusters()[0]
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) { // not in parallel: it is one cluster
			s := newServer(t, c.Name, c.Config())
			if err := c.SetFault(t.Context(), tc.fault); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			if tc.want == 0 && tc.fault.Kind == Hanging {
				ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
			}
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+tc.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			var code int
			var text string
			if res, err := s.client.Do(req); err != nil {
				text = err.Error()
			} else {
				raw := make([]byte, 4096)
				n, _ := res.Body.Read(raw)
				code, text = res.StatusCode, string(raw[:n])
				_ = res.Body.Close()
			}
			if code != tc.want || !strings.Contains(text, tc.says) {
				t.Errorf("%d %s, want %d %q", code, text, tc.want, tc.says)
			}
			if err := c.SetFault(t.Context(), Fault{}); err != nil {
				t.Fatal(err)
			}
			if code, raw := s.do(t, step{method: http.MethodGet, path: "/version"}); code != http.StatusOK {
				t.Errorf("healed, it answers %d %s", code, raw)
			}
		})
	}
}

func TestTokensEndWithTheirAccount(t *testing.T) {
	t.Parallel()
	c := startFleet(t, Options{Members: 1}).Clusters()[0]
	s := populated(t, c)
	now := time.Now()
	config := c.Config()
	ask := func(token string) int {
		config.BearerToken = token
		code, _ := newServer(t, c.Name, config).do(t, step{method: http.MethodGet, path: "/version"})
		return code
	}
	good := c.token(serviceAccountPrefix+"tls-platform-system:tls-platform-hub", now, now.Add(time.Hour))
	got := map[string]int{
		"good":    ask(good),
		"expired": ask(c.token(adminUser, now, now.Add(-time.Second))),
		"forged":  ask(good[:len(good)-4] + "AAAA"),
		"none":    ask(""),
		"nobody":  ask(c.token(serviceAccountPrefix+"x:y", now, now.Add(time.Hour))),
		"admin":   ask(c.token(adminUser, now, now.Add(time.Hour))),
	}
	s.must(t, step{method: http.MethodDelete, path: systemPath + "/serviceaccounts/tls-platform-hub", code: http.StatusOK})
	got["deleted"] = ask(good)
	c.Withdraw()
	got["withdrawn"] = ask(c.token(adminUser, now, now.Add(time.Hour)))
	want := map[string]int{"good": 200, "expired": 401, "forged": 401, "none": 401, "nobody": 401, "admin": 200, "deleted": 401, "withdrawn": 401}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestCountersTellWritesFromLeases(t *testing.T) {
	t.Parallel()
	c := startFleet(t, Options{Members: 1}).Clusters()[0]
	populated(t, c)
	got := c.Counters()
	var writes, leases int64
	for _, n := range script(t) {
		switch {
		case n.step.method == http.MethodGet || n.step.path == "" || strings.HasSuffix(n.step.path, "/token") || strings.Contains(n.step.path, "dryRun"):
		case strings.Contains(n.step.path, "/leases"):
			leases++
		default:
			writes++
		}
	}
	if got.Writes != writes || leases == 0 {
		t.Errorf("%d writes, want %d; %d of Leases apart", got.Writes, writes, leases)
	}
}

func TestAClusterAtRestIsSmall(t *testing.T) { //nolint:paralleltest // it measures the heap
	const members, most = 50, 400 << 10
	fleet := startFleet(t, Options{Members: members + 1})
	populated(t, fleet.Clusters()[0]) // what is shared is there now
	before := heap()
	for _, c := range fleet.Clusters()[1:] {
		populated(t, c).client.CloseIdleConnections()
		c.forget()
	}
	each := (heap() - before) / members
	t.Logf("%d KiB for each cluster", each>>10)
	if each > most {
		t.Errorf("a cluster takes %d bytes, want at most %d", each, most)
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestClustersListenOnLoopbackAlone(t *testing.T) {
	t.Parallel()
	for _, c := range startFleet(t, Options{Members: 2}).Clusters() {
		u, err := url.Parse(c.URL())
		if err != nil {
			t.Fatal(err)
		}
		if ip := net.ParseIP(u.Hostname()); !ip.IsLoopback() {
			t.Errorf("%s is at %s", c.Name, c.URL())
		}
	}
}
