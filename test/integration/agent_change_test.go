package integration

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// soon is how long the agent may take to publish a change.
const soon = 30 * time.Second

// fingerprint of the first certificate in PEM.
func fingerprint(crt []byte) string {
	block, _ := pem.Decode(crt)
	sum := sha256.Sum256(block.Bytes)
	return hex.EncodeToString(sum[:])
}

// noRecord waits until there is none of that name.
func (b *agentBench) noRecord(ctx context.Context, name string) {
	GinkgoHelper()
	Eventually(ctx, func() map[string]v1alpha1.CertificateRecord { return b.records(ctx) }).
		WithTimeout(soon).WithPolling(50 * time.Millisecond).ShouldNot(HaveKey(name))
}

// holds waits for a record of that very certificate.
func (b *agentBench) holds(ctx context.Context, name string, crt []byte) {
	GinkgoHelper()
	b.record(ctx, name, func(g Gomega, r v1alpha1.CertificateRecord) {
		g.Expect(r.Fingerprint).To(Equal(fingerprint(crt)))
	})
}

// replace deletes an object and makes another of that name at once.
func (b *agentBench) replace(ctx context.Context, old, now *corev1.Secret) {
	GinkgoHelper()
	Expect(b.client.Delete(ctx, old)).To(Succeed())
	b.create(ctx, now)
}

func (b *agentBench) opaque(name string, data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: name}, Type: corev1.SecretTypeOpaque, Data: data}
}

var _ = Describe("What changes in a cluster", Serial, func() {
	It("is followed when a Secret is made again with another type or content", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{})
		const record = "Secret/web-tls tls.crt"
		first := b.ca.secret(b.namespace, "web-tls")
		b.create(ctx, first)
		b.start(ctx)
		b.holds(ctx, record, first.Data["tls.crt"])

		By("another type that may hold one")
		crt, key := b.ca.issue("second.example.com")
		second := b.opaque("web-tls", map[string][]byte{"tls.crt": crt, "tls.key": key})
		b.replace(ctx, first, second)
		b.holds(ctx, record, crt)

		By("a type that is not looked at")
		third := b.opaque("web-tls", map[string][]byte{"tls.crt": crt, "username": []byte("u")})
		third.Type = corev1.SecretTypeBasicAuth
		b.replace(ctx, second, third)
		b.noRecord(ctx, record)

		By("no certificate, then one, then none again")
		fourth := b.opaque("web-tls", map[string][]byte{"password": []byte("p")})
		b.replace(ctx, third, fourth)
		crt, _ = b.ca.issue("fourth.example.com")
		fourth.Data = map[string][]byte{"tls.crt": crt}
		Expect(b.client.Update(ctx, fourth)).To(Succeed())
		b.holds(ctx, record, crt)
		fourth.Data = map[string][]byte{"tls.crt": []byte("-----")}
		Expect(b.client.Update(ctx, fourth)).To(Succeed())
		b.record(ctx, record, func(g Gomega, r v1alpha1.CertificateRecord) {
			g.Expect(r.Findings).To(ContainElement("Malformed"))
			g.Expect(r.Fingerprint).To(BeEmpty())
			g.Expect(r.Problem).NotTo(BeEmpty())
		})
		fourth.Data = map[string][]byte{"password": []byte("p")}
		Expect(b.client.Update(ctx, fourth)).To(Succeed())
		b.noRecord(ctx, record)
	}, NodeTimeout(3*time.Minute))

	It("is followed when a certificate is replaced or a ConfigMap loses its bundle", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{})
		secret := b.ca.secret(b.namespace, "web-tls")
		roots := &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: "roots"},
			Data:       map[string]string{"ca.crt": string(b.ca.pem), "other": "no certificate"},
		}
		b.create(ctx, secret, roots)
		b.start(ctx)
		b.holds(ctx, "Secret/web-tls tls.crt", secret.Data["tls.crt"])
		b.holds(ctx, "ConfigMap/roots ca.crt", b.ca.pem)

		renewed := b.ca.secret(b.namespace, "web-tls").Data
		secret.Data = renewed
		Expect(b.client.Update(ctx, secret)).To(Succeed())
		b.holds(ctx, "Secret/web-tls tls.crt", renewed["tls.crt"])

		delete(roots.Data, "ca.crt")
		Expect(b.client.Update(ctx, roots)).To(Succeed())
		b.noRecord(ctx, "ConfigMap/roots ca.crt")
	}, NodeTimeout(3*time.Minute))

	It("is read as far as it can be, whatever the values hold", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{})
		crt, key := b.ca.issue("web.example.com")
		_, other := b.ca.issue("other.example.com")
		half := crt[:len(crt)/2]
		secret := func(name string, crt, key []byte) *corev1.Secret {
			s := b.opaque(name, map[string][]byte{"tls.crt": crt, "tls.key": key})
			s.Type = corev1.SecretTypeTLS
			return s
		}
		exposed := &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: "exposed"}, Data: map[string]string{"all.pem": string(crt) + string(key)},
		}
		b.create(ctx, secret("empty", nil, nil), secret("cut", half, key), secret("binary", []byte{0xff, 0, 0x30, 0x82}, key),
			secret("text", []byte("%s%n\x1b[31m\n"), key), secret("foreign-key", crt, other), secret("good", crt, key), exposed)
		b.start(ctx)
		for name, finding := range map[string]string{"empty": "Empty", "cut": "Malformed", "binary": "Malformed", "text": "Malformed"} {
			b.record(ctx, "Secret/"+name+" tls.crt", func(g Gomega, r v1alpha1.CertificateRecord) {
				g.Expect(r.Findings).To(ContainElement(finding), "of %s", name)
				g.Expect(r.Problem).NotTo(ContainSubstring("\x1b"))
			})
		}
		b.record(ctx, "Secret/good tls.crt", func(g Gomega, r v1alpha1.CertificateRecord) {
			g.Expect(r.Findings).To(BeEmpty())
		})
		b.record(ctx, "ConfigMap/exposed all.pem", func(g Gomega, r v1alpha1.CertificateRecord) {
			g.Expect(r.Findings).To(ContainElement("PrivateKeyExposed"))
		})
		Eventually(ctx, func(g Gomega) {
			status := b.status(ctx, g)
			g.Expect(status.Certificates.Unreadable).To(BeEquivalentTo(4))
			g.Expect(status.Unreadable).To(HaveLen(4))
		}).WithTimeout(soon).Should(Succeed())
	}, NodeTimeout(3*time.Minute))
})
