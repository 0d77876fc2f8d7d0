package integration

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/agent"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/plantest"
)

// project is a file of testdata/references: what the agent has to find, and
// objects as people write them for that project.
type project struct {
	name string
	// Expect are Secrets, in the bench's namespace or as namespace/name, with the
	// kind, name and field of the object that uses them.
	Expect map[string]string `json:"expect"`
	// Unused are Secrets that look as if these objects used them.
	Unused  []string `json:"unused"`
	objects []*unstructured.Unstructured
}

// readProjects reads the files for a namespace.
func readProjects(namespace string) []*project {
	GinkgoHelper()
	files, err := filepath.Glob(filepath.Join("testdata", "references", "*.yaml"))
	Expect(err).NotTo(HaveOccurred())
	Expect(files).NotTo(BeEmpty())
	var list []*project
	for _, file := range files {
		raw, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		raw = bytes.ReplaceAll(raw, []byte("$(NAMESPACE)"), []byte(namespace))
		p := &project{name: strings.TrimSuffix(filepath.Base(file), ".yaml")}
		documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(raw)))
		head, err := documents.Read()
		Expect(err).NotTo(HaveOccurred())
		Expect(yaml.UnmarshalStrict(head, p)).To(Succeed(), file)
		for {
			document, err := documents.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			Expect(err).NotTo(HaveOccurred())
			o := &unstructured.Unstructured{}
			Expect(yaml.Unmarshal(document, &o.Object)).To(Succeed(), file)
			p.objects = append(p.objects, o)
		}
		list = append(list, p)
	}
	return list
}

// place of a Secret that a project names.
func (b *agentBench) place(name string) client.ObjectKey {
	if namespace, name, found := strings.Cut(name, "/"); found {
		return client.ObjectKey{Namespace: namespace, Name: name}
	}
	return client.ObjectKey{Namespace: b.namespace, Name: name}
}

// create the Secrets of a project, the namespaces that they are in, and its
// objects.
func (p *project) create(ctx context.Context, b *agentBench) {
	GinkgoHelper()
	for _, name := range slices.Concat(slices.Sorted(maps.Keys(p.Expect)), p.Unused) {
		at := b.place(name)
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: at.Namespace}}
		// Nothing deletes namespaces here, so other specs may have left it.
		Expect(client.IgnoreAlreadyExists(b.client.Create(ctx, ns))).To(Succeed())
		b.create(ctx, b.ca.secret(at.Namespace, at.Name))
	}
	for _, o := range p.objects {
		b.create(ctx, o)
	}
}

// secrets are the records of all namespaces' Secrets.
func (b *agentBench) secrets(ctx context.Context) map[client.ObjectKey]v1alpha1.CertificateRecord {
	var pages v1alpha1.CertificateSliceList
	Expect(b.client.List(ctx, &pages, client.InNamespace(b.system))).To(Succeed())
	found := map[client.ObjectKey]v1alpha1.CertificateRecord{}
	for i := range pages.Items {
		for _, r := range pages.Items[i].Records {
			if r.Kind == "Secret" && r.Key == "tls.crt" {
				found[client.ObjectKey{Namespace: r.Namespace, Name: r.Name}] = r
			}
		}
	}
	return found
}

// check what the agent says of a project's Secrets.
func (p *project) check(g Gomega, b *agentBench, found map[client.ObjectKey]v1alpha1.CertificateRecord) {
	for name, by := range p.Expect {
		r, ok := found[b.place(name)]
		g.Expect(ok).To(BeTrue(), "%s: no record of Secret %s", p.name, name)
		g.Expect(r.Use).To(Equal("Used"), "%s: Secret %s: %s", p.name, name, r.UseReason)
		var users []string
		for _, u := range r.UsedBy {
			users = append(users, u.Kind+" "+u.Name+" "+u.Field)
		}
		g.Expect(users).To(ContainElement(by), "%s: Secret %s", p.name, name)
	}
	for _, name := range p.Unused {
		r, ok := found[b.place(name)]
		g.Expect(ok).To(BeTrue(), "%s: no record of Secret %s", p.name, name)
		g.Expect(r.Use).To(Equal("Unreferenced"), "%s: Secret %s: %s", p.name, name, r.UseReason)
	}
}

// asShipped runs the agent under the roles that the hub gives it. change may
// take rights away.
func (b *agentBench) asShipped(ctx context.Context, change func(*rbacv1.ClusterRole)) {
	GinkgoHelper()
	part, _ := agent.Build(&v1alpha1.TLSPlatform{}, plantest.Facts("TLSAgent."+v1alpha1.GroupVersion.Group),
		agent.Input{Image: "example.com/agent:test", HubUID: "hub", Namespace: b.system})
	for _, o := range part.Objects {
		if o.GroupVersionKind().Group != rbacv1.GroupName {
			continue
		}
		if o.GetName() == names.Agent && o.GetKind() == "ClusterRole" && change != nil {
			var role rbacv1.ClusterRole
			Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &role)).To(Succeed())
			change(&role)
			b.create(ctx, &role)
			continue
		}
		b.create(ctx, o)
	}
	b.config = rest.CopyConfig(config)
	b.config.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:" + b.system + ":" + names.ServiceAccountAgent}
	// It must not see its roles go.
	DeferCleanup(b.end)
}

// without takes a resource out of a role.
func without(resource string) func(*rbacv1.ClusterRole) {
	return func(role *rbacv1.ClusterRole) {
		for i := range role.Rules {
			role.Rules[i].Resources = slices.DeleteFunc(role.Rules[i].Resources, func(r string) bool { return r == resource })
		}
	}
}

// status of the TLSAgent.
func (b *agentBench) status(ctx context.Context, g Gomega) *v1alpha1.TLSAgentStatus {
	var a v1alpha1.TLSAgent
	g.Expect(b.client.Get(ctx, client.ObjectKey{Name: v1alpha1.AgentName}, &a)).To(Succeed())
	return &a.Status
}

var orphansAtOnce = v1alpha1.Inventory{OrphanGracePeriod: &metav1.Duration{}}

var _ = Describe("References", Serial, func() {
	It("are found in every kind that is known, under the shipped role", func(ctx SpecContext) {
		b := newAgentBench(ctx, orphansAtOnce)
		projects := readProjects(b.namespace)
		var definitions []*apiextensionsv1.CustomResourceDefinition
		late := schema.GroupKind{Group: "mysql.oracle.com", Kind: "InnoDBCluster"}
		var lateDefinition *apiextensionsv1.CustomResourceDefinition
		installed := map[schema.GroupKind]bool{}
		for _, k := range foreignKinds {
			installed[k.groupKind()] = true
			if k.groupKind() == late {
				lateDefinition = k.definition()
				continue
			}
			definitions = append(definitions, k.definition())
		}
		table, bad := reference.NewTable(nil)
		Expect(bad).To(BeEmpty())
		for _, gk := range table.Kinds() {
			Expect(installed).To(HaveKey(gk), "a kind that is known and not tested here")
		}
		b.install(ctx, definitions...)
		b.asShipped(ctx, nil)
		var lateProject *project
		for _, p := range projects {
			if p.name == "mysql" {
				lateProject = p
				continue
			}
			p.create(ctx, b)
		}
		b.create(ctx, b.ca.secret(b.namespace, "named-by-nothing"))
		b.start(ctx)
		Eventually(ctx, func(g Gomega) {
			found := b.secrets(ctx)
			for _, p := range projects {
				if p != lateProject {
					p.check(g, b, found)
				}
			}
			r := found[b.place("named-by-nothing")]
			g.Expect(r.Use).To(Equal("Unreferenced"), r.UseReason)
			g.Expect(r.Orphan).To(BeTrue())
			g.Expect(meta.IsStatusConditionTrue(b.status(ctx, g).Conditions, v1alpha1.ConditionCoverageComplete)).To(BeTrue())
		}).WithTimeout(time.Minute).WithPolling(200 * time.Millisecond).Should(Succeed())

		By("following a kind that comes while the agent runs")
		b.install(ctx, lateDefinition)
		lateProject.create(ctx, b)
		Eventually(ctx, func(g Gomega) { lateProject.check(g, b, b.secrets(ctx)) }).
			WithTimeout(time.Minute).WithPolling(200 * time.Millisecond).Should(Succeed())
	}, NodeTimeout(5*time.Minute))

	It("of a kind that is not known are doubts until the kind is described", func(ctx SpecContext) {
		b := newAgentBench(ctx, orphansAtOnce)
		broker := foreignKind{"example.com", "v1", "Broker", namespaced}
		b.install(ctx, broker.definition("tlsSecretName"))
		b.create(ctx, b.ca.secret(b.namespace, "broker-tls"), b.ca.secret(b.namespace, "old-tls"),
			&unstructured.Unstructured{Object: map[string]any{
				"apiVersion": "example.com/v1", "kind": "Broker",
				"metadata": map[string]any{"namespace": b.namespace, "name": "events"},
				"spec":     map[string]any{"tlsSecretName": "broker-tls"},
			}})
		b.start(ctx)
		for _, name := range []string{"broker-tls", "old-tls"} {
			b.record(ctx, "Secret/"+name+" tls.crt", func(g Gomega, r v1alpha1.CertificateRecord) {
				g.Expect(r.Use).To(Equal("Unreferenced"))
				g.Expect(r.Confidence).To(Equal("Medium"))
				g.Expect(r.Doubts).To(ContainElement(ContainSubstring("Broker.example.com")))
			})
		}

		By("being told where to look")
		var a v1alpha1.TLSAgent
		Expect(b.client.Get(ctx, client.ObjectKey{Name: v1alpha1.AgentName}, &a)).To(Succeed())
		before := a.DeepCopy()
		a.Spec.Inventory.References = []v1alpha1.Reference{{
			Group: "example.com", Kind: "Broker", Path: ".spec.tlsSecretName", Layer: v1alpha1.LayerApplication,
		}}
		Expect(b.client.Patch(ctx, &a, client.MergeFrom(before))).To(Succeed())
		b.record(ctx, "Secret/broker-tls tls.crt", func(g Gomega, r v1alpha1.CertificateRecord) {
			g.Expect(r.Use).To(Equal("Used"), r.UseReason)
			g.Expect(r.UsedBy).To(ConsistOf(v1alpha1.Referrer{
				Kind: "Broker", Namespace: b.namespace, Name: "events", Field: "spec.tlsSecretName", Certain: true,
			}))
		})
		b.record(ctx, "Secret/old-tls tls.crt", func(g Gomega, r v1alpha1.CertificateRecord) {
			g.Expect(r.Use).To(Equal("Unreferenced"))
			g.Expect(r.Confidence).To(Equal("High"), strings.Join(r.Doubts, " "))
			g.Expect(r.Doubts).To(BeEmpty())
		})
	}, NodeTimeout(3*time.Minute))

	It("that may not be read lower the confidence, and coverage says what to grant", func(ctx SpecContext) {
		b := newAgentBench(ctx, orphansAtOnce)
		b.asShipped(ctx, without("pods"))
		b.create(ctx, b.ca.secret(b.namespace, "old-tls"))
		b.start(ctx)
		b.record(ctx, "Secret/old-tls tls.crt", func(g Gomega, r v1alpha1.CertificateRecord) {
			g.Expect(r.Use).To(Equal("Unreferenced"))
			g.Expect(r.Confidence).To(Equal("Low"))
			g.Expect(r.Doubts).To(ContainElement(ContainSubstring("pods: forbidden")))
		})
		Eventually(ctx, func(g Gomega) {
			status := b.status(ctx, g)
			g.Expect(status.Coverage).To(ContainElement(And(
				HaveField("Resource", "pods"), HaveField("State", v1alpha1.CoverageForbidden),
				HaveField("Message", ContainSubstring(`cannot list resource "pods"`)),
			)))
			g.Expect(status.Coverage).To(ContainElement(And(HaveField("Resource", "secrets"), HaveField("State", v1alpha1.CoverageReading))))
			complete := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionCoverageComplete)
			g.Expect(complete).NotTo(BeNil())
			g.Expect(complete.Status).To(Equal(metav1.ConditionFalse))
			g.Expect(complete.Message).To(ContainSubstring("pods (Forbidden)"))
			// It is ready all the same: it has read what it may.
			g.Expect(meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionReady)).To(BeTrue())
		}).WithTimeout(30 * time.Second).WithPolling(100 * time.Millisecond).Should(Succeed())

		By("being granted the right")
		var role rbacv1.ClusterRole
		Expect(b.client.Get(ctx, client.ObjectKey{Name: names.Agent}, &role)).To(Succeed())
		before := role.DeepCopy()
		role.Rules = append(role.Rules, rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list", "watch"}})
		Expect(b.client.Patch(ctx, &role, client.MergeFrom(before))).To(Succeed())
		// A refusal is tried again every 20 s.
		Eventually(ctx, func(g Gomega) {
			r := b.records(ctx)["Secret/old-tls tls.crt"]
			g.Expect(r.Confidence).To(Equal("High"), strings.Join(r.Doubts, " "))
			g.Expect(meta.IsStatusConditionTrue(b.status(ctx, g).Conditions, v1alpha1.ConditionCoverageComplete)).To(BeTrue())
		}).WithTimeout(time.Minute).WithPolling(200 * time.Millisecond).Should(Succeed())
	}, NodeTimeout(3*time.Minute))
})
