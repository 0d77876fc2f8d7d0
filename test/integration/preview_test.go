package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/internal/chart/charttest"
	"github.com/tlsplatform/tls-platform-operator/internal/cli"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/preview"
)

// stage is a namespace and a plan for it.
type stage struct {
	client    client.Client
	namespace string
	ledger    *ledger.Ledger
}

func newStage(ctx context.Context) *stage {
	c, err := client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "preview-"}}
	Expect(c.Create(ctx, ns)).To(Succeed())
	return &stage{client: c, namespace: ns.Name, ledger: ledger.New("platform", "uid-1")}
}

func (s *stage) object(kind, name string, content map[string]any) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: content}
	o.SetAPIVersion("v1")
	o.SetKind(kind)
	o.SetNamespace(s.namespace)
	o.SetName(name)
	o.SetLabels(map[string]string{names.LabelPlatform: "platform", names.LabelPart: "monitoring"})
	return o
}

func (s *stage) configMap(name, value string) *unstructured.Unstructured {
	return s.object("ConfigMap", name, map[string]any{"data": map[string]any{"key": value}})
}

// apply writes an object as the engine does, and enters it into the ledger.
func (s *stage) apply(ctx context.Context, o *unstructured.Unstructured) {
	got := o.DeepCopy()
	Expect(s.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(got), client.FieldOwner(names.FieldManager("monitoring")))).To(Succeed())
	s.ledger.Entries[desired.RefOf(o)] = ledger.Entry{Part: desired.Monitoring, Version: "v1", UID: got.GetUID()}
}

// compare the objects as one part, by the names of the objects.
func (s *stage) compare(ctx context.Context, adopt bool, objects ...*unstructured.Unstructured) map[string]preview.Change {
	plan := &desired.Plan{Parts: []desired.Part{{Name: desired.Monitoring, Adopt: adopt, Objects: objects}}}
	changes, err := preview.Compare(ctx, s.client, plan, s.ledger, preview.Options{})
	Expect(err).NotTo(HaveOccurred())
	found := map[string]preview.Change{}
	for _, c := range changes {
		found[c.Object.Name] = c
	}
	Expect(found).To(HaveLen(len(changes)))
	return found
}

// versions of all ConfigMaps and Secrets, to show that nothing was written.
func (s *stage) versions(ctx context.Context) map[string]string {
	found := map[string]string{}
	for _, kind := range []string{"ConfigMapList", "SecretList"} {
		list := &unstructured.UnstructuredList{}
		list.SetAPIVersion("v1")
		list.SetKind(kind)
		Expect(s.client.List(ctx, list, client.InNamespace(s.namespace))).To(Succeed())
		for _, o := range list.Items {
			found[kind+o.GetName()] = o.GetResourceVersion()
		}
	}
	return found
}

var _ = Describe("The preview", Label("preview"), func() {
	const timeout = 60 * time.Second

	It("tells what would be created and updated, and writes nothing", func(ctx SpecContext) {
		s := newStage(ctx)
		s.apply(ctx, s.configMap("same", "1"))
		s.apply(ctx, s.configMap("other", "1"))
		before := s.versions(ctx)
		got := s.compare(ctx, false, s.configMap("same", "1"), s.configMap("other", "2"), s.configMap("new", "1"))
		Expect(got["same"].Action).To(Equal(preview.Unchanged))
		Expect(got["other"].Action).To(Equal(preview.Update))
		Expect(got["other"].Owner).To(Equal("TLSPlatform platform"))
		Expect(got["other"].Diff).To(And(ContainSubstring("-  key: \"1\"\n+  key: \"2\"\n"), Not(ContainSubstring("uid")), Not(ContainSubstring("managedFields"))))
		Expect(got["new"].Action).To(Equal(preview.Create))
		Expect(got["new"].Diff).To(HavePrefix("--- /dev/null\n"))
		Expect(s.versions(ctx)).To(Equal(before))
	}, SpecTimeout(timeout))

	It("puts back what others changed, as the hub would", func(ctx SpecContext) {
		s := newStage(ctx)
		s.apply(ctx, s.configMap("a", "1"))
		theirs := s.configMap("a", "mine")
		Expect(s.client.Patch(ctx, theirs, client.MergeFrom(s.configMap("a", "1")), client.FieldOwner("their-tool"))).To(Succeed())
		got := s.compare(ctx, false, s.configMap("a", "1"))["a"]
		Expect(got.Action).To(Equal(preview.Update))
		Expect(got.Managers).To(Equal([]string{"their-tool"}))
		Expect(got.Diff).To(ContainSubstring("-  key: mine\n+  key: \"1\"\n"))
	}, SpecTimeout(timeout))

	It("only reports drift where that is asked for", func(ctx SpecContext) {
		s := newStage(ctx)
		for _, name := range []string{"edited", "declared"} {
			wish := s.configMap(name, "1")
			s.apply(ctx, wish)
			ref := desired.RefOf(wish)
			entry := s.ledger.Entries[ref]
			entry.Digest = desired.Digest(wish)
			s.ledger.Entries[ref] = entry
		}
		Expect(s.client.Patch(ctx, s.configMap("edited", "mine"), client.MergeFrom(s.configMap("edited", "1")))).To(Succeed())
		plan := &desired.Plan{Parts: []desired.Part{{Name: desired.Monitoring, Objects: []*unstructured.Unstructured{
			s.configMap("edited", "1"), s.configMap("declared", "2"),
		}}}}
		changes, err := preview.Compare(ctx, s.client, plan, s.ledger, preview.Options{ReportOnly: true})
		Expect(err).NotTo(HaveOccurred())
		Expect(changes).To(HaveLen(2))
		Expect(changes[0].Action).To(Equal(preview.Keep))
		Expect(changes[0].Note).To(ContainSubstring("correctDrift is off"))
		Expect(changes[0].Diff).To(ContainSubstring("-  key: mine\n"))
		Expect(changes[1].Action).To(Equal(preview.Update))
	}, SpecTimeout(timeout))

	It("leaves alone what is somebody else's, and shows what adopting would change", func(ctx SpecContext) {
		s := newStage(ctx)
		theirs := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
			Namespace: s.namespace, Name: "a",
			Annotations: map[string]string{"meta.helm.sh/release-name": "cm", "meta.helm.sh/release-namespace": "infra"},
		}, Data: map[string]string{"key": "theirs"}}
		Expect(s.client.Create(ctx, theirs, client.FieldOwner("helm"))).To(Succeed())
		got := s.compare(ctx, false, s.configMap("a", "1"))["a"]
		Expect(got.Action).To(Equal(preview.Conflict))
		Expect(got.Owner).To(Equal("Helm release infra/cm"))
		Expect(got.Managers).To(Equal([]string{"helm"}))
		Expect(got.Note).To(ContainSubstring("managed by helm"))
		Expect(got.Diff).To(ContainSubstring("-  key: theirs\n+  key: \"1\"\n"))
		Expect(s.compare(ctx, true, s.configMap("a", "1"))["a"].Action).To(Equal(preview.Update))
	}, SpecTimeout(timeout))

	It("shows no value of a Secret", func(ctx SpecContext) {
		s := newStage(ctx)
		s.apply(ctx, s.object("Secret", "s", map[string]any{"stringData": map[string]any{"same": "hunter1", "password": "hunter2", "gone": "x"}}))
		got := s.compare(ctx, false, s.object("Secret", "s", map[string]any{"data": map[string]any{"same": "aHVudGVyMQ==", "password": "aHVudGVyMw=="}}))["s"]
		Expect(got.Action).To(Equal(preview.Update))
		Expect(got.Diff).To(And(ContainSubstring("-  password: '*** (before)'\n+  password: '*** (after)'\n"), ContainSubstring("   same: '***'\n"), Not(ContainSubstring("aHVu"))))
	}, SpecTimeout(timeout))

	It("says what the API server refuses, and what it can't be asked yet", func(ctx SpecContext) {
		s := newStage(ctx)
		lost := s.configMap("lost", "1")
		lost.SetNamespace("not-there-yet")
		unknown := s.object("Thing", "unknown", map[string]any{"spec": map[string]any{"a": "b"}})
		unknown.SetAPIVersion("not-served.example.com/v1")
		got := s.compare(ctx, false, lost, unknown, s.configMap("Not_A_Name", "1"))
		Expect(got["lost"].Action).To(Equal(preview.Create))
		Expect(got["lost"].Unchecked).To(ContainSubstring("namespace not-there-yet does not exist yet"))
		Expect(got["lost"].Diff).To(ContainSubstring("+  key: \"1\"\n"))
		Expect(got["unknown"].Action).To(Equal(preview.Create))
		Expect(got["unknown"].Unchecked).To(Equal("the cluster does not serve Thing yet"))
		Expect(got["Not_A_Name"].Action).To(Equal(preview.Refused))
		Expect(got["Not_A_Name"].Note).To(ContainSubstring("metadata.name"))
	}, SpecTimeout(timeout))

	It("says which fields can't be changed when adopting", func(ctx SpecContext) {
		s := newStage(ctx)
		Expect(s.client.Create(ctx, s.deployment("theirs"))).To(Succeed())
		wish := s.object("Deployment", "d", nil)
		raw, err := json.Marshal(s.deployment("ours"))
		Expect(err).NotTo(HaveOccurred())
		Expect(wish.UnmarshalJSON(raw)).To(Succeed())
		got := s.compare(ctx, true, wish)["d"]
		Expect(got.Action).To(Equal(preview.Refused))
		Expect(got.Note).To(ContainSubstring("spec.selector"))
	}, SpecTimeout(timeout))

	It("tells what would be removed, and what stays and why", func(ctx SpecContext) {
		s := newStage(ctx)
		for _, name := range []string{"wanted", "old", "anew", "gone"} {
			s.apply(ctx, s.configMap(name, "1"))
		}
		Expect(s.client.Delete(ctx, s.configMap("gone", ""))).To(Succeed())
		Expect(s.client.Delete(ctx, s.configMap("anew", ""))).To(Succeed())
		Expect(s.client.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "anew"}})).To(Succeed())
		s.ledger.Entries[desired.Ref{Kind: "Namespace", Name: s.namespace}] = ledger.Entry{Part: desired.Monitoring, Version: "v1"}
		got := s.compare(ctx, false, s.configMap("wanted", "1"))
		Expect(got["old"].Action).To(Equal(preview.Prune))
		Expect(got["anew"].Action).To(Equal(preview.Keep))
		Expect(got["anew"].Note).To(ContainSubstring("made it anew"))
		Expect(got[s.namespace].Action).To(Equal(preview.Keep))
		Expect(got).NotTo(HaveKey("gone"))
		Expect(got["wanted"].Action).To(Equal(preview.Unchanged))
	}, SpecTimeout(timeout))
})

func (s *stage) deployment(app string) *appsv1.Deployment {
	labels := map[string]string{"app": app}
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "d"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "example.com/c:1"}}},
			},
		},
	}
}

var _ = Describe("kubectl tls", Serial, Label("preview"), func() {
	const timeout = 2 * time.Minute
	var kubeconfig, platform, version string

	BeforeEach(func() {
		dir := GinkgoT().TempDir()
		kubeconfig, platform = filepath.Join(dir, "kubeconfig"), filepath.Join(dir, "platform.yaml")
		Expect(os.WriteFile(kubeconfig, environment.KubeConfig, 0o600)).To(Succeed())
		version = charttest.Version(GinkgoTB(), charttest.CertManager)
		host := charttest.Serve(GinkgoTB(), charttest.Handler())
		charttest.Push(GinkgoTB(), host, "charts/cert-manager", version, charttest.Archive(GinkgoTB(), charttest.Load(GinkgoTB(), charttest.CertManager)))
		Expect(os.WriteFile(platform, []byte(strings.NewReplacer("VERSION", version, "HOST", host).Replace(`
apiVersion: tlsplatform.io/v1alpha1
kind: TLSPlatform
metadata:
  name: previewed
spec:
  components:
    certManager:
      state: Observed
      version: VERSION
      chart:
        repository: oci://HOST/charts/cert-manager
  issuers:
  - name: letsencrypt
    backends:
    - name: production
      acme:
        server: https://acme-v02.api.letsencrypt.org/directory
        email: certificates@example.com
        solvers:
        - http01:
            ingress:
              ingressClassName: nginx
`)), 0o600)).To(Succeed())
	})

	run := func(ctx context.Context, args ...string) (code int, out, failure string) {
		var stdout, stderr bytes.Buffer
		code = cli.Run(ctx, cli.Options{
			Args: append(args, "--kubeconfig", kubeconfig, "-f", platform, "--agent-image", "example.com/agent:1"),
			Out:  &stdout, Err: &stderr, Now: time.Now, Version: "test",
		})
		return code, stdout.String(), stderr.String()
	}

	It("previews an adoption that was not asked for yet", func(ctx SpecContext) {
		c, err := client.New(config, client.Options{Scheme: scheme})
		Expect(err).NotTo(HaveOccurred())
		By("an empty cluster, managed")
		code, out, failure := run(ctx, "diff", "--manage", "certManager", "-o", "summary", "--exit-code")
		Expect(failure).To(BeEmpty())
		Expect(code).To(Equal(2))
		Expect(out).To(And(
			ContainSubstring("as if spec.components.certManager had state: Managed"),
			ContainSubstring("  create    Deployment cert-manager/cert-manager-webhook\n"),
			ContainSubstring("  create    CustomResourceDefinition certificates.cert-manager.io\n"),
			ContainSubstring("# - the cluster does not serve ClusterIssuer yet"),
			ContainSubstring("  create    ClusterIssuer letsencrypt\n"),
			Not(ContainSubstring("\naccess\n")),
		))

		By("a cluster with somebody's cert-manager")
		s := &stage{client: c, namespace: "their-cm"}
		Expect(c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}})).To(Succeed())
		theirs := s.deployment("cert-manager")
		theirs.Name = "cert-manager"
		theirs.Labels = map[string]string{"app.kubernetes.io/name": "cert-manager", "app.kubernetes.io/instance": "cert-manager", "app.kubernetes.io/version": version}
		selector := map[string]string{"app.kubernetes.io/name": "cert-manager", "app.kubernetes.io/instance": "cert-manager", "app.kubernetes.io/component": "controller"}
		theirs.Spec.Selector.MatchLabels, theirs.Spec.Template.Labels = selector, selector
		Expect(c.Create(ctx, theirs, client.FieldOwner("helm"))).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(c.Delete(ctx, theirs)).To(Succeed()) })
		_, out, failure = run(ctx, "diff", "--manage", "certManager", "-o", "summary")
		Expect(failure).To(BeEmpty())
		Expect(out).To(And(ContainSubstring("cert-manager: held (ExistingInstall)"), ContainSubstring("issuers: held (APIMissing)"), ContainSubstring("2 parts held"), Not(ContainSubstring("CustomResourceDefinition"))))

		code, out, failure = run(ctx, "diff", "--manage", "certManager", "--adopt", "--exit-code")
		Expect(failure).To(BeEmpty())
		Expect(code).To(Equal(2))
		Expect(out).To(And(
			ContainSubstring("namespace: their-cm"),
			ContainSubstring("# update: Deployment their-cm/cert-manager (plain)\n"),
			ContainSubstring("--- live/Deployment.apps/their-cm/cert-manager\n+++ after/Deployment.apps/their-cm/cert-manager\n"),
			ContainSubstring("quay.io/jetstack/cert-manager-controller:"+version),
		))

		By("as it is declared: observed")
		code, out, failure = run(ctx, "diff", "-o", "json")
		Expect(failure).To(BeEmpty())
		Expect(code).To(BeZero())
		var d struct {
			Kind  string `json:"kind"`
			Parts []struct {
				Name, State string
			} `json:"parts"`
		}
		Expect(json.Unmarshal([]byte(out), &d)).To(Succeed())
		Expect(d.Kind).To(Equal("EstateDiff"))
		Expect(d.Parts).To(ContainElement(HaveField("State", "Observed")))
		Expect(client.IgnoreNotFound(c.Get(ctx, client.ObjectKey{Name: "certificates.cert-manager.io"}, definition()))).To(Succeed())
	}, SpecTimeout(timeout))

	It("renders the same bytes twice, and refuses a folder that is not its own", func(ctx SpecContext) {
		dir := GinkgoT().TempDir()
		raw, err := os.ReadFile(platform)
		Expect(err).NotTo(HaveOccurred())
		Expect(os.WriteFile(platform, bytes.Replace(raw, []byte("Observed"), []byte("Managed"), 1), 0o600)).To(Succeed())
		_, out, failure := run(ctx, "render", "--cluster", "local", "--directory", dir)
		Expect(failure).NotTo(ContainSubstring("error"))
		Expect(out).To(ContainSubstring("local written"))
		Expect(filepath.Join(dir, "local", "04-issuers", "clusterissuer-letsencrypt.yaml")).To(BeAnExistingFile())
		Expect(filepath.Join(dir, "local", "kustomization.yaml")).To(BeAnExistingFile())
		_, out, _ = run(ctx, "render", "--cluster", "local", "--directory", dir)
		Expect(out).To(ContainSubstring("local unchanged"))
		Expect(os.WriteFile(filepath.Join(dir, "local", "mine.yaml"), []byte("a: b\n"), 0o600)).To(Succeed())
		code, _, failure := run(ctx, "render", "--cluster", "local", "--directory", dir)
		Expect(code).To(Equal(1))
		Expect(failure).To(ContainSubstring("mine.yaml was not rendered"))
	}, SpecTimeout(timeout))

	It("shows the first contact with a member", func(ctx SpecContext) {
		_, out, failure := run(ctx, "diff", "--cluster", "prod-eu-2", "--member-context", "prod-eu-2=envtest", "-o", "summary")
		Expect(failure).To(BeEmpty())
		Expect(out).To(And(
			ContainSubstring("in cluster prod-eu-2"),
			ContainSubstring("the hub has no MemberCluster prod-eu-2"),
			ContainSubstring("\naccess\n"),
			ContainSubstring("ServiceAccount tls-platform-system/tls-platform-hub"),
			ContainSubstring("TLSAgent default"),
		))
	}, SpecTimeout(timeout))

	It("reaches a member as the user does, by a plugin too", func(ctx SpecContext) {
		dir := GinkgoT().TempDir()
		credential, err := json.Marshal(map[string]any{
			"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
			"status": map[string]any{"clientCertificateData": string(config.CertData), "clientKeyData": string(config.KeyData)},
		})
		Expect(err).NotTo(HaveOccurred())
		answer, member := filepath.Join(dir, "credential.json"), filepath.Join(dir, "member")
		Expect(os.WriteFile(answer, credential, 0o600)).To(Succeed())
		file, err := json.Marshal(map[string]any{
			"apiVersion": "v1", "kind": "Config", "current-context": "m",
			"clusters": []any{map[string]any{"name": "m", "cluster": map[string]any{"server": config.Host, "certificate-authority-data": config.CAData}}},
			"contexts": []any{map[string]any{"name": "m", "context": map[string]any{"cluster": "m", "user": "m"}}},
			"users": []any{map[string]any{"name": "m", "user": map[string]any{"exec": map[string]any{
				"apiVersion": "client.authentication.k8s.io/v1", "command": "cat", "args": []string{answer}, "interactiveMode": "Never",
			}}}},
		})
		Expect(err).NotTo(HaveOccurred())
		Expect(os.WriteFile(member, file, 0o600)).To(Succeed())
		_, out, failure := run(ctx, "diff", "--cluster", "prod-eu-2", "--member-kubeconfig", member, "-o", "summary")
		Expect(failure).To(BeEmpty())
		Expect(out).To(ContainSubstring("in cluster prod-eu-2 (Kubernetes v"))
	}, SpecTimeout(timeout))

	It("names what it can't find", func(ctx SpecContext) {
		code, _, failure := run(ctx, "diff", "--cluster", "prod-eu-2")
		Expect(code).To(Equal(1))
		Expect(failure).To(ContainSubstring("no context of the kubeconfig is called prod-eu-2"))
	}, SpecTimeout(timeout))
})

func definition() *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetAPIVersion("apiextensions.k8s.io/v1")
	o.SetKind("CustomResourceDefinition")
	return o
}
