package integration

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/pavlo-v-chernykh/keystore-go/v4"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// keyPair is a certificate with its key, as keystores want them.
type keyPair struct {
	certificate *x509.Certificate
	key         any
	der         []byte // of the key, in PKCS#8
}

func (a *authority) keyPair(name string) keyPair {
	crt, key := a.issue(name)
	block, _ := pem.Decode(crt)
	certificate, err := x509.ParseCertificate(block.Bytes)
	Expect(err).NotTo(HaveOccurred())
	block, _ = pem.Decode(key)
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	Expect(err).NotTo(HaveOccurred())
	return keyPair{certificate, private, block.Bytes}
}

func (a *authority) pkcs12(name, password string) []byte {
	p := a.keyPair(name)
	data, err := pkcs12.Modern2023.Encode(p.key, p.certificate, []*x509.Certificate{a.certificate}, password)
	Expect(err).NotTo(HaveOccurred())
	return data
}

func (a *authority) jks(name, password string) []byte {
	p := a.keyPair(name)
	store := keystore.New()
	Expect(store.SetPrivateKeyEntry("certificate", keystore.PrivateKeyEntry{
		CreationTime: time.Now(), PrivateKey: p.der, CertificateChain: []keystore.Certificate{
			{Type: "X509", Content: p.certificate.Raw}, {Type: "X509", Content: a.certificate.Raw},
		},
	}, []byte(password))).To(Succeed())
	var out bytes.Buffer
	Expect(store.Store(&out, []byte(password))).To(Succeed())
	return out.Bytes()
}

// opened expects a record of that subject that nothing is wrong with.
func opened(format, subject string) func(Gomega, v1alpha1.CertificateRecord) {
	return func(g Gomega, r v1alpha1.CertificateRecord) {
		g.Expect(r.Format).To(Equal(format))
		g.Expect(r.Subject).To(Equal("CN=" + subject))
		g.Expect(r.Names).To(ConsistOf(subject))
		g.Expect(r.Findings).To(BeEmpty())
	}
}

func with(finding string) func(Gomega, v1alpha1.CertificateRecord) {
	return func(g Gomega, r v1alpha1.CertificateRecord) { g.Expect(r.Findings).To(ContainElement(finding)) }
}

// certManager installs kinds of cert-manager, as its module ships them.
func (b *agentBench) certManager(ctx context.Context, plurals ...string) {
	GinkgoHelper()
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/cert-manager/cert-manager")
	cmd.Dir = root
	out, err := cmd.Output()
	Expect(err).NotTo(HaveOccurred())
	var definitions []*apiextensionsv1.CustomResourceDefinition
	for _, plural := range plurals {
		raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "deploy", "crds", "cert-manager.io_"+plural+".yaml"))
		Expect(err).NotTo(HaveOccurred())
		d := &apiextensionsv1.CustomResourceDefinition{}
		Expect(yaml.UnmarshalStrict(raw, d)).To(Succeed())
		definitions = append(definitions, d)
	}
	b.install(ctx, definitions...)
	Expect(cmv1.AddToScheme(scheme)).To(Succeed())
	b.client, err = client.New(config, client.Options{Scheme: scheme}) // which knows the new kinds
	Expect(err).NotTo(HaveOccurred())
}

func passwordRef(secret, key string) cmmeta.SecretKeySelector {
	return cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: secret}, Key: key}
}

var _ = Describe("Keystores", Serial, func() {
	It("are opened with a password beside them or declared elsewhere", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{Keystores: []v1alpha1.Keystore{
			{Name: "elsewhere-*", PasswordSecretRef: v1alpha1.SecretKeyReference{Name: "passwords", Key: "pass"}},
			{Name: "lost", PasswordSecretRef: v1alpha1.SecretKeyReference{Name: "nowhere", Key: "pass"}},
		}})
		b.create(ctx,
			b.opaque("beside", map[string][]byte{
				"keystore.p12": b.ca.pkcs12("p12.example.com", "pä55"), "keystore.jks": b.ca.jks("jks.example.com", "pä55"), "password": []byte("pä55\n"),
			}),
			b.opaque("strimzi", map[string][]byte{"user.p12": b.ca.pkcs12("user.example.com", "s"), "user.password": []byte("s")}),
			b.opaque("elsewhere-a", map[string][]byte{"store.p12": b.ca.pkcs12("a.example.com", "far")}),
			b.opaque("elsewhere-b", map[string][]byte{"store.jks": b.ca.jks("b.example.com", "far")}),
			b.opaque("passwords", map[string][]byte{"pass": []byte("far")}),
			b.opaque("wrong", map[string][]byte{"store.p12": b.ca.pkcs12("c.example.com", "right"), "password": []byte("wrong")}),
			b.opaque("none", map[string][]byte{"store.p12": b.ca.pkcs12("d.example.com", "right")}),
			b.opaque("lost", map[string][]byte{"store.p12": b.ca.pkcs12("e.example.com", "right")}),
			b.opaque("cut", map[string][]byte{"store.p12": b.ca.pkcs12("f.example.com", "p")[:200], "password": []byte("p")}))
		b.start(ctx)
		b.record(ctx, "Secret/beside keystore.p12", opened("PKCS12", "p12.example.com"))
		b.record(ctx, "Secret/beside keystore.jks", opened("JKS", "jks.example.com"))
		b.record(ctx, "Secret/strimzi user.p12", opened("PKCS12", "user.example.com"))
		b.record(ctx, "Secret/elsewhere-a store.p12", opened("PKCS12", "a.example.com"))
		b.record(ctx, "Secret/elsewhere-b store.jks", opened("JKS", "b.example.com"))
		b.record(ctx, "Secret/wrong store.p12", with("WrongPassword"))
		b.record(ctx, "Secret/none store.p12", with("NoPassword"))
		b.record(ctx, "Secret/lost store.p12", with("NoPassword"))
		Expect(b.records(ctx)).NotTo(HaveKey(HavePrefix("Secret/passwords")))

		By("saying so in the report")
		Eventually(ctx, func(g Gomega) {
			g.Expect(b.status(ctx, g).Unreadable).To(ContainElements(
				HaveField("Reason", "WrongPassword"), HaveField("Reason", "NoPassword")))
		}).WithTimeout(soon).Should(Succeed())

		By("declaring another")
		b.ask(ctx, func(i *v1alpha1.Inventory) { i.Keystores[1].PasswordSecretRef.Name = "found" })
		found := b.opaque("found", map[string][]byte{"pass": []byte("right")})
		b.create(ctx, found)
		b.ask(ctx, func(i *v1alpha1.Inventory) { i.Keystores[1].Key = "store.p12" })
		b.record(ctx, "Secret/lost store.p12", opened("PKCS12", "e.example.com"))
	}, NodeTimeout(3*time.Minute))

	It("are opened with the password that a Certificate names, in whatever order they come", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{})
		keystores := func(name string) *corev1.Secret {
			s := b.ca.secret(b.namespace, name)
			s.Data["keystore.p12"], s.Data["keystore.jks"] = b.ca.pkcs12("p12.example.com", "one"), b.ca.jks("jks.example.com", "two")
			return s
		}
		certificate := func(name string) *cmv1.Certificate {
			return &cmv1.Certificate{
				ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: name + "-cert"},
				Spec: cmv1.CertificateSpec{
					SecretName: name, DNSNames: []string{"shop.example.com"}, IssuerRef: cmmeta.IssuerReference{Name: "ca"},
					Keystores: &cmv1.CertificateKeystores{
						PKCS12: &cmv1.PKCS12Keystore{Create: true, PasswordSecretRef: passwordRef("passwords", "p12")},
						JKS:    &cmv1.JKSKeystore{Create: true, PasswordSecretRef: passwordRef("passwords", "jks")},
					},
				},
			}
		}
		b.create(ctx, b.opaque("passwords", map[string][]byte{"p12": []byte("one"), "jks": []byte("two")}), keystores("early"))
		b.start(ctx)
		b.record(ctx, "Secret/early keystore.p12", with("NoPassword"))

		By("a Certificate after its Secret, and after its kind")
		b.certManager(ctx, "certificates")
		b.create(ctx, certificate("early"))
		b.record(ctx, "Secret/early keystore.p12", opened("PKCS12", "p12.example.com"))
		b.record(ctx, "Secret/early keystore.jks", opened("JKS", "jks.example.com"))
		b.record(ctx, "Secret/early tls.crt", func(g Gomega, r v1alpha1.CertificateRecord) {
			g.Expect(r.ManagedBy).To(Equal("cert-manager"))
			g.Expect(r.Manager).To(ContainSubstring("early-cert"))
		})
		By("a Certificate before its Secret")
		b.create(ctx, certificate("late"))
		b.create(ctx, keystores("late"))
		b.record(ctx, "Secret/late keystore.p12", opened("PKCS12", "p12.example.com"))
		b.record(ctx, "Secret/late keystore.jks", opened("JKS", "jks.example.com"))
	}, NodeTimeout(4*time.Minute))
})

var _ = Describe("Certificates of the csi-driver", Serial, func() {
	It("are found by the requests of Pods", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{})
		b.certManager(ctx, "certificates", "certificaterequests")
		b.start(ctx)
		pod := metav1.OwnerReference{APIVersion: "v1", Kind: "Pod", Name: "db-0", UID: "1"}
		owned := func(name string, owners ...metav1.OwnerReference) *cmv1.CertificateRequest {
			r := &cmv1.CertificateRequest{
				ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: name, OwnerReferences: owners},
				Spec:       cmv1.CertificateRequestSpec{Request: []byte("request"), IssuerRef: cmmeta.IssuerReference{Name: "ca"}},
			}
			b.create(ctx, r)
			return r
		}
		crt, _ := b.ca.issue("db-0.example.com")
		requests := []*cmv1.CertificateRequest{
			owned("by-pod", pod),
			owned("by-certificate", metav1.OwnerReference{APIVersion: "cert-manager.io/v1", Kind: "Certificate", Name: "web", UID: "2"}),
			owned("by-hand"),
		}
		for _, r := range requests {
			r.Status.Certificate, r.Status.CA = crt, b.ca.pem
			Expect(b.client.Status().Update(ctx, r)).To(Succeed())
		}
		const record = "CertificateRequest/by-pod status.certificate"
		b.record(ctx, record, func(g Gomega, r v1alpha1.CertificateRecord) {
			g.Expect(r.ManagedBy).To(Equal("csi-driver"))
			g.Expect(r.Manager).To(ContainSubstring("db-0"))
			g.Expect(r.Fingerprint).To(Equal(fingerprint(crt)))
			g.Expect(r.IssuerRef).To(Equal("Issuer/ca"))
			g.Expect(r.Use).To(Equal("Used"))
		})
		Expect(b.records(ctx)).NotTo(Or(HaveKey(ContainSubstring("by-certificate")), HaveKey(ContainSubstring("by-hand"))))
		Expect(b.client.Delete(ctx, requests[0])).To(Succeed())
		b.noRecord(ctx, record)
	}, NodeTimeout(3*time.Minute))
})
