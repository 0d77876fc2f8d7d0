package scenarios

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
)

// inventoryChecks build on what the story has left.
var inventoryChecks = []Scenario{
	{"The agent may read Secrets and write its report, and nothing else", false, agentMayOnlyRead},
	{"Metrics of the agent are served only to those who may read them", false, agentMetricsAreGuarded},
	{"Garbage is listed with what is wrong with it, and nothing is lost", false, garbageIsListed},
	{"Private keys appear nowhere", false, keysAppearNowhere},
	{"What is known of an orphan survives a restart of the agent", false, orphanSurvivesRestart},
	{"The agent writes nothing while nothing changes", false, agentWritesNothing},
}

// inventoryLeaving runs after the platform was deleted with Remove.
var inventoryLeaving = []Scenario{
	{"The agent has gone with the platform, and its list with it", false, agentIsGone},
}

// may asks the API server whether a ServiceAccount of the operator may do
// something.
func (w *World) may(ctx context.Context, account, verb string, on authorizationv1.ResourceAttributes) (bool, error) {
	on.Verb = verb
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User:               "system:serviceaccount:" + SystemNamespace + ":" + account,
		Groups:             []string{"system:serviceaccounts", "system:serviceaccounts:" + SystemNamespace, "system:authenticated"},
		ResourceAttributes: &on,
	}}
	if err := w.Client.Create(ctx, review); err != nil {
		return false, fmt.Errorf("asking whether %s may %s %s: %w", account, verb, on.Resource, err)
	}
	return review.Status.Allowed, nil
}

func agentMayOnlyRead(ctx context.Context, w *World, _ Teller) error {
	secrets := authorizationv1.ResourceAttributes{Resource: "secrets"}
	pods := authorizationv1.ResourceAttributes{Resource: "pods"}
	ours := func(resource, subresource, namespace, name string) authorizationv1.ResourceAttributes {
		return authorizationv1.ResourceAttributes{
			Group: v1alpha1.GroupVersion.Group, Resource: resource, Subresource: subresource, Namespace: namespace, Name: name,
		}
	}
	var errs []error
	for _, c := range []struct {
		want    bool
		account string
		verbs   string
		on      authorizationv1.ResourceAttributes
	}{
		{true, Agent, "list watch", secrets},
		{false, Agent, "create update patch delete deletecollection", secrets},
		{true, Agent, "list watch", pods},
		{false, Agent, "create update patch delete", pods},
		{false, Agent, "create get", authorizationv1.ResourceAttributes{Resource: "pods", Subresource: "exec"}},
		{false, Agent, "create update patch delete", authorizationv1.ResourceAttributes{Resource: "configmaps"}},
		{false, Agent, "create", authorizationv1.ResourceAttributes{Resource: "serviceaccounts", Subresource: "token"}},
		{false, Agent, "impersonate", authorizationv1.ResourceAttributes{Resource: "users"}},
		{false, Agent, "create update escalate bind", authorizationv1.ResourceAttributes{Group: rbacv1.GroupName, Resource: "clusterroles"}},
		{false, Agent, "create update delete", authorizationv1.ResourceAttributes{Group: "cert-manager.io", Resource: "certificates"}},
		{true, Agent, "create update delete", ours("certificateslices", "", SystemNamespace, "")},
		{false, Agent, "create update delete", ours("certificateslices", "", TeamNamespace, "")},
		{true, Agent, "patch", ours("tlsagents", "status", "", v1alpha1.AgentName)},
		{false, Agent, "create update patch delete", ours("tlsagents", "", "", v1alpha1.AgentName)},
		{false, Agent, "get list", ours("tlsplatforms", "", "", "")},
		{false, "tls-platform-hub", "list watch", secrets},
		{false, "tls-platform-hub", "list", ours("certificateslices", "", SystemNamespace, "")},
	} {
		for verb := range strings.FieldsSeq(c.verbs) {
			got, err := w.may(ctx, c.account, verb, c.on)
			if err == nil && got != c.want {
				err = fmt.Errorf("may %s %s %s %s/%s? %v, want %v", c.account, verb, c.on.Resource, c.on.Subresource, c.on.Namespace, got, c.want)
			}
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// agentPod is the pod that the agent runs in.
func (w *World) agentPod(ctx context.Context) (*corev1.Pod, error) {
	var pods corev1.PodList
	if err := w.Client.List(ctx, &pods, client.InNamespace(SystemNamespace), client.MatchingLabels{"app.kubernetes.io/component": "agent"}); err != nil {
		return nil, fmt.Errorf("listing the agent's pods: %w", err)
	}
	if len(pods.Items) != 1 {
		return nil, fmt.Errorf("the agent has %d pods", len(pods.Items))
	}
	return &pods.Items[0], nil
}

// scrapeAgent asks the agent for its metrics.
func (w *World) scrapeAgent(ctx context.Context, token string) (code int, body string, err error) {
	pod, err := w.agentPod(ctx)
	if err != nil {
		return 0, "", err
	}
	address, ok := w.Cluster.Node().Route(pod.Status.PodIP, 8443)
	if !ok {
		return 0, "", fmt.Errorf("pod %s does not listen on 8443", pod.Name)
	}
	return scrape(ctx, address, token)
}

// inventoryScraper is the ServiceAccount that scrapes the agent.
const inventoryScraper = "inventory-scraper"

// metricsToken is a token of the scraper.
func (w *World) metricsToken(ctx context.Context) (string, error) {
	token, err := w.Kubectl(ctx, "-n", metav1.NamespaceDefault, "create", "token", inventoryScraper)
	return strings.TrimSpace(token), err
}

func agentMetricsAreGuarded(ctx context.Context, w *World, t Teller) error {
	if _, err := w.Kubectl(ctx, "-n", metav1.NamespaceDefault, "create", "serviceaccount", inventoryScraper); err != nil {
		return err
	}
	token, err := w.metricsToken(ctx)
	if err != nil {
		return err
	}
	for _, c := range []struct {
		who, token string
		want       int
	}{
		{"nobody", "", http.StatusUnauthorized},
		{"somebody with a bad token", "not-a-token", http.StatusUnauthorized},
		{"a ServiceAccount without the role", token, http.StatusForbidden},
	} {
		code, body, err := w.scrapeAgent(ctx, c.token)
		if err != nil {
			return err
		}
		if code != c.want || strings.Contains(body, names.MetricInventoryCertificates) {
			return fmt.Errorf("metrics for %s: %d and %d bytes, want %d", c.who, code, len(body), c.want)
		}
	}
	_, err = w.Kubectl(ctx, "create", "clusterrolebinding", inventoryScraper, "--clusterrole=tls-platform-metrics-reader",
		"--serviceaccount="+metav1.NamespaceDefault+":"+inventoryScraper)
	if err != nil {
		return err
	}
	return w.eventually(ctx, func() error {
		code, body, err := w.scrapeAgent(ctx, token)
		if err != nil {
			return err
		}
		if code != http.StatusOK {
			return fmt.Errorf("metrics for a ServiceAccount with the role: %d, want 200", code)
		}
		t.Say("%d bytes of metrics", len(body))
		return series(body,
			[]string{names.MetricInventoryNotAfter + "{", `certificate_name="` + Orphan + `"`, `managed_by="by hand"`},
			[]string{names.MetricInventoryRenewal + "{", `certificate_name="web-tls"`, `certificate_namespace="` + TeamNamespace + `"`},
			[]string{names.MetricInventoryOrphaned + "{", `layer="Application"`, "} 1"},
			[]string{names.MetricInventoryCertificates + "{", `layer="Mesh"`, `role="Authority"`},
			[]string{names.MetricInventoryCoverage + "{", `resource="secrets"`},
			[]string{names.MetricAuthorityNotAfter + "{", `mesh="Istio"`},
		)
	})
}

// series checks that for each list some line has all of its parts.
func series(body string, wanted ...[]string) error {
	var errs []error
next:
	for _, parts := range wanted {
		for line := range strings.Lines(body) {
			if contains(line, parts...) == nil {
				continue next
			}
		}
		errs = append(errs, fmt.Errorf("no series has %s", strings.Join(parts, " ")))
	}
	return errors.Join(errs...)
}

func orphanSurvivesRestart(ctx context.Context, w *World, t Teller) error {
	var before v1alpha1.CertificateRecord
	orphan := wantedRecord{"Secret", TeamNamespace, Orphan, "tls.crt", func(r *v1alpha1.CertificateRecord) error {
		before = *r
		return isOrphan(r)
	}}
	if err := w.waitRecords(ctx, orphan); err != nil {
		return err
	}
	pod, err := w.agentPod(ctx)
	if err != nil {
		return err
	}
	if _, err := w.Kubectl(ctx, "-n", SystemNamespace, "delete", "pod", pod.Name); err != nil {
		return err
	}
	// What was made meanwhile is found by the new one alone.
	ca, err := newAuthority("Example Corp CA of 2021")
	if err != nil {
		return err
	}
	pair, err := ca.issue(leaf{names: []string{"later.example.com"}, left: 24 * time.Hour})
	if err != nil {
		return err
	}
	later := tlsSecret(TeamNamespace, "later-tls", pair)
	if err := w.create(ctx, later); err != nil {
		return err
	}
	if err := w.waitRecords(ctx, wantedRecord{"Secret", TeamNamespace, "later-tls", "tls.crt", isOrphan}); err != nil {
		return err
	}
	after := wantedRecord{"Secret", TeamNamespace, Orphan, "tls.crt", func(r *v1alpha1.CertificateRecord) error {
		if !r.UnreferencedSince.Equal(before.UnreferencedSince) || !r.Orphan {
			return fmt.Errorf("unreferenced since %s and orphan %v, before the restart since %s", r.UnreferencedSince, r.Orphan, before.UnreferencedSince)
		}
		return nil
	}}
	all, err := w.records(ctx)
	if err != nil {
		return err
	}
	if err := after.among(all); err != nil {
		return err
	}
	t.Say("the orphan is unreferenced since %s, as before", before.UnreferencedSince.UTC().Format(time.DateTime))
	if err := w.Client.Delete(ctx, later); err != nil {
		return fmt.Errorf("deleting Secret later-tls: %w", err)
	}
	return w.gone(ctx, TeamNamespace, "later-tls")
}

// gone waits until the list has no record of a namespace, or of one object in it.
func (w *World) gone(ctx context.Context, namespace, name string) error {
	return w.eventually(ctx, func() error {
		all, err := w.records(ctx)
		if err != nil {
			return err
		}
		for i := range all {
			if all[i].Namespace == namespace && (name == "" || all[i].Name == name) {
				return fmt.Errorf("%s %s/%s is gone and still listed", all[i].Kind, namespace, all[i].Name)
			}
		}
		return nil
	})
}

func agentWritesNothing(ctx context.Context, w *World, t Teller) error {
	if err := w.counted(ctx); err != nil {
		return err
	}
	events, err := w.silence(ctx, 30*time.Second)
	if err != nil {
		return err
	}
	requests, renewals := 0, 0
	for _, e := range events {
		if !strings.HasSuffix(e.User.Username, ":"+Agent) {
			continue
		}
		requests++
		if !strings.HasPrefix(e.UserAgent, Agent) {
			return fmt.Errorf("the agent calls itself %q", e.UserAgent)
		}
		if e.ObjectRef.Resource == "leases" {
			renewals++
		}
	}
	if renewals == 0 {
		return errors.New("the agent did not renew its Lease, so nothing can be said about it")
	}
	t.Say("no write and %d requests of the agent in 30 s, %d of them for its Lease", requests, renewals)
	return nil
}

func agentIsGone(ctx context.Context, w *World, _ Teller) error {
	cluster := func(resource string) schema.GroupVersionResource {
		return schema.GroupVersionResource{Group: rbacv1.GroupName, Version: "v1", Resource: resource}
	}
	for _, o := range []struct {
		gvr             schema.GroupVersionResource
		namespace, name string
	}{
		{Deployments, SystemNamespace, Agent},
		{Agents, "", v1alpha1.AgentName},
		{cluster("clusterroles"), "", names.AgentMaterial},
		{cluster("clusterrolebindings"), "", names.AgentMaterial},
		{cluster("clusterrolebindings"), "", Agent},
		{schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}, SystemNamespace, Agent},
	} {
		if err := w.Wait(ctx, o.gvr, o.namespace, o.name, harness.Absent); err != nil {
			return err
		}
	}
	// The pages belong to the TLSAgent, and go with it.
	return w.eventually(ctx, func() error {
		all, err := w.records(ctx)
		if err == nil && len(all) > 0 {
			err = fmt.Errorf("%d records are still there", len(all))
		}
		return err
	})
}

// raw is an object as the API server gives it.
func raw(o any) (string, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return "", fmt.Errorf("encoding %T: %w", o, err)
	}
	return string(text), nil
}
