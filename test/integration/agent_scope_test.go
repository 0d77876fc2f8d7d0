package integration

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// settle is longer than a Tail waits after it was refused.
const settle = 90 * time.Second

// another namespace beside the bench's.
func (b *agentBench) another(ctx context.Context) string {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "other-"}}
	Expect(b.client.Create(ctx, ns)).To(Succeed())
	return ns.Name
}

// certificates are the records of all namespaces, as "namespace/name".
func (b *agentBench) certificates(ctx context.Context) map[string]v1alpha1.CertificateRecord {
	var slices v1alpha1.CertificateSliceList
	Expect(b.client.List(ctx, &slices, client.InNamespace(b.system))).To(Succeed())
	found := map[string]v1alpha1.CertificateRecord{}
	for i := range slices.Items {
		for _, r := range slices.Items[i].Records {
			if r.Kind == "Secret" {
				found[r.Namespace+"/"+r.Name] = r
			}
		}
	}
	return found
}

// ask changes what the agent is asked for, and returns the generation that this
// makes.
func (b *agentBench) ask(ctx context.Context, change func(*v1alpha1.Inventory)) int64 {
	GinkgoHelper()
	var agent v1alpha1.TLSAgent
	Expect(b.client.Get(ctx, client.ObjectKey{Name: v1alpha1.AgentName}, &agent)).To(Succeed())
	before := agent.DeepCopy()
	change(&agent.Spec.Inventory)
	Expect(b.client.Patch(ctx, &agent, client.MergeFrom(before))).To(Succeed())
	return agent.Generation
}

// ready waits for the report of a generation.
func (b *agentBench) ready(ctx context.Context, generation int64) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		status := b.status(ctx, g)
		g.Expect(status.ObservedGeneration).To(Equal(generation))
		g.Expect(status.Conditions).To(ContainElement(And(HaveField("Type", v1alpha1.ConditionReady), HaveField("Status", metav1.ConditionTrue))))
	}).WithTimeout(soon).WithPolling(50 * time.Millisecond).Should(Succeed())
}

// seen waits until these Secrets have records and no others of those namespaces.
func (b *agentBench) seen(ctx context.Context, namespaces, want []string) {
	GinkgoHelper()
	Eventually(ctx, func() []string {
		found := []string{}
		for name, r := range b.certificates(ctx) {
			for _, namespace := range namespaces {
				if r.Namespace == namespace {
					found = append(found, name)
				}
			}
		}
		return found
	}).WithTimeout(soon).WithPolling(50 * time.Millisecond).Should(ConsistOf(want))
}

// aged waits until a record is unreferenced for some time, so that a time that is
// taken anew differs.
func (b *agentBench) aged(ctx context.Context, names ...string) map[string]metav1.Time {
	GinkgoHelper()
	since := map[string]metav1.Time{}
	Eventually(ctx, func(g Gomega) {
		found := b.certificates(ctx)
		for _, name := range names {
			g.Expect(found[name].UnreferencedSince).NotTo(BeNil(), "of %s", name)
			since[name] = *found[name].UnreferencedSince
			g.Expect(time.Since(since[name].Time)).To(BeNumerically(">", 2*time.Second))
		}
	}).WithTimeout(soon).WithPolling(100 * time.Millisecond).Should(Succeed())
	return since
}

func (b *agentBench) expectSince(ctx context.Context, want map[string]metav1.Time) {
	GinkgoHelper()
	found := b.certificates(ctx)
	for name, since := range want {
		Expect(found[name].UnreferencedSince).NotTo(BeNil(), "of %s", name)
		Expect(found[name].UnreferencedSince.Time).To(BeTemporally("==", since.Time), "of %s", name)
	}
}

// limitedRules let a user do all that the agent does, but for Secrets and
// ConfigMaps.
var limitedRules = []rbacv1.PolicyRule{
	{APIGroups: []string{""}, Resources: []string{"pods", "services", "namespaces"}, Verbs: []string{"list", "watch"}},
	{
		APIGroups: []string{"apps", "batch", "networking.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io"},
		Resources: []string{"*"}, Verbs: []string{"list", "watch"},
	},
	{APIGroups: []string{"coordination.k8s.io", v1alpha1.GroupVersion.Group}, Resources: []string{"*"}, Verbs: []string{"*"}},
}

// limited has the agent run as a user who reads Secrets where it is let.
func (b *agentBench) limited(ctx context.Context) (let func(ctx context.Context, namespace string)) {
	user := "agent-of-" + b.system
	added, err := environment.AddUser(envtest.User{Name: user}, nil)
	Expect(err).NotTo(HaveOccurred())
	b.config = added.Config()
	subjects := []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}}
	general := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: user}, Rules: limitedRules}
	material := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: user + "-material"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"secrets", "configmaps"}, Verbs: []string{"get", "list", "watch"}},
	}}
	b.create(ctx, general, material, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user}, Subjects: subjects,
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: general.Name},
	})
	return func(ctx context.Context, namespace string) {
		b.create(ctx, &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: user}, Subjects: subjects,
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: material.Name},
		})
	}
}

var _ = Describe("The namespaces that the agent reads", Serial, func() {
	It("are named where it may not, and the others are read", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{})
		other := b.another(ctx)
		let := b.limited(ctx)
		let(ctx, b.namespace)
		b.create(ctx, b.ca.secret(b.namespace, "web-tls"), b.ca.secret(other, "db-tls"), ingressFor(b.namespace, "web", "web-tls"))
		b.ask(ctx, func(i *v1alpha1.Inventory) { i.Namespaces.Include = []string{b.namespace, other} })
		b.start(ctx)
		b.seen(ctx, []string{b.namespace, other}, []string{b.namespace + "/web-tls"})
		Eventually(ctx, func(g Gomega) {
			status := b.status(ctx, g)
			g.Expect(status.Coverage).To(ContainElements(
				And(HaveField("Resource", "secrets"), HaveField("Namespace", other), HaveField("State", "Forbidden"), HaveField("Message", ContainSubstring("secrets"))),
				And(HaveField("Resource", "configmaps"), HaveField("Namespace", other), HaveField("State", "Forbidden")),
				And(HaveField("Resource", "secrets"), HaveField("Namespace", b.namespace), HaveField("State", "Reading")),
			))
			g.Expect(status.Conditions).To(ContainElements(
				And(HaveField("Type", v1alpha1.ConditionReady), HaveField("Status", metav1.ConditionTrue)),
				And(HaveField("Type", "CoverageComplete"), HaveField("Status", metav1.ConditionFalse), HaveField("Message", ContainSubstring(other))),
			))
		}).WithTimeout(soon).Should(Succeed())

		By("granting the right later")
		let(ctx, other)
		Eventually(ctx, func() map[string]v1alpha1.CertificateRecord { return b.certificates(ctx) }).
			WithTimeout(settle).WithPolling(time.Second).Should(HaveKey(other + "/db-tls"))
		Eventually(ctx, func(g Gomega) {
			g.Expect(b.status(ctx, g).Conditions).To(ContainElement(And(HaveField("Type", "CoverageComplete"), HaveField("Status", metav1.ConditionTrue))))
		}).WithTimeout(settle).Should(Succeed())
	}, NodeTimeout(5*time.Minute))

	It("can be left out", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{})
		other := b.another(ctx)
		b.create(ctx, b.ca.secret(b.namespace, "web-tls"), b.ca.secret(other, "db-tls"))
		b.ask(ctx, func(i *v1alpha1.Inventory) { i.Namespaces.Exclude = []string{other, "kube-system"} })
		b.start(ctx)
		b.seen(ctx, []string{b.namespace, other}, []string{b.namespace + "/web-tls"})
		b.create(ctx, b.ca.secret(b.namespace, "late-tls"), b.ca.secret(other, "late-tls"))
		b.seen(ctx, []string{b.namespace, other}, []string{b.namespace + "/web-tls", b.namespace + "/late-tls"})

		b.ready(ctx, b.ask(ctx, func(i *v1alpha1.Inventory) { i.Namespaces.Exclude = []string{b.namespace} }))
		b.seen(ctx, []string{b.namespace, other}, []string{other + "/db-tls", other + "/late-tls"})
	}, NodeTimeout(3*time.Minute))

	It("change while it runs, and what it knows of the others stays", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{})
		other := b.another(ctx)
		both := []string{b.namespace, other}
		web, db := b.namespace+"/web-tls", other+"/db-tls"
		b.create(ctx, b.ca.secret(b.namespace, "web-tls"), b.ca.secret(other, "db-tls"))
		b.ask(ctx, func(i *v1alpha1.Inventory) { i.Namespaces.Include = both })
		b.start(ctx)
		b.seen(ctx, both, []string{web, db})
		since := b.aged(ctx, web, db)

		for _, step := range []struct {
			what    string
			include []string
			want    []string
		}{
			{"the same in another order", []string{other, b.namespace}, []string{web, db}},
			{"one more, before the others", []string{b.system, other, b.namespace}, []string{web, db}},
			{"all", nil, []string{web, db}},
			{"some of all", both, []string{web, db}},
			{"one of them", []string{other}, []string{db}},
		} {
			By(step.what)
			b.ready(ctx, b.ask(ctx, func(i *v1alpha1.Inventory) { i.Namespaces.Include = step.include }))
			b.seen(ctx, both, step.want)
		}
		delete(since, web)
		b.expectSince(ctx, since)
	}, NodeTimeout(4*time.Minute))
})
