package integration

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/drift"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/agent"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/plantest"
)

// promptly is how soon drift is to be told.
const promptly = 5 * time.Second

// estateBench is an agent with a platform that applies to its cluster.
type estateBench struct {
	*agentBench
	book *ledger.Ledger
}

func newEstateBench(ctx context.Context) *estateBench {
	return &estateBench{newAgentBench(ctx, v1alpha1.Inventory{}), ledger.New("platform", "uid")}
}

// applies an object as the platform would, and notes it in the ledger, which is
// not written yet.
func (b *estateBench) applies(ctx context.Context, o *unstructured.Unstructured) {
	GinkgoHelper()
	part := desired.Issuers
	o = o.DeepCopy()
	labels := map[string]string{names.LabelPlatform: "platform", names.LabelPart: string(part)}
	maps.Copy(labels, o.GetLabels())
	o.SetLabels(labels)
	manager := names.FieldManager(string(part))
	Expect(b.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(o), client.FieldOwner(manager), client.ForceOwnership)).To(Succeed())
	DeferCleanup(func(ctx context.Context) { Expect(client.IgnoreNotFound(b.client.Delete(ctx, o))).To(Succeed()) })
	fields, err := drift.FieldsHash(o.GetManagedFields(), manager)
	Expect(err).NotTo(HaveOccurred())
	b.book.Entries[desired.RefOf(o)] = ledger.Entry{Part: part, Version: o.GroupVersionKind().Version, UID: o.GetUID(), Digest: "d", Fields: fields}
}

// writes the ledger and returns its resource version.
func (b *estateBench) writes(ctx context.Context) string {
	GinkgoHelper()
	raw, err := b.book.Encode()
	Expect(err).NotTo(HaveOccurred())
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Namespace: b.system, Name: names.LedgerConfigMap, Labels: map[string]string{names.LabelPlatform: "platform"},
	}, Data: map[string]string{ledger.Key: raw}}
	err = b.client.Create(ctx, cm)
	if apierrors.IsAlreadyExists(err) {
		err = b.client.Update(ctx, cm)
	}
	Expect(err).NotTo(HaveOccurred())
	return cm.ResourceVersion
}

// reports waits for a report of the estate that is as told.
func (b *estateBench) reports(ctx context.Context, within time.Duration, is func(Gomega, *v1alpha1.EstateReport)) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		report := b.status(ctx, g).Estate
		g.Expect(report).NotTo(BeNil())
		is(g, report)
	}).WithTimeout(within).WithPolling(20 * time.Millisecond).Should(Succeed())
}

func (b *estateBench) inOrder(ctx context.Context, version string) {
	GinkgoHelper()
	b.reports(ctx, soon, func(g Gomega, r *v1alpha1.EstateReport) {
		g.Expect(r.Ledger).To(Equal(version))
		g.Expect(r.Drift).To(BeEmpty())
		g.Expect(r.Drifted).To(BeZero())
		g.Expect(r.Objects).To(BeEquivalentTo(len(b.book.Entries)))
	})
}

// drifted waits for one object that is not in order.
func (b *estateBench) drifted(ctx context.Context, state v1alpha1.DriftState, name string, is func(Gomega, v1alpha1.DriftItem)) {
	GinkgoHelper()
	b.reports(ctx, promptly, func(g Gomega, r *v1alpha1.EstateReport) {
		g.Expect(r.Drifted).To(BeEquivalentTo(1))
		g.Expect(r.Drift).To(HaveLen(1))
		g.Expect(r.Drift[0].State).To(Equal(state))
		g.Expect(r.Drift[0].Name).To(Equal(name))
		is(g, r.Drift[0])
	})
}

func (b *estateBench) settings(data map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"namespace": b.namespace, "name": "settings"}, "data": data,
	}}
}

// edits an object as somebody with kubectl.
func (b *estateBench) edits(ctx context.Context, key, value string) {
	GinkgoHelper()
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: "settings"}}
	patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"data":{%q:%q}}`, key, value))
	Expect(b.client.Patch(ctx, cm, patch, client.FieldOwner("kubectl-edit"))).To(Succeed())
}

// reportWrites counts the writes of the TLSAgent until it is stopped.
func (b *estateBench) reportWrites(ctx context.Context) (stop func() []time.Time) {
	GinkgoHelper()
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	var list v1alpha1.TLSAgentList
	Expect(c.List(ctx, &list)).To(Succeed())
	w, err := c.Watch(ctx, &v1alpha1.TLSAgentList{}, &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.ResourceVersion}})
	Expect(err).NotTo(HaveOccurred())
	done := make(chan []time.Time, 1)
	go func() {
		var at []time.Time
		for e := range w.ResultChan() {
			if e.Type == watch.Modified {
				at = append(at, time.Now())
			}
		}
		done <- at
	}()
	return func() []time.Time {
		w.Stop()
		return <-done
	}
}

// asShippedFor runs the agent under the roles that the hub gives it for some
// namespaces, but for the right to read roles.
func (b *estateBench) asShippedFor(ctx context.Context, include []string) {
	GinkgoHelper()
	platform := &v1alpha1.TLSPlatform{}
	platform.Spec.Inventory.Namespaces.Include = include
	part, _ := agent.Build(platform, plantest.Facts("TLSAgent."+v1alpha1.GroupVersion.Group),
		agent.Input{Image: "example.com/agent:test", HubUID: "hub", Namespace: b.system})
	for _, o := range part.Objects {
		if o.GroupVersionKind().Group != rbacv1.GroupName {
			continue
		}
		if o.GetKind() == "ClusterRole" {
			var role rbacv1.ClusterRole
			Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &role)).To(Succeed())
			without("roles")(&role)
			b.create(ctx, &role)
			continue
		}
		b.create(ctx, o)
	}
	b.config = rest.CopyConfig(config)
	b.config.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:" + b.system + ":" + names.ServiceAccountAgent}
	DeferCleanup(b.end) // before its roles go
}

var _ = Describe("The estate that the agent watches", Serial, func() {
	It("is reported when others change, delete or replace something", func(ctx SpecContext) {
		b := newEstateBench(ctx)
		b.asShipped(ctx, nil)
		wanted := b.settings(map[string]any{"a": "1", "b": "2"})
		b.applies(ctx, wanted)
		b.applies(ctx, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"namespace": b.namespace, "name": "token"},
			"stringData": map[string]any{"token": "x"},
		}})
		b.start(ctx)
		Eventually(ctx, func(g Gomega) {
			status := b.status(ctx, g)
			g.Expect(status.Conditions).NotTo(BeEmpty())
			g.Expect(status.Estate).To(BeNil(), "there is no ledger")
		}).WithTimeout(soon).Should(Succeed())
		b.inOrder(ctx, b.writes(ctx))

		By("changing a field")
		before := time.Now().Truncate(time.Second)
		b.edits(ctx, "a", "9")
		b.drifted(ctx, v1alpha1.DriftChanged, "settings", func(g Gomega, d v1alpha1.DriftItem) {
			g.Expect(d.Kind).To(Equal("ConfigMap"))
			g.Expect(d.Namespace).To(Equal(b.namespace))
			g.Expect(d.Fields).To(Equal([]string{".data.a"}))
			g.Expect(d.By).To(Equal([]string{"kubectl-edit"}))
			g.Expect(d.Since.Time).To(And(BeTemporally(">=", before), BeTemporally("<=", time.Now())))
		})

		By("restarting the agent")
		b.end()
		b.start(ctx)
		Consistently(ctx, func(g Gomega) {
			report := b.status(ctx, g).Estate
			g.Expect(report).NotTo(BeNil())
			g.Expect(report.Drift).To(ConsistOf(HaveField("Fields", []string{".data.a"})))
		}).WithTimeout(3 * time.Second).Should(Succeed())

		By("repairing it")
		b.applies(ctx, wanted)
		b.inOrder(ctx, b.writes(ctx))

		By("deleting it")
		Expect(b.client.Delete(ctx, wanted.DeepCopy())).To(Succeed())
		b.drifted(ctx, v1alpha1.DriftDeleted, "settings", func(g Gomega, d v1alpha1.DriftItem) { g.Expect(d.Since).NotTo(BeNil()) })

		By("making it again by hand")
		made := wanted.DeepCopy()
		made.SetLabels(map[string]string{names.LabelPlatform: "platform"})
		Expect(b.client.Create(ctx, made, client.FieldOwner("kubectl-create"))).To(Succeed())
		b.drifted(ctx, v1alpha1.DriftReplaced, "settings", func(g Gomega, d v1alpha1.DriftItem) {
			g.Expect(d.By).To(Equal([]string{"kubectl-create"}))
		})

		By("repairing that")
		b.applies(ctx, wanted)
		b.inOrder(ctx, b.writes(ctx))

		By("forgetting the ledger")
		Expect(b.client.Delete(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: b.system, Name: names.LedgerConfigMap}})).To(Succeed())
		Eventually(ctx, func(g Gomega) { g.Expect(b.status(ctx, g).Estate).To(BeNil()) }).WithTimeout(promptly).Should(Succeed())
	}, NodeTimeout(3*time.Minute))

	It("is told soon, in few writes, and at rest in none", func(ctx SpecContext) {
		b := newEstateBench(ctx)
		wanted := b.settings(map[string]any{"a": "1"})
		b.applies(ctx, wanted)
		b.start(ctx)
		b.inOrder(ctx, b.writes(ctx))
		rest := b.resting(ctx)
		Consistently(ctx, func() map[string]string { return b.versions(ctx) }).WithTimeout(quiet).Should(Equal(rest))

		By("changing one thing")
		stop := b.reportWrites(ctx)
		at := time.Now()
		b.edits(ctx, "a", "2")
		b.drifted(ctx, v1alpha1.DriftChanged, "settings", func(Gomega, v1alpha1.DriftItem) {})
		told := stop()
		Expect(told).NotTo(BeEmpty())
		AddReportEntry("drift told after", told[0].Sub(at).String())
		Expect(told[0].Sub(at)).To(BeNumerically("<", time.Second))

		By("changing it back and forth")
		stop = b.reportWrites(ctx)
		start := time.Now()
		for range 5 {
			b.applies(ctx, wanted)
			b.reports(ctx, promptly, func(g Gomega, r *v1alpha1.EstateReport) { g.Expect(r.Drift).To(BeEmpty()) })
			b.edits(ctx, "a", "2")
			b.drifted(ctx, v1alpha1.DriftChanged, "settings", func(Gomega, v1alpha1.DriftItem) {})
		}
		writes := stop()
		AddReportEntry("writes", fmt.Sprintf("%d in %s", len(writes), time.Since(start)))
		Expect(len(writes)).To(BeNumerically("<=", 3+int(2*time.Since(start).Seconds())+2))
	}, NodeTimeout(4*time.Minute))

	It("has kinds that may not be read named", func(ctx SpecContext) {
		b := newEstateBench(ctx)
		include := []string{b.namespace}
		b.asShippedFor(ctx, include)
		b.ask(ctx, func(i *v1alpha1.Inventory) { i.Namespaces.Include = include })
		b.applies(ctx, b.settings(map[string]any{"a": "1"}))
		other := b.settings(map[string]any{"a": "1"})
		namespace := b.another(ctx)
		other.SetNamespace(namespace)
		b.applies(ctx, other)
		b.applies(ctx, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": rbacv1.SchemeGroupVersion.String(), "kind": "Role",
			"metadata": map[string]any{"namespace": b.namespace, "name": "reader"}, "rules": []any{},
		}})
		b.book.Entries[desired.Ref{Group: "policy.example.com", Kind: "Judge", Name: "j"}] = ledger.Entry{Part: desired.Policy, Version: "v1", UID: "u", Fields: "f"}
		b.start(ctx)
		b.inOrder(ctx, b.writes(ctx))
		b.edits(ctx, "a", "2")
		b.drifted(ctx, v1alpha1.DriftChanged, "settings", func(g Gomega, d v1alpha1.DriftItem) {
			g.Expect(d.Namespace).To(Equal(b.namespace))
		})
		b.reports(ctx, soon, func(g Gomega, r *v1alpha1.EstateReport) {
			g.Expect(r.Unwatched).To(HaveExactElements(
				HavePrefix("configmaps of namespace "+namespace+": forbidden: "),
				"judges.policy.example.com: not served",
				HavePrefix("roles.rbac.authorization.k8s.io: forbidden: "),
			), strings.Join(r.Unwatched, "\n"))
		})
	}, NodeTimeout(3*time.Minute))

	It("has workloads that do not do their work named, and digests of what else runs", func(ctx SpecContext) {
		b := newEstateBench(ctx)
		workload := func(name, version string) *unstructured.Unstructured {
			labels := map[string]any{"app.kubernetes.io/name": "trust-manager"}
			return &unstructured.Unstructured{Object: map[string]any{
				"apiVersion": "apps/v1", "kind": "Deployment",
				"metadata": map[string]any{"namespace": b.namespace, "name": name, "labels": map[string]any{
					"app.kubernetes.io/name": "trust-manager", "app.kubernetes.io/version": version,
				}},
				"spec": map[string]any{
					"selector": map[string]any{"matchLabels": labels},
					"template": map[string]any{
						"metadata": map[string]any{"labels": labels},
						"spec":     map[string]any{"containers": []any{map[string]any{"name": "c", "image": "c"}}},
					},
				},
			}}
		}
		ours := workload("ours", "v1")
		b.applies(ctx, ours)
		b.start(ctx)
		version := b.writes(ctx)
		var workloads, kinds string
		b.reports(ctx, soon, func(g Gomega, r *v1alpha1.EstateReport) {
			g.Expect(r.Ledger).To(Equal(version))
			g.Expect(r.UnhealthyObjects).To(ConsistOf(And(HaveField("Name", "ours"), HaveField("Serving", false), HaveField("Message", Not(BeEmpty())))))
			g.Expect(r.Kinds).NotTo(BeEmpty())
			g.Expect(r.Workloads).NotTo(BeEmpty())
			workloads, kinds = r.Workloads, r.Kinds
		})

		By("making it available")
		live := ours.DeepCopy()
		Expect(b.client.Get(ctx, client.ObjectKeyFromObject(ours), live)).To(Succeed())
		live.Object["status"] = map[string]any{
			"observedGeneration": live.GetGeneration(), "replicas": int64(1), "updatedReplicas": int64(1), "readyReplicas": int64(1), "availableReplicas": int64(1),
			"conditions": []any{
				map[string]any{"type": "Available", "status": "True", "reason": "R", "message": "M"},
				map[string]any{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "message": "M"},
			},
		}
		Expect(b.client.Status().Update(ctx, live)).To(Succeed())
		b.reports(ctx, promptly, func(g Gomega, r *v1alpha1.EstateReport) {
			g.Expect(r.UnhealthyObjects).To(BeEmpty())
			g.Expect(r.Workloads).NotTo(Equal(workloads))
			g.Expect(r.Drift).To(BeEmpty())
			g.Expect(r.Kinds).To(Equal(kinds))
		})

		By("somebody else installing the same")
		b.reports(ctx, promptly, func(_ Gomega, r *v1alpha1.EstateReport) { workloads = r.Workloads })
		b.create(ctx, workload("theirs", "v2"))
		b.reports(ctx, promptly, func(g Gomega, r *v1alpha1.EstateReport) { g.Expect(r.Workloads).NotTo(Equal(workloads)) })
	}, NodeTimeout(3*time.Minute))
})
