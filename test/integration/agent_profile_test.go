package integration

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// profiledKinds are those of others that the profile is made of, as far as this
// test has objects of them.
func profiledKinds() (definitions []*apiextensionsv1.CustomResourceDefinition) {
	for _, k := range []foreignKind{
		{"cert-manager.io", "v1", "Issuer", namespaced},
		{"cert-manager.io", "v1", "ClusterIssuer", clusterWide},
		{"trust.cert-manager.io", "v1alpha1", "Bundle", clusterWide},
		{"policy.cert-manager.io", "v1alpha1", "CertificateRequestPolicy", clusterWide},
		{"constraints.gatekeeper.sh", "v1beta1", "K8sDeny", clusterWide},
	} {
		d := k.definition()
		d.Spec.Versions[0].Schema.OpenAPIV3Schema.XPreserveUnknownFields = ptr.To(true) // for the status
		definitions = append(definitions, d)
	}
	return definitions
}

// foreign makes an object of another project; labels may be nil.
func foreign(apiVersion, kind, namespace, name string, labels map[string]string, spec, status map[string]any) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind, "spec": spec, "status": status}}
	o.SetNamespace(namespace)
	o.SetName(name)
	o.SetLabels(labels)
	return o
}

// controller is the Deployment of a cert-manager that a Helm release installed.
func controller(namespace string) *appsv1.Deployment {
	labels := map[string]string{"app.kubernetes.io/name": "cert-manager", "app.kubernetes.io/version": "v1.21.2"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: "cert-manager", Labels: labels,
			Annotations: map[string]string{"meta.helm.sh/release-name": "cert-manager"},
		},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name: "cert-manager-controller", Image: "quay.io/jetstack/cert-manager-controller:v1.21.2",
					Args: []string{"--v=2", "--cluster-resource-namespace=$(POD_NAMESPACE)", "--enable-certificate-owner-ref"},
					Env: []corev1.EnvVar{{Name: "POD_NAMESPACE", ValueFrom: &corev1.EnvVarSource{
						FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"},
					}}},
				}}},
			},
		},
	}
}

// admission makes a policy about certificates and its binding.
func admission(name string) []client.Object {
	return []client.Object{
		&admissionregistrationv1.ValidatingAdmissionPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
				MatchConstraints: &admissionregistrationv1.MatchResources{
					ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{
						RuleWithOperations: admissionregistrationv1.RuleWithOperations{
							Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
							Rule: admissionregistrationv1.Rule{
								APIGroups: []string{"cert-manager.io"}, APIVersions: []string{"v1"}, Resources: []string{"certificates"},
							},
						},
					}},
				},
				Validations: []admissionregistrationv1.Validation{{Expression: "true"}},
			},
		},
		&admissionregistrationv1.ValidatingAdmissionPolicyBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
				PolicyName: name, ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Audit},
			},
		},
	}
}

// leadingFingerprint is that of the first certificate of a Secret, in hex.
func leadingFingerprint(s *corev1.Secret) string {
	block, _ := pem.Decode(s.Data[corev1.TLSCertKey])
	sum := sha256.Sum256(block.Bytes)
	return hex.EncodeToString(sum[:])
}

// profiled waits for a profile that is as told.
func (b *agentBench) profiled(ctx context.Context, is func(Gomega, *v1alpha1.ClusterProfile)) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		p := b.status(ctx, g).Profile
		g.Expect(p).NotTo(BeNil())
		is(g, p)
	}).WithTimeout(30 * time.Second).WithPolling(100 * time.Millisecond).Should(Succeed())
}

// named are the policies of a name, as kinds.
func named(policies []v1alpha1.DigestProfile, name string) (kinds []string) {
	for _, p := range policies {
		if p.Name == name {
			kinds = append(kinds, p.Kind)
		}
	}
	return kinds
}

var _ = Describe("The profile of a cluster", Serial, func() {
	It("says what runs there, under the shipped role, and follows it", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{})
		b.install(ctx, profiledKinds()...)
		b.asShipped(ctx, nil)
		ours := map[string]string{names.LabelPlatform: "main"}
		ready := map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "True"}}}
		root := b.ca.secret(b.system, "root")
		workload := controller(b.system)
		theirs := foreign("cert-manager.io/v1", "Issuer", b.namespace, "theirs", nil,
			map[string]any{"acme": map[string]any{"server": "https://ACME.example.com:443/directory"}}, nil)
		constraint := foreign("constraints.gatekeeper.sh/v1beta1", "K8sDeny", "", "deny", nil, map[string]any{
			"match": map[string]any{"kinds": []any{map[string]any{"apiGroups": []any{"cert-manager.io"}, "kinds": []any{"Certificate"}}}},
		}, nil)
		b.create(ctx, root, workload, theirs, constraint,
			foreign("cert-manager.io/v1", "ClusterIssuer", "", "ours", ours,
				map[string]any{"ca": map[string]any{"secretName": "root"}}, ready),
			foreign("policy.cert-manager.io/v1alpha1", "CertificateRequestPolicy", "", "allow", nil, map[string]any{"allowed": map[string]any{}}, nil),
			foreign("trust.cert-manager.io/v1alpha1", "Bundle", "", "roots", ours, map[string]any{"sources": []any{}}, nil))
		b.create(ctx, admission("certificates-only")...)
		b.start(ctx)

		b.profiled(ctx, func(g Gomega, p *v1alpha1.ClusterProfile) {
			g.Expect(p.Components).To(ConsistOf(v1alpha1.ComponentProfile{
				Name: "cert-manager", Version: "v1.21.2", Namespace: b.system, Owner: "Helm",
			}))
			g.Expect(p.Issuers).To(Equal([]v1alpha1.IssuerProfile{
				{Kind: "ClusterIssuer", Name: "ours", Backend: "ca " + leadingFingerprint(root), Ready: true, Declared: true},
				{Kind: "Issuer", Namespace: b.namespace, Name: "theirs", Backend: "acme https://acme.example.com/directory"},
			}))
			g.Expect(named(p.Policies, "certificates-only")).To(Equal([]string{"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}))
			g.Expect(named(p.Policies, "allow")).To(Equal([]string{"CertificateRequestPolicy"}))
			g.Expect(named(p.Policies, "deny")).To(Equal([]string{"K8sDeny"}))
			g.Expect(p.Bundles).To(HaveLen(1))
			g.Expect(p.Bundles[0]).To(And(HaveField("Name", "roots"), HaveField("Declared", true), HaveField("Digest", HaveLen(16))))
			g.Expect(p.Settings).To(Equal([]v1alpha1.Setting{
				{Name: "cluster-resource-namespace", Value: b.system}, {Name: "enable-certificate-owner-ref", Value: "true"},
			}))
		})

		By("following an issuer that is given another backend")
		var before *v1alpha1.ClusterProfile
		b.profiled(ctx, func(_ Gomega, p *v1alpha1.ClusterProfile) { before = p })
		Expect(unstructured.SetNestedField(theirs.Object, "https://other.example.com/directory", "spec", "acme", "server")).To(Succeed())
		Expect(b.client.Update(ctx, theirs)).To(Succeed())
		changed := time.Now()
		b.profiled(ctx, func(g Gomega, p *v1alpha1.ClusterProfile) {
			after := slices.Clone(before.Issuers)
			after[1].Backend = "acme https://other.example.com/directory"
			g.Expect(p.Issuers).To(Equal(after))
			g.Expect(p.Policies).To(Equal(before.Policies))
		})
		GinkgoWriter.Printf("the change was reported after %s\n", time.Since(changed))
		// The pace of reports, and as much again for a machine that is busy.
		Expect(time.Since(changed)).To(BeNumerically("<", 10*time.Second))

		By("following a workload that becomes available, and a CA that is renewed")
		workload.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue}}
		Expect(b.client.Status().Update(ctx, workload)).To(Succeed())
		root.Data = b.ca.secret(b.system, "root").Data
		Expect(b.client.Update(ctx, root)).To(Succeed())
		b.profiled(ctx, func(g Gomega, p *v1alpha1.ClusterProfile) {
			g.Expect(p.Components).To(HaveLen(1))
			g.Expect(p.Components[0].Available).To(BeTrue())
			g.Expect(p.Issuers).To(HaveLen(2))
			g.Expect(p.Issuers[0].Backend).To(Equal("ca " + leadingFingerprint(root)))
		})

		By("following what goes")
		Expect(b.client.Delete(ctx, constraint)).To(Succeed())
		Expect(b.client.Delete(ctx, root)).To(Succeed())
		b.profiled(ctx, func(g Gomega, p *v1alpha1.ClusterProfile) {
			g.Expect(named(p.Policies, "deny")).To(BeEmpty())
			g.Expect(p.Issuers).To(HaveLen(2))
			g.Expect(p.Issuers[0].Backend).To(Equal("ca secret " + b.system + "/root unread"))
		})
	}, NodeTimeout(3*time.Minute))
})
