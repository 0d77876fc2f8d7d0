package integration

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// listening finds an address to serve metrics on.
func (b *agentBench) listening(ctx context.Context) string {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(l.Close()).To(Succeed()) }()
	return l.Addr().String()
}

// metrics of an agent at an address.
func metrics(ctx context.Context, address string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", response.StatusCode)
	}
	return string(raw), err
}

// samples are the values of the series of a family that have these labels, given
// by name and value.
func samples(text, family string, labels ...string) (values []float64, err error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil || families[family] == nil {
		return nil, err
	}
	for _, m := range families[family].GetMetric() {
		found := map[string]string{}
		for _, l := range m.GetLabel() {
			found[l.GetName()] = l.GetValue()
		}
		matches := true
		for i := 0; i < len(labels); i += 2 {
			matches = matches && found[labels[i]] == labels[i+1]
		}
		if matches {
			values = append(values, m.GetGauge().GetValue()+m.GetUntyped().GetValue())
		}
	}
	return values, nil
}

// series waits until a family has these values.
func series(ctx context.Context, address string, matcher OmegaMatcher, family string, labels ...string) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		text, err := metrics(ctx, address)
		g.Expect(err).NotTo(HaveOccurred())
		values, err := samples(text, family, labels...)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(values).To(matcher, "%s %v", family, labels)
	}).WithTimeout(soon).WithPolling(100 * time.Millisecond).Should(Succeed())
}

// sum matches values by what they add up to.
func sum(want float64) OmegaMatcher {
	return WithTransform(func(values []float64) (all float64) {
		for _, v := range values {
			all += v
		}
		return all
	}, Equal(want))
}

// gate holds back requests for a path until it is opened.
type gate struct {
	path string
	once sync.Once
	open chan struct{}
}

func (t *gate) let() { t.once.Do(func() { close(t.open) }) }

func (t *gate) before(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, t.path) {
			select {
			case <-t.open:
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		}
		return next.RoundTrip(r)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var _ = Describe("Metrics of the agent", Serial, func() {
	It("appear, change and go with a certificate", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{OrphanGracePeriod: &metav1.Duration{}})
		o := b.options()
		o.MetricsAddress = b.listening(ctx)
		b.stop = run(ctx, o)
		of := []string{names.MetricLabelCertificateNamespace, b.namespace, names.MetricLabelCertificateName, "web-tls"}
		series(ctx, o.MetricsAddress, BeEmpty(), names.MetricInventoryNotAfter, of...)

		secret := b.ca.secret(b.namespace, "web-tls")
		b.create(ctx, secret)
		end := float64(template("").NotAfter.Unix())
		series(ctx, o.MetricsAddress, HaveExactElements(BeNumerically("~", end, 60)), names.MetricInventoryNotAfter,
			append(of, names.MetricLabelCluster, "test", names.MetricLabelLayer, "Application", names.MetricLabelIssuer, "Test CA")...)
		series(ctx, o.MetricsAddress, sum(1), names.MetricInventoryOrphaned)

		b.create(ctx, ingressFor(b.namespace, "web", "web-tls"))
		series(ctx, o.MetricsAddress, HaveLen(1), names.MetricInventoryNotAfter, append(of, names.MetricLabelLayer, "Ingress")...)
		series(ctx, o.MetricsAddress, sum(0), names.MetricInventoryOrphaned)

		secret.Data["tls.crt"] = []byte("broken")
		Expect(b.client.Update(ctx, secret)).To(Succeed())
		series(ctx, o.MetricsAddress, BeEmpty(), names.MetricInventoryNotAfter, of...)
		series(ctx, o.MetricsAddress, HaveExactElements(1.0), names.MetricInventoryUnreadable, names.MetricLabelReason, "Malformed")

		Expect(b.client.Delete(ctx, secret)).To(Succeed())
		series(ctx, o.MetricsAddress, HaveExactElements(0.0), names.MetricInventoryUnreadable, names.MetricLabelReason, "Malformed")
		series(ctx, o.MetricsAddress, ContainElement(1.0), names.MetricInventoryCoverage,
			names.MetricLabelResource, "secrets", names.MetricLabelState, "Reading")
	}, NodeTimeout(3*time.Minute))

	It("call nothing an orphan before everything was read", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{OrphanGracePeriod: &metav1.Duration{}})
		b.create(ctx, b.ca.secret(b.namespace, "web-tls"), b.ca.secret(b.namespace, "old-tls"), ingressFor(b.namespace, "web", "web-tls"))
		ingresses := &gate{path: "/ingresses", open: make(chan struct{})}
		DeferCleanup(ingresses.let)
		o := b.options()
		o.MetricsAddress, o.Config = b.listening(ctx), rest.CopyConfig(b.config)
		o.Config.Wrap(ingresses.before)
		b.stop = run(ctx, o)
		series(ctx, o.MetricsAddress, HaveLen(2), names.MetricInventoryNotAfter, names.MetricLabelCertificateNamespace, b.namespace)
		series(ctx, o.MetricsAddress, ConsistOf(1.0), names.MetricInventoryCoverage,
			names.MetricLabelResource, "ingresses.networking.k8s.io", names.MetricLabelState, "Waiting")
		Consistently(ctx, func(g Gomega) {
			text, err := metrics(ctx, o.MetricsAddress)
			g.Expect(err).NotTo(HaveOccurred())
			for _, family := range []string{names.MetricInventoryOrphaned, names.MetricInventoryUnreferenced} {
				values, err := samples(text, family)
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(values).To(And(HaveLen(3), HaveEach(0.0)), family)
			}
			g.Expect(b.records(ctx)).To(BeEmpty())
		}).WithTimeout(2 * time.Second).WithPolling(100 * time.Millisecond).Should(Succeed())
		Eventually(ctx, func(g Gomega) {
			g.Expect(b.status(ctx, g).Conditions).To(ContainElement(And(HaveField("Type", v1alpha1.ConditionReady),
				HaveField("Status", Not(Equal(metav1.ConditionTrue))), HaveField("Message", ContainSubstring("ingresses")))))
		}).WithTimeout(soon).Should(Succeed())

		By("reading the rest")
		ingresses.let()
		series(ctx, o.MetricsAddress, sum(1), names.MetricInventoryOrphaned)
		b.record(ctx, "Secret/web-tls tls.crt", func(g Gomega, r v1alpha1.CertificateRecord) { g.Expect(r.Use).To(Equal("Used")) })
		b.record(ctx, "Secret/old-tls tls.crt", func(g Gomega, r v1alpha1.CertificateRecord) { g.Expect(r.Orphan).To(BeTrue()) })
	}, NodeTimeout(3*time.Minute))
})

// needles are forms in which a key could come to light: lines of PEM, the bytes
// of PKCS#8 and of the scalar inside, in hex and base64.
func needles(key []byte) (found [][]byte) {
	for line := range bytes.Lines(key) {
		if line = bytes.TrimSpace(line); len(line) >= 32 && !bytes.HasPrefix(line, []byte("-----")) {
			found = append(found, line)
		}
	}
	block, _ := pem.Decode(key)
	// In PKCS#8 of P-256 (RFC 5915) the scalar has 32 bytes after this octet
	// string's head.
	at := bytes.Index(block.Bytes, []byte{0x02, 0x01, 0x01, 0x04, 0x20}) + 5
	scalar := block.Bytes[at : at+32]
	for _, raw := range [][]byte{scalar, block.Bytes} {
		found = append(found, raw, []byte(hex.EncodeToString(raw)), []byte(strings.ToUpper(hex.EncodeToString(raw))),
			[]byte(base64.StdEncoding.EncodeToString(raw)), []byte(base64.RawURLEncoding.EncodeToString(raw)))
	}
	return found
}

var _ = Describe("Private keys", Serial, func() {
	It("are in nothing that the agent shows", func(ctx SpecContext) {
		b := newAgentBench(ctx, v1alpha1.Inventory{Keys: []v1alpha1.KeyPattern{{Key: "declared"}}})
		var secrets [][]byte
		issue := func(name string) (crt, key []byte) {
			crt, key = b.ca.issue(name)
			secrets = append(secrets, needles(key)...)
			return crt, key
		}
		plain := b.ca.secret(b.namespace, "plain")
		plain.Data["tls.crt"], plain.Data["tls.key"] = issue("plain.example.com")
		crt, key := issue("odd.example.com")
		swapped := b.ca.secret(b.namespace, "swapped")
		swapped.Data["tls.crt"], swapped.Data["tls.key"] = key, crt
		combined := b.opaque("combined", map[string][]byte{
			"all.pem": append(bytes.Clone(crt), key...), "declared": key, "tls.crt": append(bytes.Clone(key), crt...), "ca.crt": key,
		})
		cut := b.opaque("cut", map[string][]byte{"tls.crt": key[:len(key)-40]})
		exposed := b.opaque("exposed", nil)
		exposed.StringData = map[string]string{"ca.pem": string(crt) + string(key), "note": string(key)}
		exposed.Annotations = map[string]string{"kubectl.kubernetes.io/last-applied-configuration": string(key)}
		store := b.opaque("store", map[string][]byte{"store.p12": b.ca.pkcs12("p12.example.com", "hunter2-hunter2"), "password": []byte("hunter2-hunter2")})
		secrets = append(secrets, []byte("hunter2-hunter2"))
		b.create(ctx, plain, swapped, combined, cut, exposed, store)
		o := b.options()
		o.MetricsAddress = b.listening(ctx)
		b.stop = run(ctx, o)
		for _, name := range []string{"plain tls.crt", "swapped tls.crt", "combined all.pem", "combined declared", "combined tls.crt", "cut tls.crt", "exposed ca.pem", "store store.p12"} {
			b.record(ctx, "Secret/"+name, func(Gomega, v1alpha1.CertificateRecord) {})
		}
		Eventually(ctx, func(g Gomega) {
			g.Expect(b.status(ctx, g).Certificates.Unreadable).To(BeNumerically(">=", 3))
		}).WithTimeout(soon).Should(Succeed())

		var slices v1alpha1.CertificateSliceList
		Expect(b.client.List(ctx, &slices, client.InNamespace(b.system))).To(Succeed())
		pages, err := json.Marshal(slices)
		Expect(err).NotTo(HaveOccurred())
		var agent v1alpha1.TLSAgent
		Expect(b.client.Get(ctx, client.ObjectKey{Name: v1alpha1.AgentName}, &agent)).To(Succeed())
		report, err := json.Marshal(agent)
		Expect(err).NotTo(HaveOccurred())
		text, err := metrics(ctx, o.MetricsAddress)
		Expect(err).NotTo(HaveOccurred())
		Expect(text).To(ContainSubstring(b.namespace))
		for where, shown := range map[string][]byte{"the pages": pages, "the report": report, "the metrics": []byte(text)} {
			for _, needle := range secrets {
				if bytes.Contains(shown, needle) {
					Fail(fmt.Sprintf("%s hold %d bytes of a key or password", where, len(needle)))
				}
			}
		}
	}, NodeTimeout(3*time.Minute))
})
