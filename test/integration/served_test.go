package integration

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/app/member"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	agentplan "github.com/tlsplatform/tls-platform-operator/internal/plan/agent"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/plantest"
)

// tlsServer shows a certificate for each server name, and counts connections.
type tlsServer struct {
	address      netip.AddrPort
	accepted     atomic.Int64
	certificates map[string]tls.Certificate
	// before the handshake.
	before func(net.Conn) error
}

// postgres takes an SSLRequest and answers that TLS is spoken.
func postgres(conn net.Conn) error {
	request := make([]byte, 8)
	if _, err := io.ReadFull(conn, request); err != nil {
		return err
	}
	if request[4] != 0x04 || request[5] != 0xd2 {
		return errors.New("that is no SSLRequest")
	}
	_, err := conn.Write([]byte{'S'})
	return err
}

// newTLSServer listens on an address of loopback.
func newTLSServer(ctx context.Context, host string, certificates map[string]tls.Certificate) *tlsServer {
	return newServer(ctx, host, certificates, func(net.Conn) error { return nil })
}

func newServer(ctx context.Context, host string, certificates map[string]tls.Certificate, before func(net.Conn) error) *tlsServer {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", host+":0")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { _ = listener.Close() })
	s := &tlsServer{address: listener.Addr().(*net.TCPAddr).AddrPort(), certificates: certificates, before: before}
	config := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		c, ok := s.certificates[hello.ServerName]
		if !ok {
			return nil, errors.New("no such name")
		}
		return &c, nil
	}}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.accepted.Add(1)
			go func() {
				defer func() { _ = conn.Close() }()
				if s.before(conn) != nil {
					return
				}
				_ = tls.Server(conn, config).HandshakeContext(context.WithoutCancel(ctx))
			}()
		}
	}()
	return s
}

func pair(crt, key []byte) tls.Certificate {
	c, err := tls.X509KeyPair(crt, key)
	Expect(err).NotTo(HaveOccurred())
	return c
}

// noDNS stands for a resolver: no name has an address, or is an alias.
type noDNS struct{}

func (noDNS) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, errors.New("no such host")
}

func (noDNS) LookupCNAME(_ context.Context, host string) (string, error) { return host, nil }

// startProber runs a prober beside the bench's agent.
func (b *agentBench) startProber(ctx context.Context, httpsPort uint16) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	options := member.ProberOptions{AgentOptions: b.options(), Resolver: noDNS{}, HTTPSPort: httpsPort}
	options.Identity = "prober"
	options.Config = b.asProber(ctx)
	go func() { done <- member.RunProber(ctx, options) }()
	DeferCleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			Expect(err).NotTo(HaveOccurred())
		}
	})
}

// asProber is a connection under the roles that the plan grants to the prober.
func (b *agentBench) asProber(ctx context.Context) *rest.Config {
	platform := &v1alpha1.TLSPlatform{Spec: v1alpha1.TLSPlatformSpec{
		Inventory: v1alpha1.Inventory{Probing: &v1alpha1.Probing{AllowedNetworks: []string{"127.0.0.0/8"}}},
	}}
	part, _ := agentplan.Build(platform, plantest.Facts("TLSAgent.tlsplatform.io"), agentplan.Input{Image: "i", HubUID: "u", Namespace: b.system})
	for _, o := range part.Objects {
		if o.GetLabels()["app.kubernetes.io/component"] == "prober" && o.GroupVersionKind().Group == rbacv1.GroupName {
			b.create(ctx, o)
		}
	}
	as := rest.CopyConfig(b.config)
	as.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:" + b.system + ":" + names.ServiceAccountProber,
		Groups:   []string{"system:serviceaccounts", "system:authenticated"},
	}
	return as
}

// ingress with TLS for one host, at an address of its status.
func (b *agentBench) ingress(ctx context.Context, name, host, secret, address string) {
	o := &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: name},
		Spec: networkingv1.IngressSpec{
			TLS:            []networkingv1.IngressTLS{{Hosts: []string{host}, SecretName: secret}},
			DefaultBackend: &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80}}},
		},
	}
	b.create(ctx, o)
	o.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{IP: address}}
	Expect(b.client.Status().Update(ctx, o)).To(Succeed())
}

// loadBalancer with one port, at an address of its status.
func (b *agentBench) loadBalancer(ctx context.Context, name string, annotations map[string]string, at netip.AddrPort) {
	o := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: name, Annotations: annotations},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeLoadBalancer, AllocateLoadBalancerNodePorts: ptr.To(false),
			Ports: []corev1.ServicePort{{Name: "https", Port: int32(at.Port())}},
		},
	}
	b.create(ctx, o)
	o.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: at.Addr().String(), IPMode: ptr.To(corev1.LoadBalancerIPModeVIP)}}
	Expect(b.client.Status().Update(ctx, o)).To(Succeed())
}

var _ = Describe("served certificates", func() {
	const arn = "arn:aws:acm:eu-central-1:123456789012:certificate/8b5c7e1a"

	It("are compared with what is stored, and followed to the cloud", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{Probing: &v1alpha1.Probing{
			AllowedNetworks: []string{"127.0.0.1/32"}, Interval: &metav1.Duration{Duration: time.Hour},
		}})
		same, other := b.ca.secret(b.namespace, "same"), b.ca.secret(b.namespace, "other")
		b.create(ctx, same, other)
		foreign := newAuthority("Cloud CA")
		crt, key := b.ca.issue("shop.example.com")
		cloudCrt, cloudKey := foreign.issue("cloud.example.com")
		ingress := newTLSServer(ctx, "127.0.0.1", map[string]tls.Certificate{
			"same.example.com": pair(same.Data["tls.crt"], same.Data["tls.key"]),
			"shop.example.com": pair(crt, key),
		})
		cloud := newTLSServer(ctx, "127.0.0.1", map[string]tls.Certificate{"": pair(cloudCrt, cloudKey)})
		forbidden := newTLSServer(ctx, "127.0.0.2", map[string]tls.Certificate{"": pair(cloudCrt, cloudKey)})

		b.ingress(ctx, "same", "same.example.com", "same", "127.0.0.1")
		b.ingress(ctx, "shop", "shop.example.com", "other", "127.0.0.1")
		annotations := map[string]string{"service.beta.kubernetes.io/aws-load-balancer-ssl-cert": arn}
		b.loadBalancer(ctx, "cloud", annotations, cloud.address)
		b.loadBalancer(ctx, "forbidden", annotations, forbidden.address)
		b.start(ctx)
		b.startProber(ctx, ingress.address.Port())

		expect := func(name string, at netip.AddrPort, is func(Gomega, v1alpha1.CertificateRecord)) {
			GinkgoHelper()
			b.record(ctx, "Endpoint/"+name+" "+at.String(), func(g Gomega, r v1alpha1.CertificateRecord) {
				g.Expect(r.Served).NotTo(BeNil())
				g.Expect(r.Role).To(Equal("Served"))
				g.Expect(r.Use).To(Equal("Used"))
				is(g, r)
			})
		}
		expect("ingress.same.same.example.com", ingress.address, func(g Gomega, r v1alpha1.CertificateRecord) {
			g.Expect(r.Served.Agreement).To(Equal("Same"))
			g.Expect(r.Served.TerminatesAt).To(Equal("IngressController"))
			g.Expect(r.Served.Stored).To(Equal([]string{b.namespace + "/same"}))
			g.Expect(r.ManagedBy).To(Equal("by hand"), "as the Secret is")
			g.Expect(r.Layer).To(Equal(v1alpha1.LayerIngress))
		})
		expect("ingress.shop.shop.example.com", ingress.address, func(g Gomega, r v1alpha1.CertificateRecord) {
			g.Expect(r.Served.Agreement).To(Equal("Differs"))
			g.Expect(r.Served.Source).To(Equal("Ingress " + b.namespace + "/shop"))
			g.Expect(r.Names).To(Equal([]string{"shop.example.com"}))
			g.Expect(r.Served.Version).To(Equal("TLS 1.3"))
		})
		expect("service.cloud."+strconv.Itoa(int(cloud.address.Port())), cloud.address, func(g Gomega, r v1alpha1.CertificateRecord) {
			g.Expect(r.Served.TerminatesAt).To(Equal("LoadBalancer"))
			g.Expect(r.Served.Agreement).To(Equal("StoredMissing"))
			g.Expect(r.Served.Cloud).To(HaveLen(1))
			g.Expect(r.Served.Cloud[0].ID).To(Equal(arn))
			g.Expect(r.Issuer).To(ContainSubstring("Cloud CA"))
			g.Expect(r.ManagedBy).To(Equal("cloud"))
		})
		expect("service.forbidden."+strconv.Itoa(int(forbidden.address.Port())), forbidden.address, func(g Gomega, r v1alpha1.CertificateRecord) {
			g.Expect(r.Served.Reason).To(Equal("Denied"))
			g.Expect(r.Served.Cloud[0].Provider).To(Equal("AWS"))
			g.Expect(r.Fingerprint).To(BeEmpty())
		})
		Expect(forbidden.accepted.Load()).To(BeZero(), "what is not allowed is never dialled")
		Expect(ingress.accepted.Load()).NotTo(BeZero())
	})

	It("are probed again when what is stored changes, and go with the address", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{Probing: &v1alpha1.Probing{AllowedNetworks: []string{"127.0.0.0/8"}}})
		secret := b.ca.secret(b.namespace, "web")
		b.create(ctx, secret)
		server := newTLSServer(ctx, "127.0.0.1", map[string]tls.Certificate{
			"web.example.com": pair(secret.Data["tls.crt"], secret.Data["tls.key"]),
		})
		b.ingress(ctx, "web", "web.example.com", "web", "127.0.0.1")
		b.start(ctx)
		b.startProber(ctx, server.address.Port())
		name := "Endpoint/ingress.web.web.example.com " + server.address.String()
		agreement := func(want ...string) {
			GinkgoHelper()
			b.record(ctx, name, func(g Gomega, r v1alpha1.CertificateRecord) { g.Expect(want).To(ContainElement(r.Served.Agreement)) })
		}
		agreement("Same")
		renewed := b.ca.secret(b.namespace, "web")
		secret.Data = renewed.Data
		Expect(b.client.Update(ctx, secret)).To(Succeed())
		By("the server goes on with the old certificate")
		// Certificates of one second can't be told by their age.
		agreement("StoredIsNewer", "Differs")
		By("the prober's pages are apart from the agent's")
		var pages v1alpha1.CertificateSliceList
		Expect(b.client.List(ctx, &pages, client.InNamespace(b.system), client.MatchingLabels{names.LabelAgent: names.ProberWriter})).To(Succeed())
		Expect(pages.Items).To(HaveLen(1))
		Expect(pages.Items[0].Name).To(Equal("served"))
		Expect(b.client.DeleteAllOf(ctx, &networkingv1.Ingress{}, client.InNamespace(b.namespace))).To(Succeed())
		Eventually(ctx, func() map[string]v1alpha1.CertificateRecord { return b.records(ctx) }).
			WithTimeout(20 * time.Second).WithPolling(100 * time.Millisecond).ShouldNot(HaveKey(name))
	})

	It("are looked at only where that is allowed, and no more when it is not", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{Probing: &v1alpha1.Probing{AllowedNetworks: []string{"192.0.2.0/24"}}})
		secret := b.ca.secret(b.namespace, "db")
		b.create(ctx, secret)
		server := newServer(ctx, "127.0.0.1", map[string]tls.Certificate{
			"db.example.com": pair(secret.Data["tls.crt"], secret.Data["tls.key"]),
		}, postgres)
		probing := func(change func(*v1alpha1.Inventory)) {
			var agent v1alpha1.TLSAgent
			Expect(b.client.Get(ctx, client.ObjectKey{Name: v1alpha1.AgentName}, &agent)).To(Succeed())
			before := agent.DeepCopy()
			change(&agent.Spec.Inventory)
			Expect(b.client.Patch(ctx, &agent, client.MergeFrom(before))).To(Succeed())
		}
		probing(func(i *v1alpha1.Inventory) {
			i.Probing.Endpoints = []v1alpha1.ProbedEndpoint{{
				Name: "db", Host: "127.0.0.1", Port: int32(server.address.Port()), ServerName: "db.example.com", Protocol: v1alpha1.ProbePostgreSQL,
				SecretRef: &v1alpha1.NamespacedSecretReference{Namespace: b.namespace, Name: "db"},
			}}
		})
		b.start(ctx)
		b.startProber(ctx, 0)
		name := "Endpoint/declared.db " + server.address.String()
		b.record(ctx, name, func(g Gomega, r v1alpha1.CertificateRecord) { g.Expect(r.Served.Reason).To(Equal("Denied")) })
		Expect(server.accepted.Load()).To(BeZero())
		probing(func(i *v1alpha1.Inventory) { i.Probing.AllowedNetworks = []string{"127.0.0.0/8"} })
		b.record(ctx, name, func(g Gomega, r v1alpha1.CertificateRecord) {
			g.Expect(r.Served.Agreement).To(Equal("Same"))
			g.Expect(r.Served.TerminatesAt).To(Equal("Application"))
			g.Expect(r.Served.Protocol).To(Equal("PostgreSQL"))
			g.Expect(r.Layer).To(Equal(v1alpha1.LayerApplication))
		})
		probing(func(i *v1alpha1.Inventory) { i.Probing = nil })
		Eventually(ctx, func() map[string]v1alpha1.CertificateRecord { return b.records(ctx) }).
			WithTimeout(20 * time.Second).WithPolling(100 * time.Millisecond).ShouldNot(HaveKey(name))
	})

	DescribeTable("refuses settings that can't be meant", func(ctx SpecContext, says string, probing v1alpha1.Probing) {
		c, err := client.New(config, client.Options{Scheme: scheme})
		Expect(err).NotTo(HaveOccurred())
		err = c.Create(ctx, &v1alpha1.TLSAgent{
			ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.AgentName},
			Spec: v1alpha1.TLSAgentSpec{
				Hub: v1alpha1.HubReference{UID: "hub"}, Cluster: "test", Inventory: v1alpha1.Inventory{Probing: &probing},
			},
		}, client.DryRunAll)
		Expect(err).To(MatchError(ContainSubstring(says)))
	},
		Entry("no network", "allowedNetworks", v1alpha1.Probing{AllowedNetworks: []string{}}),
		Entry("an address", "CIDR notation", v1alpha1.Probing{AllowedNetworks: []string{"10.0.0.1"}}),
		Entry("too often", "at least 1m", v1alpha1.Probing{AllowedNetworks: []string{"10.0.0.0/8"}, Interval: &metav1.Duration{Duration: time.Second}}),
		Entry("a protocol that nobody speaks", "protocol", v1alpha1.Probing{
			AllowedNetworks: []string{"10.0.0.0/8"}, Endpoints: []v1alpha1.ProbedEndpoint{{Name: "a", Host: "b", Port: 1, Protocol: "QUIC"}},
		}),
		Entry("two endpoints of one name", "Duplicate", v1alpha1.Probing{
			AllowedNetworks: []string{"10.0.0.0/8"}, Endpoints: []v1alpha1.ProbedEndpoint{{Name: "a", Host: "b", Port: 1}, {Name: "a", Host: "c", Port: 1}},
		}),
	)
})
