package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/publish"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

const (
	crowd = 300
	// maxPage is the bound of a page in bytes.
	maxPage = 256 << 10
)

// pageWatch counts the writes of pages, and notes the largest one.
type pageWatch struct{ writes, largest atomic.Int64 }

func (b *agentBench) watchPages(ctx context.Context) *pageWatch {
	GinkgoHelper()
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	w, err := c.Watch(ctx, &v1alpha1.CertificateSliceList{}, client.InNamespace(b.system))
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(w.Stop)
	p := &pageWatch{}
	go func() {
		for event := range w.ResultChan() {
			if event.Type == watch.Bookmark || event.Type == watch.Error {
				continue
			}
			p.writes.Add(1)
			raw, err := json.Marshal(event.Object)
			if err == nil && int64(len(raw)) > p.largest.Load() {
				p.largest.Store(int64(len(raw)))
			}
		}
	}()
	return p
}

// allowed is how many writes the pace allows in some time: a full bucket, what
// flows in, and the last batch, which is never cut.
func allowed(over time.Duration) int64 {
	return 2*publish.Burst + int64(publish.PagesPerSecond*over.Seconds())
}

// hasty is a client without a limit on its rate.
func hasty() client.Client {
	fast := rest.CopyConfig(config)
	fast.QPS = -1
	c, err := client.New(fast, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	return c
}

// many does something for each number of the crowd, some at a time.
func many(ctx context.Context, do func(ctx context.Context, i int) error) {
	GinkgoHelper()
	numbers := make(chan int, crowd)
	for i := range crowd {
		numbers <- i
	}
	close(numbers)
	errs := make(chan error, crowd)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for i := range numbers {
				errs <- do(ctx, i)
			}
		})
	}
	workers.Wait()
	close(errs)
	for err := range errs {
		Expect(err).NotTo(HaveOccurred())
	}
}

// count are the records of the bench's namespace.
func (b *agentBench) count(ctx context.Context) (n int) {
	for _, r := range b.records(ctx) {
		if r.Namespace == b.namespace {
			n++
		}
	}
	return n
}

var _ = Describe("Many changes at once", Serial, func() {
	It("end in the right counts, by few writes of small pages", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{})
		b.start(ctx)
		b.ready(ctx, 1)
		var before int32
		Eventually(ctx, func(g Gomega) { before = b.status(ctx, g).Certificates.Total }).Should(Succeed())
		pages, started := b.watchPages(ctx), time.Now()
		secrets := make([]*corev1.Secret, crowd)
		for i := range secrets {
			secrets[i] = b.ca.secret(b.namespace, fmt.Sprintf("web-%03d-tls", i))
		}
		c := hasty()
		many(ctx, func(ctx context.Context, i int) error { return c.Create(ctx, secrets[i]) })
		Eventually(ctx, func(g Gomega) {
			g.Expect(b.count(ctx)).To(Equal(crowd))
			status := b.status(ctx, g)
			g.Expect(status.Certificates.Total).To(BeEquivalentTo(before + crowd))
			g.Expect(status.Certificates.Unreferenced).To(BeEquivalentTo(crowd))
			g.Expect(status.Certificates.Orphans).To(BeZero())
		}).WithTimeout(time.Minute).WithPolling(200 * time.Millisecond).Should(Succeed())
		Expect(pages.writes.Load()).To(BeNumerically("<=", allowed(time.Since(started))))
		Expect(pages.largest.Load()).To(And(BeNumerically(">", 0), BeNumerically("<=", maxPage)))

		many(ctx, func(ctx context.Context, i int) error { return c.Delete(ctx, secrets[i]) })
		Eventually(ctx, func(g Gomega) {
			g.Expect(b.count(ctx)).To(BeZero())
			g.Expect(b.status(ctx, g).Certificates.Total).To(Equal(before))
			g.Expect(b.status(ctx, g).Certificates.Unreferenced).To(BeZero())
		}).WithTimeout(time.Minute).WithPolling(200 * time.Millisecond).Should(Succeed())
		Expect(pages.writes.Load()).To(BeNumerically("<=", allowed(time.Since(started))))
	}, NodeTimeout(4*time.Minute))
})

var _ = Describe("Two agents", Serial, func() {
	It("write one at a time", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{})
		b.create(ctx, b.ca.secret(b.namespace, "web-tls"))
		as := func(name string) (stop func()) {
			o := b.options()
			o.Config = rest.CopyConfig(b.config)
			o.Identity, o.Config.UserAgent = name, name // which managedFields name
			synced := make(chan struct{})
			o.Synced = func() { close(synced) }
			stop = run(ctx, o)
			Eventually(synced).WithTimeout(soon).Should(BeClosed())
			return stop
		}
		stopFirst := as("first")
		DeferCleanup(func() {
			if stopFirst != nil {
				stopFirst()
			}
		})
		b.record(ctx, "Secret/web-tls tls.crt", func(Gomega, v1alpha1.CertificateRecord) {})
		stopSecond := as("second")
		DeferCleanup(stopSecond)

		b.create(ctx, b.ca.secret(b.namespace, "late-tls"))
		b.record(ctx, "Secret/late-tls tls.crt", func(Gomega, v1alpha1.CertificateRecord) {})
		b.resting(ctx)
		Expect(b.writers(ctx)).To(ConsistOf("first"))
		Expect(b.holder(ctx)).To(Equal("first"))

		By("taking over")
		stopFirst()
		stopFirst = nil
		b.create(ctx, b.ca.secret(b.namespace, "last-tls"))
		b.record(ctx, "Secret/last-tls tls.crt", func(Gomega, v1alpha1.CertificateRecord) {})
		Expect(b.holder(ctx)).To(Equal("second"))
		b.seen(ctx, []string{b.namespace}, []string{b.namespace + "/web-tls", b.namespace + "/late-tls", b.namespace + "/last-tls"})
	}, NodeTimeout(4*time.Minute))
})

// writers are those who wrote pages.
func (b *agentBench) writers(ctx context.Context) []string {
	var slices v1alpha1.CertificateSliceList
	Expect(b.client.List(ctx, &slices, client.InNamespace(b.system))).To(Succeed())
	found := map[string]bool{}
	for i := range slices.Items {
		for _, f := range slices.Items[i].ManagedFields {
			found[strings.Split(f.Manager, "/")[0]] = true
		}
	}
	list := []string{}
	for name := range found {
		list = append(list, name)
	}
	return list
}

// holder of the Lease.
func (b *agentBench) holder(ctx context.Context) string {
	var lease coordinationv1.Lease
	Expect(b.client.Get(ctx, client.ObjectKey{Namespace: b.system, Name: names.AgentLease}, &lease)).To(Succeed())
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}
