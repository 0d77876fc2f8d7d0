package integration

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// quiet is how long nothing must happen to count as quiet: longer than a report
// or a page waits.
const quiet = 7 * time.Second

// versions are the resourceVersions of all that the agent publishes.
func (b *agentBench) versions(ctx context.Context) map[string]string {
	var slices v1alpha1.CertificateSliceList
	Expect(b.client.List(ctx, &slices, client.InNamespace(b.system))).To(Succeed())
	found := map[string]string{}
	for i := range slices.Items {
		found[slices.Items[i].Name] = slices.Items[i].ResourceVersion
	}
	var agent v1alpha1.TLSAgent
	Expect(b.client.Get(ctx, client.ObjectKey{Name: v1alpha1.AgentName}, &agent)).To(Succeed())
	found["TLSAgent"] = agent.ResourceVersion
	return found
}

// resting waits until nothing is written any more, and returns what there is.
func (b *agentBench) resting(ctx context.Context) map[string]string {
	GinkgoHelper()
	last, since := b.versions(ctx), time.Now()
	Eventually(ctx, func() time.Duration {
		now := b.versions(ctx)
		for name, version := range now {
			if last[name] != version {
				since = time.Now()
			}
		}
		last = now
		return time.Since(since)
	}).WithTimeout(time.Minute).WithPolling(200 * time.Millisecond).Should(BeNumerically(">", quiet))
	return last
}

// restart runs another process of the agent, and waits until it has read
// everything.
func (b *agentBench) restart(ctx context.Context) {
	GinkgoHelper()
	b.end()
	synced := make(chan struct{})
	o := b.options()
	o.Identity, o.Synced = "agent-2", func() { close(synced) }
	b.stop = run(ctx, o)
	Eventually(synced).WithTimeout(soon).Should(BeClosed())
}

// page changes the one page that there is.
func (b *agentBench) page(ctx context.Context, change func(*v1alpha1.CertificateSlice) error) {
	GinkgoHelper()
	var slices v1alpha1.CertificateSliceList
	Expect(b.client.List(ctx, &slices, client.InNamespace(b.system))).To(Succeed())
	Expect(slices.Items).To(HaveLen(1))
	Expect(change(&slices.Items[0])).To(Succeed())
}

var _ = Describe("A restart of the agent", Serial, func() {
	It("writes nothing when nothing changed, and keeps since when things are unused", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{})
		other := b.another(ctx)
		db, old := other+"/db-tls", b.namespace+"/old-tls"
		b.create(ctx, b.ca.secret(b.namespace, "web-tls"), b.ca.secret(b.namespace, "old-tls"), b.ca.secret(other, "db-tls"),
			ingressFor(b.namespace, "web", "web-tls"))
		b.start(ctx)
		since := b.aged(ctx, db, old)
		before := b.resting(ctx)

		b.restart(ctx)
		Consistently(ctx, func() map[string]string { return b.versions(ctx) }).
			WithTimeout(quiet).WithPolling(200 * time.Millisecond).Should(Equal(before))
		b.expectSince(ctx, since)

		By("reading single namespaces from then on, of which one comes first")
		b.end()
		b.ask(ctx, func(i *v1alpha1.Inventory) { i.Namespaces.Include = []string{b.namespace, other} })
		b.restart(ctx)
		before = b.resting(ctx)
		b.expectSince(ctx, since)
		b.restart(ctx)
		Consistently(ctx, func() map[string]string { return b.versions(ctx) }).
			WithTimeout(quiet).WithPolling(200 * time.Millisecond).Should(Equal(before))
		b.expectSince(ctx, since)
	}, NodeTimeout(4*time.Minute))

	It("writes nothing either when the API server fails at first", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{OrphanGracePeriod: &metav1.Duration{}})
		b.create(ctx, b.ca.secret(b.namespace, "web-tls"), b.ca.secret(b.namespace, "old-tls"), ingressFor(b.namespace, "web", "web-tls"))
		b.start(ctx)
		b.record(ctx, "Secret/web-tls tls.crt", func(g Gomega, r v1alpha1.CertificateRecord) { g.Expect(r.Use).To(Equal("Used")) })
		before := b.resting(ctx)

		// The first requests of each of these fail, and the rest is read by then.
		var secrets, ingresses atomic.Int64
		b.config = rest.CopyConfig(b.config)
		b.config.Wrap(func(next http.RoundTripper) http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "/secrets") && secrets.Add(1) <= 3 ||
					strings.HasSuffix(r.URL.Path, "/ingresses") && ingresses.Add(1) <= 3 {
					return nil, errors.New("connection reset by peer")
				}
				return next.RoundTrip(r)
			})
		})
		b.restart(ctx)
		Consistently(ctx, func() map[string]string { return b.versions(ctx) }).
			WithTimeout(quiet).WithPolling(50 * time.Millisecond).Should(Equal(before))
		Expect(secrets.Load()).To(BeNumerically(">", 3))
		Expect(ingresses.Load()).To(BeNumerically(">", 3))
	}, NodeTimeout(3*time.Minute))

	It("takes notice of what happened meanwhile", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{})
		gone, again, used := b.ca.secret(b.namespace, "gone"), b.ca.secret(b.namespace, "again"), b.ca.secret(b.namespace, "used")
		b.create(ctx, gone, again, used)
		b.start(ctx)
		since := b.aged(ctx, b.namespace+"/gone", b.namespace+"/again", b.namespace+"/used")
		b.end()
		Expect(b.client.Delete(ctx, gone)).To(Succeed())
		b.create(ctx, ingressFor(b.namespace, "web", "used"), b.ca.secret(b.namespace, "late"))
		b.restart(ctx)
		b.seen(ctx, []string{b.namespace}, []string{b.namespace + "/again", b.namespace + "/used", b.namespace + "/late"})
		b.record(ctx, "Secret/used tls.crt", func(g Gomega, r v1alpha1.CertificateRecord) {
			g.Expect(r.Use).To(Equal("Used"))
			g.Expect(r.UnreferencedSince).To(BeNil())
		})

		By("forgetting since when one was unused that went meanwhile")
		b.create(ctx, b.ca.secret(b.namespace, "gone"))
		b.record(ctx, "Secret/gone tls.crt", func(g Gomega, r v1alpha1.CertificateRecord) {
			g.Expect(r.UnreferencedSince.Time).To(BeTemporally(">", since[b.namespace+"/gone"].Time))
		})
	}, NodeTimeout(3*time.Minute))

	It("repairs pages that were edited or deleted by hand", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{})
		b.create(ctx, b.ca.secret(b.namespace, "web-tls"))
		b.start(ctx)
		record := func(g Gomega, r v1alpha1.CertificateRecord) { g.Expect(r.Issuer).To(Equal("CN=Test CA")) }
		b.record(ctx, "Secret/web-tls tls.crt", record)
		b.end()
		b.page(ctx, func(s *v1alpha1.CertificateSlice) error {
			for i := range s.Records {
				s.Records[i].Issuer = "CN=Somebody"
			}
			return b.client.Update(ctx, s)
		})
		b.restart(ctx)
		b.record(ctx, "Secret/web-tls tls.crt", record)
		b.end()
		b.page(ctx, func(s *v1alpha1.CertificateSlice) error { return b.client.Delete(ctx, s) })
		b.restart(ctx)
		b.record(ctx, "Secret/web-tls tls.crt", record)
	}, NodeTimeout(3*time.Minute))
})

var _ = Describe("What the hub asks of an agent", Serial, func() {
	It("counts without a restart", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{OrphanGracePeriod: &metav1.Duration{}})
		b.create(ctx, b.ca.secret(b.namespace, "old-tls"))
		b.start(ctx)
		orphan := func(want bool) func(Gomega, v1alpha1.CertificateRecord) {
			return func(g Gomega, r v1alpha1.CertificateRecord) { g.Expect(r.Orphan).To(Equal(want)) }
		}
		b.record(ctx, "Secret/old-tls tls.crt", orphan(true))
		since := b.aged(ctx, b.namespace+"/old-tls")

		By("a longer grace period")
		b.ready(ctx, b.ask(ctx, func(i *v1alpha1.Inventory) { i.OrphanGracePeriod = &metav1.Duration{Duration: time.Hour} }))
		b.record(ctx, "Secret/old-tls tls.crt", orphan(false))
		By("a shorter one")
		b.ready(ctx, b.ask(ctx, func(i *v1alpha1.Inventory) { i.OrphanGracePeriod = &metav1.Duration{Duration: time.Second} }))
		b.record(ctx, "Secret/old-tls tls.crt", orphan(true))
		b.expectSince(ctx, since)
	}, NodeTimeout(3*time.Minute))

	It("is reported on at once when it was made again", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{})
		b.create(ctx, b.ca.secret(b.namespace, "old-tls"))
		b.start(ctx)
		since := b.aged(ctx, b.namespace+"/old-tls")
		b.resting(ctx)
		var agent v1alpha1.TLSAgent
		Expect(b.client.Get(ctx, client.ObjectKey{Name: v1alpha1.AgentName}, &agent)).To(Succeed())
		Expect(b.client.Delete(ctx, &agent)).To(Succeed())
		again := &v1alpha1.TLSAgent{ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.AgentName}, Spec: agent.Spec}
		Expect(b.client.Create(ctx, again)).To(Succeed())
		Expect(again.Generation).To(Equal(agent.Generation), "else the report differs anyway")
		b.ready(ctx, again.Generation)
		b.expectSince(ctx, since)
	}, NodeTimeout(3*time.Minute))
})
