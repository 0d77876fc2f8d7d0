package integration

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/app/member"
)

// authority makes certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

func template(name string) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	Expect(err).NotTo(HaveOccurred())
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
	}
}

func newAuthority(name string) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	t := template(name)
	t.NotAfter = t.NotAfter.Add(365 * 24 * time.Hour)
	t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	Expect(err).NotTo(HaveOccurred())
	certificate, err := x509.ParseCertificate(der)
	Expect(err).NotTo(HaveOccurred())
	return &authority{certificate, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// issue returns a certificate and its key, in PEM.
func (a *authority) issue(names ...string) (crt, key []byte) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	t := template(names[0])
	t.DNSNames = names
	der, err := x509.CreateCertificate(rand.Reader, t, a.certificate, private.Public(), a.key)
	Expect(err).NotTo(HaveOccurred())
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	Expect(err).NotTo(HaveOccurred())
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

func (a *authority) secret(namespace, name string) *corev1.Secret {
	crt, key := a.issue(name + "." + namespace + ".example.com")
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Type:       corev1.SecretTypeTLS,
		Data:       map[string][]byte{"tls.crt": crt, "tls.key": key, "ca.crt": a.pem},
	}
}

// agentBench is an agent beside the API server, with a namespace for its pages
// and one for what it finds.
type agentBench struct {
	client    client.Client
	system    string
	namespace string
	ca        *authority
	config    *rest.Config
	stop      func()
}

func newAgentBench(ctx context.Context, inventory v1alpha1.Inventory) *agentBench {
	c, err := client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	b := &agentBench{client: c, ca: newAuthority("Test CA"), config: config}
	for _, prefix := range []string{"system-", "shop-"} {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: prefix}}
		Expect(c.Create(ctx, ns)).To(Succeed())
		if prefix == "system-" {
			b.system = ns.Name
		} else {
			b.namespace = ns.Name
		}
	}
	agent := &v1alpha1.TLSAgent{
		ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.AgentName},
		Spec:       v1alpha1.TLSAgentSpec{Hub: v1alpha1.HubReference{UID: "hub"}, Cluster: "test", Inventory: inventory},
	}
	Expect(c.Create(ctx, agent)).To(Succeed())
	DeferCleanup(func(ctx context.Context) {
		b.end()
		Expect(client.IgnoreNotFound(c.Delete(ctx, agent))).To(Succeed())
	})
	return b
}

// options of the agent that start runs.
func (b *agentBench) options() member.AgentOptions {
	return member.AgentOptions{
		Config: b.config, Namespace: b.system, Identity: "agent", MetricsAddress: "0", ProbeAddress: "0", Log: GinkgoLogr,
	}
}

// start runs the agent until it is ended.
func (b *agentBench) start(ctx context.Context) { b.stop = run(ctx, b.options()) }

// run runs an agent until it is stopped; the context of a spec does not end it.
func run(ctx context.Context, o member.AgentOptions) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- member.RunAgent(ctx, o) }()
	return func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			Expect(err).NotTo(HaveOccurred())
		}
	}
}

func (b *agentBench) end() {
	if b.stop != nil {
		b.stop()
		b.stop = nil
	}
}

func (b *agentBench) create(ctx context.Context, objects ...client.Object) {
	for _, o := range objects {
		Expect(b.client.Create(ctx, o)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(client.IgnoreNotFound(b.client.Delete(ctx, o))).To(Succeed()) })
	}
}

// records are those of the bench's namespace, as "Kind/name key".
func (b *agentBench) records(ctx context.Context) map[string]v1alpha1.CertificateRecord {
	var slices v1alpha1.CertificateSliceList
	Expect(b.client.List(ctx, &slices, client.InNamespace(b.system))).To(Succeed())
	found := map[string]v1alpha1.CertificateRecord{}
	for i := range slices.Items {
		for _, r := range slices.Items[i].Records {
			if r.Namespace == b.namespace || r.Namespace == "" {
				found[strings.TrimSpace(r.Kind+"/"+r.Name+" "+r.Key)] = r
			}
		}
	}
	return found
}

// record waits for one that is as told.
func (b *agentBench) record(ctx context.Context, name string, is func(Gomega, v1alpha1.CertificateRecord)) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		r, ok := b.records(ctx)[name]
		g.Expect(ok).To(BeTrue(), "no record %s", name)
		is(g, r)
	}).WithTimeout(30 * time.Second).WithPolling(50 * time.Millisecond).Should(Succeed())
}
