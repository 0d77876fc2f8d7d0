package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

func ingressFor(namespace, name, secret string) *networkingv1.Ingress {
	return &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: networkingv1.IngressSpec{
			DefaultBackend: &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
				Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80},
			}},
			TLS: []networkingv1.IngressTLS{{SecretName: secret, Hosts: []string{"shop.example.com"}}},
		},
	}
}

var _ = Describe("The agent", Serial, func() {
	It("finds certificates, what uses them and what nothing uses", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{OrphanGracePeriod: &metav1.Duration{}})
		used, orphan := b.ca.secret(b.namespace, "web-tls"), b.ca.secret(b.namespace, "old-tls")
		b.create(ctx, used, orphan, ingressFor(b.namespace, "web", "web-tls"), &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: "roots"}, Data: map[string]string{"ca.crt": string(b.ca.pem)},
		})
		b.start(ctx)
		b.record(ctx, "Secret/web-tls tls.crt", func(g Gomega, r v1alpha1.CertificateRecord) {
			g.Expect(r.Use).To(Equal("Used"))
			g.Expect(r.Layer).To(Equal(v1alpha1.LayerIngress))
			g.Expect(r.UsedBy).To(ConsistOf(HaveField("Name", "web")))
			g.Expect(r.Issuer).To(Equal("CN=Test CA"))
			g.Expect(r.Findings).To(BeEmpty())
		})
		b.record(ctx, "Secret/old-tls tls.crt", func(g Gomega, r v1alpha1.CertificateRecord) {
			g.Expect(r.Use).To(Equal("Unreferenced"))
			g.Expect(r.Orphan).To(BeTrue())
			g.Expect(r.UnreferencedSince).NotTo(BeNil())
		})
		b.record(ctx, "ConfigMap/roots ca.crt", func(g Gomega, r v1alpha1.CertificateRecord) {
			g.Expect(r.Role).To(Equal("Bundle"))
			g.Expect(r.CA).To(BeTrue())
		})

		By("following what changes")
		b.create(ctx, ingressFor(b.namespace, "late", "old-tls"))
		b.record(ctx, "Secret/old-tls tls.crt", func(g Gomega, r v1alpha1.CertificateRecord) {
			g.Expect(r.Use).To(Equal("Used"))
			g.Expect(r.Orphan).To(BeFalse())
		})
		Expect(b.client.Delete(ctx, used)).To(Succeed())
		Eventually(ctx, func() map[string]v1alpha1.CertificateRecord { return b.records(ctx) }).
			WithTimeout(30 * time.Second).ShouldNot(HaveKey("Secret/web-tls tls.crt"))

		By("reporting the counts")
		Eventually(ctx, func(g Gomega) {
			var agent v1alpha1.TLSAgent
			g.Expect(b.client.Get(ctx, client.ObjectKey{Name: v1alpha1.AgentName}, &agent)).To(Succeed())
			g.Expect(agent.Status.Certificates.ByLayer.Ingress).To(BeEquivalentTo(1))
			g.Expect(agent.Status.Conditions).To(ContainElement(And(HaveField("Type", "Ready"), HaveField("Status", metav1.ConditionTrue))))
		}).WithTimeout(30 * time.Second).Should(Succeed())
	}, NodeTimeout(3*time.Minute))
})
