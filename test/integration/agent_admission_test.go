package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

var _ = Describe("A TLSAgent", Serial, func() {
	It("belongs to one hub", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{})
		var agent v1alpha1.TLSAgent
		Expect(b.client.Get(ctx, client.ObjectKey{Name: v1alpha1.AgentName}, &agent)).To(Succeed())
		agent.Spec.Hub.UID = "another"
		err := b.client.Update(ctx, &agent)
		Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
		Expect(err).To(MatchError(ContainSubstring("another hub manages this cluster: delete the MemberCluster there")))

		By("and a hub that takes over has to name the one before")
		agent.Spec.Hub = v1alpha1.HubReference{UID: "new", TakenFrom: "wrong"}
		Expect(apierrors.IsInvalid(b.client.Update(ctx, &agent))).To(BeTrue())
		agent.Spec.Hub.TakenFrom = "hub"
		Expect(b.client.Update(ctx, &agent)).To(Succeed())
		agent.Spec.Hub = v1alpha1.HubReference{UID: "hub", TakenFrom: "new"}
		Expect(b.client.Update(ctx, &agent)).To(Succeed())

		By("which may change what it asks")
		agent.Spec.Hub.UID, agent.Spec.Cluster = "hub", "renamed"
		Expect(b.client.Update(ctx, &agent)).To(Succeed())
	}, NodeTimeout(time.Minute))

	It("is named default, and what it asks can be done", func(ctx SpecContext) {
		c, err := client.New(config, client.Options{Scheme: scheme})
		Expect(err).NotTo(HaveOccurred())
		path := func(path string) func(*v1alpha1.TLSAgent) {
			return func(a *v1alpha1.TLSAgent) {
				a.Spec.Inventory.References = []v1alpha1.Reference{{Group: "example.com", Kind: "Widget", Path: path}}
			}
		}
		for what, test := range map[string]struct {
			change  func(*v1alpha1.TLSAgent)
			message string // empty when it is accepted
		}{
			"another name": {func(a *v1alpha1.TLSAgent) { a.Name = "second" }, "a cluster has one TLSAgent, and its name is default"},
			"no hub":       {func(a *v1alpha1.TLSAgent) { a.Spec.Hub.UID = "" }, "spec.hub.uid"},
			"no cluster":   {func(a *v1alpha1.TLSAgent) { a.Spec.Cluster = "" }, "spec.cluster"},
			"a negative grace period": {func(a *v1alpha1.TLSAgent) {
				a.Spec.Inventory.OrphanGracePeriod = &metav1.Duration{Duration: -time.Hour}
			}, "orphanGracePeriod must not be negative"},
			"no grace period at all":    {func(a *v1alpha1.TLSAgent) { a.Spec.Inventory.OrphanGracePeriod = &metav1.Duration{} }, ""},
			"a path":                    {path(".spec.listeners[*].tls['a.b/c']"), ""},
			"a path without a dot":      {path("spec.secretName"), "spec.inventory.references[0].path"},
			"a path with an index":      {path(".spec.tls[0].secretName"), "spec.inventory.references[0].path"},
			"a path with a filter":      {path(".spec.tls[?(@.a)].b"), "spec.inventory.references[0].path"},
			"a path that descends":      {path(".spec..secretName"), "spec.inventory.references[0].path"},
			"a path in braces":          {path("{.spec.secretName}"), "spec.inventory.references[0].path"},
			"a path with an empty name": {path(".spec['']"), "spec.inventory.references[0].path"},
			"an empty key":              {func(a *v1alpha1.TLSAgent) { a.Spec.Inventory.Keys = []v1alpha1.KeyPattern{{}} }, "spec.inventory.keys[0].key"},
			"keys of another kind":      {func(a *v1alpha1.TLSAgent) { a.Spec.Inventory.Keys = []v1alpha1.KeyPattern{{Kind: "Pod", Key: "a"}} }, "spec.inventory.keys[0].kind"},
			"a namespace twice":         {func(a *v1alpha1.TLSAgent) { a.Spec.Inventory.Namespaces.Include = []string{"a", "a"} }, "spec.inventory.namespaces.include[1]"},
			"a rule that matches all":   {func(a *v1alpha1.TLSAgent) { a.Spec.Inventory.Export.Deny = []v1alpha1.ExportRule{{}} }, "give layers, namespaces or both"},
			"a layer that there is not": {func(a *v1alpha1.TLSAgent) {
				a.Spec.Inventory.Export.Allow = []v1alpha1.ExportRule{{Layers: []v1alpha1.Layer{"Edge"}}}
			}, "spec.inventory.export.allow[0].layers[0]"},
			"a name for a namespace at all": {func(a *v1alpha1.TLSAgent) { a.Spec.Inventory.Namespaces.Exclude = []string{"kube-system"} }, ""},
		} {
			agent := &v1alpha1.TLSAgent{
				ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.AgentName},
				Spec:       v1alpha1.TLSAgentSpec{Hub: v1alpha1.HubReference{UID: "hub"}, Cluster: "test"},
			}
			test.change(agent)
			err := c.Create(ctx, agent, client.DryRunAll)
			if test.message == "" {
				Expect(err).NotTo(HaveOccurred(), what)
				continue
			}
			Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%s: %v", what, err)
			Expect(err).To(MatchError(ContainSubstring(test.message)), what)
		}
	}, NodeTimeout(time.Minute))
})
