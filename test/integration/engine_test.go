package integration

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/apply"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/fleet"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// bench is one engine over a namespace of its own.
type bench struct {
	namespace string
	client    client.Client
	live      *apply.Live
	engine    *apply.Engine
	events    chan struct{}
	now       time.Time
	installer int // how often the installer's identity was asked for
}

var owner = apply.Owner{Name: "platform", UID: "uid-1"}

func newBench(ctx context.Context) *bench {
	b := &bench{events: make(chan struct{}, 1), now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	conn, err := fleet.NewConnection(fleet.Options{Name: "local", Config: config, Scheme: scheme, Now: time.Now})
	Expect(err).NotTo(HaveOccurred())
	b.client = conn.Hub
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "engine-"}}
	Expect(b.client.Create(ctx, ns)).To(Succeed())
	b.namespace = ns.Name
	b.live = apply.NewLive(conn.Metadata, conn.Hub.RESTMapper(), func() {
		select {
		case b.events <- struct{}{}:
		default:
		}
	})
	DeferCleanup(b.live.Close)
	b.restart()
	return b
}

// restart forgets everything but what the cluster keeps.
func (b *bench) restart() {
	b.engine = apply.NewEngine(apply.Options{
		Hub: b.client, View: b.live, Namespace: b.namespace, Now: func() time.Time { return b.now },
		Installer: func(context.Context) (client.Client, error) { b.installer++; return b.client, nil },
	})
}

func (b *bench) configMap(name, value string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{
			"namespace": b.namespace, "name": name,
			"labels": map[string]any{names.LabelPlatform: "platform", names.LabelPart: "monitoring"},
		},
		"data": map[string]any{"key": value},
	}}
}

func (b *bench) plan(objects ...*unstructured.Unstructured) *desired.Plan {
	return &desired.Plan{Parts: []desired.Part{{Name: desired.Monitoring, Identity: desired.IdentityHub, Objects: objects}}}
}

// run runs the plan once and returns its one part.
func (b *bench) run(ctx context.Context, plan *desired.Plan) observed.Part {
	outcome, err := b.engine.Run(ctx, owner, plan)
	Expect(err).NotTo(HaveOccurred())
	Expect(outcome.Err).To(BeNil())
	return outcome.Parts[0]
}

// settle runs the plan on each event until nothing was changed.
func (b *bench) settle(ctx context.Context, plan *desired.Plan) (repaired []observed.Finding) {
	for {
		part := b.run(ctx, plan)
		repaired = append(repaired, part.Repaired...)
		if part.Changed == 0 && len(repaired) > 0 {
			return repaired
		}
		select {
		case <-b.events:
		case <-ctx.Done():
			Fail("nothing was repaired")
		}
	}
}

func (b *bench) read(ctx context.Context, name string) *corev1.ConfigMap {
	cm := &corev1.ConfigMap{}
	Expect(b.client.Get(ctx, types.NamespacedName{Namespace: b.namespace, Name: name}, cm)).To(Succeed())
	return cm
}

var _ = Describe("The apply engine", Label("apply"), func() {
	const timeout = 60 * time.Second

	It("writes once, and nothing while nothing changes", func(ctx SpecContext) {
		b := newBench(ctx)
		plan := b.plan(b.configMap("a", "1"), b.configMap("b", "1"))
		Expect(b.run(ctx, plan).Changed).To(Equal(2))
		version := b.read(ctx, names.LedgerConfigMap).ResourceVersion
		Expect(b.run(ctx, plan).Changed).To(Equal(0))
		Expect(b.read(ctx, names.LedgerConfigMap).ResourceVersion).To(Equal(version), "the ledger was written although nothing changed")
	}, SpecTimeout(timeout))

	It("writes nothing after a restart", func(ctx SpecContext) {
		b := newBench(ctx)
		plan := b.plan(b.configMap("a", "1"))
		Expect(b.run(ctx, plan).Changed).To(Equal(1))
		b.restart()
		Eventually(func() bool {
			_, found, _ := b.live.Get(desired.RefOf(plan.Parts[0].Objects[0]))
			return found
		}).WithTimeout(10 * time.Second).Should(BeTrue())
		Expect(b.run(ctx, plan).Changed).To(Equal(0))
	}, SpecTimeout(timeout))

	It("updates what is wished otherwise, and only that", func(ctx SpecContext) {
		b := newBench(ctx)
		Expect(b.run(ctx, b.plan(b.configMap("a", "1"), b.configMap("b", "1"))).Changed).To(Equal(2))
		Expect(b.run(ctx, b.plan(b.configMap("a", "1"), b.configMap("b", "2"))).Changed).To(Equal(1))
		Expect(b.read(ctx, "b").Data).To(HaveKeyWithValue("key", "2"))
	}, SpecTimeout(timeout))

	It("puts back a changed field and names who changed it", func(ctx SpecContext) {
		b := newBench(ctx)
		plan := b.plan(b.configMap("a", "1"))
		b.run(ctx, plan)
		cm := b.read(ctx, "a")
		cm.Data["key"] = "mine"
		Expect(b.client.Update(ctx, cm, client.FieldOwner("somebody"))).To(Succeed())
		repaired := b.settle(ctx, plan)
		Expect(repaired).To(HaveLen(1))
		Expect(repaired[0].Message).To(And(ContainSubstring(".data.key"), ContainSubstring("somebody")))
		Expect(b.read(ctx, "a").Data).To(HaveKeyWithValue("key", "1"))
	}, SpecTimeout(timeout))

	It("puts back a removed label, although the watch then loses sight of the object", func(ctx SpecContext) {
		b := newBench(ctx)
		plan := b.plan(b.configMap("a", "1"))
		b.run(ctx, plan)
		cm := b.read(ctx, "a")
		delete(cm.Labels, names.LabelPlatform)
		Expect(b.client.Update(ctx, cm, client.FieldOwner("somebody"))).To(Succeed())
		b.settle(ctx, plan)
		Expect(b.read(ctx, "a").Labels).To(HaveKeyWithValue(names.LabelPlatform, "platform"))
	}, SpecTimeout(timeout))

	It("puts back a list that merging would leave invalid", func(ctx SpecContext) {
		b := newBench(ctx)
		binding := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
			"metadata": map[string]any{
				"name": b.namespace, "labels": map[string]any{names.LabelPlatform: "platform", names.LabelPart: "monitoring"},
			},
			"spec": map[string]any{"policyName": "none", "validationActions": []any{"Deny", "Audit"}},
		}}
		plan := b.plan(binding)
		b.run(ctx, plan)
		// Warn and Deny exclude each other, and both managers would own one.
		edited := binding.DeepCopy()
		patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"validationActions":["Warn"]}}`))
		Expect(b.client.Patch(ctx, edited, patch, client.FieldOwner("somebody"))).To(Succeed())
		Expect(b.settle(ctx, plan)).To(HaveLen(1))
		got := binding.DeepCopy()
		Expect(b.client.Get(ctx, client.ObjectKeyFromObject(binding), got)).To(Succeed())
		actions, _, err := unstructured.NestedStringSlice(got.Object, "spec", "validationActions")
		Expect(err).NotTo(HaveOccurred())
		Expect(actions).To(ConsistOf("Deny", "Audit"))
		for _, m := range got.GetManagedFields() {
			Expect(string(m.Operation)).To(Equal("Apply"), "the manager %s is left with fields of ours", m.Manager)
		}
	}, SpecTimeout(timeout))

	It("leaves fields alone that it did not write", func(ctx SpecContext) {
		b := newBench(ctx)
		plan := b.plan(b.configMap("a", "1"), b.configMap("b", "1"))
		b.run(ctx, plan)
		cm := b.read(ctx, "a")
		cm.Data["theirs"] = "stays"
		Expect(b.client.Update(ctx, cm, client.FieldOwner("somebody"))).To(Succeed())
		// The repair of b shows that the event of a was seen too.
		Expect(b.client.Delete(ctx, b.read(ctx, "b"))).To(Succeed())
		repaired := b.settle(ctx, plan)
		Expect(repaired).To(HaveLen(1))
		Expect(repaired[0].Object).To(ContainSubstring("/b"))
		Expect(b.read(ctx, "a").Data).To(HaveKeyWithValue("theirs", "stays"))
	}, SpecTimeout(timeout))

	It("never writes over what somebody else made, unless told to adopt", func(ctx SpecContext) {
		b := newBench(ctx)
		theirs := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: "a"}, Data: map[string]string{"key": "theirs"}}
		Expect(b.client.Create(ctx, theirs, client.FieldOwner("their-tool"))).To(Succeed())
		plan := b.plan(b.configMap("a", "1"), b.configMap("b", "1"))
		part := b.run(ctx, plan)
		Expect(part.State).To(Equal(observed.PartFailed))
		Expect(part.Reason).To(Equal(v1alpha1.ReasonConflict))
		Expect(part.Message).To(ContainSubstring("their-tool"))
		Expect(b.read(ctx, "a").Data).To(HaveKeyWithValue("key", "theirs"))
		Expect(b.read(ctx, "b").Data).To(HaveKeyWithValue("key", "1"), "the rest of the part was not applied")

		plan.Parts[0].Adopt = true
		Expect(b.run(ctx, plan).State).To(Equal(observed.PartReady))
		Expect(b.read(ctx, "a").Data).To(HaveKeyWithValue("key", "1"))
	}, SpecTimeout(timeout))

	It("does not write over what somebody made in the place of ours", func(ctx SpecContext) {
		b := newBench(ctx)
		plan := b.plan(b.configMap("a", "1"))
		b.run(ctx, plan)
		Expect(b.client.Delete(ctx, b.read(ctx, "a"))).To(Succeed())
		theirs := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: "a"}, Data: map[string]string{"key": "theirs"}}
		Expect(b.client.Create(ctx, theirs)).To(Succeed())
		Eventually(ctx, func() string { return b.run(ctx, plan).Reason }).Should(Equal(v1alpha1.ReasonConflict))
		Expect(b.read(ctx, "a").Data).To(HaveKeyWithValue("key", "theirs"))
	}, SpecTimeout(timeout))

	It("prunes what is no longer wished, and not what is held", func(ctx SpecContext) {
		b := newBench(ctx)
		b.run(ctx, b.plan(b.configMap("a", "1"), b.configMap("b", "1")))
		held := b.plan()
		held.Parts[0].Hold = &desired.Hold{Reason: v1alpha1.ReasonInvalidSpec, Message: "held"}
		b.run(ctx, held)
		b.read(ctx, "b")
		b.run(ctx, b.plan(b.configMap("a", "1")))
		err := b.client.Get(ctx, types.NamespacedName{Namespace: b.namespace, Name: "b"}, &corev1.ConfigMap{})
		Expect(apierrors.IsNotFound(err)).To(BeTrue(), "b is still there: %v", err)
		b.read(ctx, "a")
	}, SpecTimeout(timeout))

	It("does not delete what somebody made anew under the same name", func(ctx SpecContext) {
		b := newBench(ctx)
		b.run(ctx, b.plan(b.configMap("a", "1")))
		Expect(b.client.Delete(ctx, b.read(ctx, "a"))).To(Succeed())
		theirs := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: "a"}, Data: map[string]string{"key": "theirs"}}
		Expect(b.client.Create(ctx, theirs)).To(Succeed())
		b.run(ctx, b.plan())
		Expect(b.read(ctx, "a").Data).To(HaveKeyWithValue("key", "theirs"))
	}, SpecTimeout(timeout))

	It("does not delete what it never got to write", func(ctx SpecContext) {
		b := newBench(ctx)
		theirs := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: "a"}, Data: map[string]string{"key": "theirs"}}
		Expect(b.client.Create(ctx, theirs)).To(Succeed())
		Expect(b.run(ctx, b.plan(b.configMap("a", "1"))).Reason).To(Equal(v1alpha1.ReasonConflict))
		b.run(ctx, b.plan())
		Expect(b.read(ctx, "a").Data).To(HaveKeyWithValue("key", "theirs"))
		Expect(b.read(ctx, names.LedgerConfigMap).Data["ledger.json"]).NotTo(ContainSubstring(`"name":"a"`))
	}, SpecTimeout(timeout))

	It("lists an object in the ledger before it writes it", func(ctx SpecContext) {
		b := newBench(ctx)
		bad := b.configMap("Not A Name", "1")
		part := b.run(ctx, b.plan(bad))
		Expect(part.State).To(Equal(observed.PartFailed))
		Expect(b.read(ctx, names.LedgerConfigMap).Data["ledger.json"]).To(ContainSubstring("Not A Name"))
	}, SpecTimeout(timeout))

	It("becomes the installer for components only", func(ctx SpecContext) {
		b := newBench(ctx)
		b.run(ctx, b.plan(b.configMap("a", "1")))
		Expect(b.installer).To(BeZero())
		object := b.configMap("c", "1")
		object.SetLabels(map[string]string{names.LabelPlatform: "platform", names.LabelPart: string(desired.CertManager)})
		plan := b.plan(object)
		plan.Parts[0].Name, plan.Parts[0].Identity = desired.CertManager, desired.IdentityInstaller
		plan.Parts[0].Release, plan.Parts[0].HealthTimeout = &desired.Release{Key: "k1", Version: "v1"}, time.Minute
		b.run(ctx, plan)
		Expect(b.installer).To(BeNumerically(">", 0))
		asked := b.installer
		b.run(ctx, plan)
		Expect(b.installer).To(Equal(asked), "the installer was used although nothing changed")
	}, SpecTimeout(timeout))

	It("keeps a CRD that has instances, and says so", func(ctx SpecContext) {
		b := newBench(ctx)
		name := fmt.Sprintf("things.%s.example.com", b.namespace)
		crd := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
			"metadata": map[string]any{"name": name, "labels": map[string]any{names.LabelPlatform: "platform", names.LabelPart: "monitoring"}},
			"spec": map[string]any{
				"group": b.namespace + ".example.com", "scope": "Cluster",
				"names": map[string]any{"kind": "Thing", "plural": "things", "singular": "thing", "listKind": "ThingList"},
				"versions": []any{map[string]any{
					"name": "v1", "served": true, "storage": true,
					"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object"}},
				}},
			},
		}}
		plan := b.plan(crd)
		Eventually(ctx, func() observed.PartState { return b.run(ctx, plan).State }).Should(Equal(observed.PartReady))
		thing := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": b.namespace + ".example.com/v1", "kind": "Thing", "metadata": map[string]any{"name": "one"},
		}}
		Eventually(ctx, func() error { return b.client.Create(ctx, thing) }).Should(Succeed())

		outcome, err := b.engine.Run(ctx, owner, b.plan())
		Expect(err).NotTo(HaveOccurred())
		Expect(outcome.Retained).To(ConsistOf(And(ContainSubstring(name), ContainSubstring("has instances"))))

		Expect(b.client.Delete(ctx, thing)).To(Succeed())
		Eventually(ctx, func() []string {
			outcome, err := b.engine.Run(ctx, owner, b.plan())
			Expect(err).NotTo(HaveOccurred())
			return outcome.Retained
		}).Should(BeEmpty())
	}, SpecTimeout(timeout))
})
