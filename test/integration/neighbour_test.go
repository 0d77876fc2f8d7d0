package integration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/apply"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/fleet"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/status"
)

const (
	// previous is the version before agents told of the estate. The definitions
	// and roles of testdata/previous are of that version too.
	previous = "d562f54bc4cd89d171255339b6e95cccfe53920b"
	// atRest is how long no report must be sent to count as rest: several times as
	// long as the agent waits before it looks whether its report is another.
	atRest = 20 * time.Second
)

// amidPreviousDefinitions gives a spec an API server of its own, with the
// definitions of the previous version.
func amidPreviousDefinitions(ctx SpecContext) {
	GinkgoHelper()
	other := &envtest.Environment{
		BinaryAssetsDirectory:    assets(ctx),
		CRDDirectoryPaths:        []string{filepath.Join("testdata", "previous")},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: 2 * time.Minute,
		ControlPlaneStopTimeout:  time.Minute,
	}
	before := config
	DeferCleanup(func() { config = before })
	started, err := other.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(other.Stop()).To(Succeed()) })
	config = started
}

// asPrevious runs the agent under the roles that the previous version gave it.
func (b *agentBench) asPrevious(ctx context.Context) {
	GinkgoHelper()
	raw, err := os.ReadFile(filepath.Join("testdata", "previous", "roles.yaml"))
	Expect(err).NotTo(HaveOccurred())
	roles := yaml.NewYAMLOrJSONDecoder(strings.NewReader(strings.ReplaceAll(string(raw), names.SystemNamespace, b.system)), 4096)
	for {
		o := &unstructured.Unstructured{}
		err := roles.Decode(&o.Object)
		if errors.Is(err, io.EOF) {
			break
		}
		Expect(err).NotTo(HaveOccurred())
		b.create(ctx, o)
	}
	b.config = rest.CopyConfig(config)
	b.config.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:" + b.system + ":" + names.ServiceAccountAgent}
	DeferCleanup(b.end) // before its roles go
}

// reportLog notes when an agent sends its report, also when that changes nothing:
// the API server keeps a version for which only fields differ that it drops.
type reportLog struct {
	mu   sync.Mutex
	sent []time.Time
}

func (l *reportLog) follow(c *rest.Config) {
	c.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodGet && strings.HasSuffix(r.URL.Path, "/tlsagents/"+v1alpha1.AgentName+"/status") {
				l.mu.Lock()
				l.sent = append(l.sent, time.Now())
				l.mu.Unlock()
			}
			return next.RoundTrip(r)
		})
	})
}

// count is the number of reports, and since when there was none.
func (l *reportLog) count() (n int, rest time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n = len(l.sent); n > 0 {
		rest = time.Since(l.sent[n-1])
	}
	return n, rest
}

// upgradeDefinitions replaces the definition of the TLSAgent by the current one,
// as a hub does, and waits until the API server goes by it.
func upgradeDefinitions(ctx context.Context, c client.Client) {
	GinkgoHelper()
	raw, err := os.ReadFile(filepath.Join(root, "config", "crd", "bases", "tlsplatform.io_tlsagents.yaml"))
	Expect(err).NotTo(HaveOccurred())
	o := &unstructured.Unstructured{}
	Expect(yaml.Unmarshal(raw, &o.Object)).To(Succeed())
	Expect(c.Apply(ctx, client.ApplyConfigurationFromUnstructured(o), client.FieldOwner("hub"), client.ForceOwnership)).To(Succeed())
	Eventually(ctx, func(g Gomega) {
		probe := &v1alpha1.TLSAgent{ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.AgentName}}
		patch := client.RawPatch(types.MergePatchType, []byte(`{"status":{"estate":{"objects":1}}}`))
		dry := &client.SubResourcePatchOptions{PatchOptions: client.PatchOptions{DryRun: []string{metav1.DryRunAll}}}
		g.Expect(c.Status().Patch(ctx, probe, patch, dry)).To(Succeed())
		g.Expect(probe.Status.Estate).NotTo(BeNil())
	}).WithTimeout(soon).WithPolling(20 * time.Millisecond).Should(Succeed())
}

// previousAgent is the agent of the previous version, built from the history
// once and kept beside the components that tests run.
func previousAgent(ctx context.Context) string {
	GinkgoHelper()
	git := func(args ...string) *exec.Cmd {
		return exec.CommandContext(ctx, "git", append([]string{"-C", root}, args...)...)
	}
	if err := git("cat-file", "-e", previous+"^{commit}").Run(); err != nil {
		Skip("the history does not go back to " + previous + ", from which the previous agent is built: fetch all of it")
	}
	cache := os.Getenv("TLS_PLATFORM_CACHE")
	if cache == "" {
		dir, err := os.UserCacheDir()
		Expect(err).NotTo(HaveOccurred())
		cache = filepath.Join(dir, "tls-platform")
	}
	binary := filepath.Join(cache, "previous-"+previous, names.Agent)
	if _, err := os.Stat(binary); err == nil {
		return binary
	}
	start := time.Now()
	source := GinkgoT().TempDir()
	archive, err := filepath.Abs(filepath.Join(source, "source.tar"))
	Expect(err).NotTo(HaveOccurred())
	tree, built := filepath.Join(source, "tree"), filepath.Join(source, names.Agent)
	Expect(os.Mkdir(tree, 0o755)).To(Succeed())
	build := exec.CommandContext(ctx, "go", "build", "-o", built, "./cmd/"+names.Agent)
	build.Dir = tree
	for _, cmd := range []*exec.Cmd{
		git("archive", "--output", archive, previous), exec.CommandContext(ctx, "tar", "-xf", archive, "-C", tree), build,
	} {
		out, err := cmd.CombinedOutput()
		Expect(err).NotTo(HaveOccurred(), "%s: %s", cmd, out)
	}
	AddReportEntry("previous agent built in", time.Since(start).String())
	Expect(os.MkdirAll(filepath.Dir(binary), 0o755)).To(Succeed())
	// A copy beside its place and a rename, since another run may do the same.
	content, err := os.ReadFile(built)
	Expect(err).NotTo(HaveOccurred())
	beside := fmt.Sprintf("%s.%d", binary, os.Getpid())
	Expect(os.WriteFile(beside, content, 0o755)).To(Succeed())
	Expect(os.Rename(beside, binary)).To(Succeed())
	return binary
}

// startPrevious runs a binary of the agent beside the API server until the spec
// ends, with the rights of the bench.
func (b *agentBench) startPrevious(ctx context.Context, binary string) {
	GinkgoHelper()
	kubeconfig := filepath.Join(GinkgoT().TempDir(), "kubeconfig")
	Expect(clientcmd.WriteToFile(api.Config{
		Clusters: map[string]*api.Cluster{"c": {Server: "https://" + serverOf(b.config.Host), CertificateAuthorityData: b.config.CAData}},
		AuthInfos: map[string]*api.AuthInfo{"u": {
			ClientCertificateData: b.config.CertData, ClientKeyData: b.config.KeyData, Impersonate: b.config.Impersonate.UserName,
		}},
		Contexts:       map[string]*api.Context{"x": {Cluster: "c", AuthInfo: "u"}},
		CurrentContext: "x",
	}, kubeconfig)).To(Succeed())
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	cmd := exec.CommandContext(ctx, binary, "agent", "--namespace", b.system, "--identity", "previous",
		"--metrics-bind-address", "0", "--health-probe-bind-address", "0")
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	cmd.Stdout, cmd.Stderr = GinkgoWriter, GinkgoWriter
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	Expect(cmd.Start()).To(Succeed())
	b.stop = func() {
		cancel()
		if err := cmd.Wait(); !errors.Is(err, context.Canceled) {
			Expect(err).NotTo(HaveOccurred(), "the previous agent")
		}
	}
}

// delivery is the hub's side of a member: an engine that knows the cluster by the
// report of its agent alone.
type delivery struct {
	reported *apply.Reported
	engine   *apply.Engine
	plan     *desired.Plan
	reads    int // of workloads
}

func (b *agentBench) delivers(o *unstructured.Unstructured) *delivery {
	GinkgoHelper()
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	d := &delivery{reported: &apply.Reported{}}
	d.plan = &desired.Plan{Parts: []desired.Part{{Name: desired.Monitoring, Identity: desired.IdentityHub, Objects: []*unstructured.Unstructured{o}}}}
	counting := interceptor.NewClient(c, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if o.GetObjectKind().GroupVersionKind().Kind == "Deployment" {
				d.reads++
			}
			return c.Get(ctx, key, o, opts...)
		},
	})
	d.engine = apply.NewEngine(apply.Options{
		Hub: counting, View: d.reported, Namespace: b.system, Now: time.Now,
		Installer: func(context.Context) (client.Client, error) { return counting, nil },
	})
	return d
}

// run delivers once more, with what the agent says by now.
func (d *delivery) run(ctx context.Context, latest *v1alpha1.TLSAgent) observed.Outcome {
	GinkgoHelper()
	d.reported.Set(latest.Status.Estate)
	outcome, err := d.engine.Run(ctx, owner, d.plan)
	Expect(err).NotTo(HaveOccurred())
	outcome.Agent, outcome.AgentGeneration = &latest.Status, latest.Generation
	return outcome
}

func workload(namespace, name string) *unstructured.Unstructured {
	selector := map[string]any{"app": name}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": appsv1.SchemeGroupVersion.String(), "kind": "Deployment",
		"metadata": map[string]any{
			"namespace": namespace, "name": name,
			"labels": map[string]any{names.LabelPlatform: owner.Name, names.LabelPart: string(desired.Monitoring)},
		},
		"spec": map[string]any{
			"selector": map[string]any{"matchLabels": selector},
			"template": map[string]any{
				"metadata": map[string]any{"labels": selector},
				"spec":     map[string]any{"containers": []any{map[string]any{"name": "c", "image": "c"}}},
			},
		},
	}}
}

var _ = Describe("Neighbouring versions", Label("neighbour"), Serial, func() {
	It("work together: a newer agent under previous definitions and roles", func(ctx SpecContext) {
		amidPreviousDefinitions(ctx)
		b := newEstateBench(ctx)
		b.asPrevious(ctx)
		log := &reportLog{}
		log.follow(b.config)
		b.create(ctx, b.ca.secret(b.namespace, "web-tls"), ingressFor(b.namespace, "web", "web-tls"))
		b.applies(ctx, b.settings(map[string]any{"a": "1"}))
		version := b.writes(ctx)
		b.start(ctx)
		b.record(ctx, "Secret/web-tls tls.crt", func(g Gomega, r v1alpha1.CertificateRecord) { g.Expect(r.Use).To(Equal("Used")) })
		b.ready(ctx, 1)
		b.edits(ctx, "a", "2") // news that can't be stored
		second := ingressFor(b.namespace, "second", "web-tls")
		Eventually(ctx, func() time.Duration {
			// What uses a certificate is on its page and not in the report, but makes
			// the agent look whether that differs.
			if err := b.client.Create(ctx, second.DeepCopy()); err != nil {
				Expect(b.client.Delete(ctx, second)).To(Succeed())
			}
			_, rest := log.count()
			return rest
		}).WithTimeout(3 * atRest).WithPolling(2 * time.Second).Should(BeNumerically(">", atRest))
		sent, _ := log.count()
		AddReportEntry("reports until rest", strconv.Itoa(sent))
		stored := b.status(ctx, Default)
		Expect(stored.Estate).To(BeNil())
		Expect(stored.Profile).To(BeNil())
		Expect(stored.Certificates.Total).To(BeNumerically(">=", 1))

		By("upgrading the definitions")
		upgradeDefinitions(ctx, b.client)
		b.edits(ctx, "a", "3") // or the agent may have told a moment too early
		b.reports(ctx, soon, func(g Gomega, r *v1alpha1.EstateReport) {
			g.Expect(r.Ledger).To(Equal(version))
			g.Expect(r.Drift).To(ConsistOf(HaveField("Fields", []string{".data.a"})))
		})
		b.profiled(ctx, func(Gomega, *v1alpha1.ClusterProfile) {})
	}, NodeTimeout(5*time.Minute))

	It("work together: a previous agent under a newer hub", func(ctx SpecContext) {
		binary := previousAgent(ctx)
		b := newAgentBench(ctx, v1alpha1.Inventory{})
		b.asShipped(ctx, nil)
		By("asking in words that the agent does not know")
		task := &v1alpha1.TLSAgent{}
		Expect(b.client.Get(ctx, client.ObjectKey{Name: v1alpha1.AgentName}, task)).To(Succeed())
		task.Spec.Hub = v1alpha1.HubReference{UID: "newer", TakenFrom: task.Spec.Hub.UID}
		Expect(b.client.Update(ctx, task)).To(Succeed())
		b.create(ctx, b.ca.secret(b.namespace, "web-tls"), ingressFor(b.namespace, "web", "web-tls"))
		b.startPrevious(ctx, binary)
		b.record(ctx, "Secret/web-tls tls.crt", func(g Gomega, r v1alpha1.CertificateRecord) { g.Expect(r.Use).To(Equal("Used")) })
		b.ready(ctx, task.Generation)

		By("following its report from the hub")
		conn, err := fleet.NewConnection(fleet.Options{Name: "edge", Namespace: b.system, Config: config, Scheme: scheme, Now: time.Now})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(conn.Close)
		watch, err := conn.WatchAgent(ctx, func() {})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(watch.Stop)
		latest := watch.Latest()
		Expect(latest).NotTo(BeNil())
		Expect(latest.Status.Certificates.Total).To(BeNumerically(">=", 1))
		Expect(latest.Status.Version).NotTo(BeEmpty())
		Expect(latest.Status.Estate).To(BeNil())

		By("delivering a workload, which counts as healthy by what is read of it")
		o := workload(b.namespace, "web")
		d := b.delivers(o)
		Expect(d.run(ctx, latest).Parts[0].Changed).To(Equal(1))
		outcome := d.run(ctx, latest)
		Expect(outcome.Parts[0].State).To(Equal(observed.PartProgressing))
		Expect(outcome.Parts[0].Unhealthy).To(HaveLen(1))
		Expect(d.engine.Proved()).To(BeFalse())
		live := &appsv1.Deployment{}
		Expect(b.client.Get(ctx, client.ObjectKeyFromObject(o), live)).To(Succeed())
		live.Status = appsv1.DeploymentStatus{
			ObservedGeneration: live.Generation, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1,
			Conditions: []appsv1.DeploymentCondition{
				{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue},
				{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable"},
			},
		}
		Expect(b.client.Status().Update(ctx, live)).To(Succeed())
		reads := d.reads
		outcome = d.run(ctx, latest)
		Expect(d.reads).To(Equal(reads+1), "reads of the workload")
		Expect(outcome.Parts[0].State).To(Equal(observed.PartReady))
		Expect(outcome.Parts[0].Changed).To(BeZero())

		By("showing that drift is not known")
		member := &v1alpha1.MemberCluster{ObjectMeta: metav1.ObjectMeta{Name: "edge"}}
		member.Status.Drifted = ptr.To(int32(0)) // of an agent that told
		shown := status.Member(status.MemberInput{Member: member, Outcome: &outcome, Platform: owner.Name, Heard: time.Now(), Now: metav1.Now()})
		Expect(shown.Drifted).To(BeNil())
		Expect(shown.AgentVersion).To(Equal(latest.Status.Version))
		Expect(shown.Certificates.Total).To(Equal(latest.Status.Certificates.Total))
		Expect(shown.Conditions).To(ContainElement(And(
			HaveField("Type", v1alpha1.ConditionInSync), HaveField("Status", metav1.ConditionTrue))))
	}, NodeTimeout(5*time.Minute))
})
