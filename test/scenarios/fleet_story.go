package scenarios

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
	"github.com/tlsplatform/tls-platform-operator/test/harness/charts"
)

// fleetStory is told by the demo, and builds on NewFleet.
var fleetStory = []Scenario{
	{"Two clusters join a hub, each by a kubeconfig that is needed once", true, membersJoin},
	{"One object declares the estate of all, and leaves the cert-manager of west alone", true, estateIsDeclared},
	{"What taking over west would change is seen before it is done", true, takeOverIsPreviewed},
	{"West is adopted and brought to the declared version, and what it issued stays", true, westIsAdopted},
	{"A certificate is issued in each cluster, and a bad one is refused in each", true, certificatesInEach},
	{"The clusters are compared, also in what nobody declared", true, clustersAreCompared},
	{"East is cut off: everybody is told, and the others go on", true, eastIsCutOff},
	{"East comes back: it gets what it missed, and what was edited by hand is put back", true, eastHeals},
}

// Override names of the fleet's platform.
const westOverride = "west-had-it-before"

// override is one that is merged into the estate of a region.
func override(name, region, patch string) v1alpha1.Override {
	return v1alpha1.Override{
		Name: name, Selector: metav1.LabelSelector{MatchLabels: map[string]string{"region": region}},
		Patch: apiextensionsv1.JSON{Raw: []byte(patch)},
	}
}

// regionOf are the labels of a member.
func regionOf(member string) map[string]string { return map[string]string{"region": member} }

func membersJoin(ctx context.Context, w *World, t Teller) error {
	t.Say("install the operator in the hub, as make deploy does")
	if err := w.InstallOperator(ctx); err != nil {
		return err
	}
	for _, name := range []string{West, East} {
		kubeconfig, err := w.Members[name].Access.Token(ctx, "first-contact")
		if err != nil {
			return err
		}
		if err := w.AddMember(ctx, name, regionOf(name), kubeconfig); err != nil {
			return err
		}
	}
	manifest, err := yaml.Marshal(memberCluster(West, regionOf(West)))
	if err != nil {
		return fmt.Errorf("writing a MemberCluster as YAML: %w", err)
	}
	t.Show("cat west.yaml (and one like it for east)", string(manifest))
	for _, name := range []string{West, East} {
		if _, err := w.WaitMember(ctx, name, v1alpha1.ConditionConnected, metav1.ConditionTrue, ""); err != nil {
			return err
		}
	}
	t.Say("the hub has made identities of its own in both; the kubeconfigs are withdrawn")
	for _, name := range []string{West, East} {
		if err := w.WithdrawCredential(ctx, name); err != nil {
			return err
		}
	}
	return w.showMembers(ctx, t)
}

// showMembers shows what kubectl says of the members, and checks that their lines
// have what is told. Each of says is "member: word word", every word being one of
// the line's columns.
func (w *World) showMembers(ctx context.Context, t Teller, says ...string) error {
	out, err := w.Kubectl(ctx, "get", "memberclusters")
	if err != nil {
		return err
	}
	t.Show("kubectl get memberclusters", out)
	for _, say := range says {
		name, words, _ := strings.Cut(say, ": ")
		if err := lineHas(out, name, strings.Fields(words)...); err != nil {
			return err
		}
	}
	return nil
}

// lineHas checks that the line that starts with name has the words in their
// order.
func lineHas(table, name string, words ...string) error {
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != name {
			continue
		}
		rest := fields[1:]
		for _, word := range words {
			i := 0
			for i < len(rest) && rest[i] != word {
				i++
			}
			if i == len(rest) {
				return fmt.Errorf("the line of %s is %q, want %q in it", name, strings.TrimSpace(line), words)
			}
			rest = rest[i+1:]
		}
		return nil
	}
	return fmt.Errorf("no line of %s in:\n%s", name, table)
}

func estateIsDeclared(ctx context.Context, w *World, t Teller) error {
	platform, err := w.SamplePlatform(func(p *v1alpha1.TLSPlatform) {
		p.Spec.Overrides = []v1alpha1.Override{override(westOverride, West, `{"components": {"certManager": {"state": "Observed"}}}`)}
	})
	if err != nil {
		return err
	}
	manifest, err := yaml.Marshal(platform)
	if err != nil {
		return fmt.Errorf("writing the platform as YAML: %w", err)
	}
	excerpt, err := yaml.Marshal(map[string]any{"overrides": platform.Spec.Overrides})
	if err != nil {
		return fmt.Errorf("writing the overrides as YAML: %w", err)
	}
	t.Show("tail platform.yaml (the rest is config/samples/platform.yaml)", string(excerpt))
	started := time.Now()
	out, err := w.Cluster.Kubectl(ctx, string(manifest), "apply", "-f", "-")
	if err != nil {
		return err
	}
	t.Show("kubectl apply -f platform.yaml", out)
	for _, name := range []string{v1alpha1.LocalClusterName, East, West} {
		if _, err := w.WaitMember(ctx, name, v1alpha1.ConditionInSync, metav1.ConditionTrue, ""); err != nil {
			return err
		}
	}
	t.Say("in sync after %.1f s: cert-manager and trust-manager installed in the hub and in east", time.Since(started).Seconds())
	component, err := w.certManager(ctx, West)
	if err != nil {
		return err
	}
	if component.State != v1alpha1.ComponentObserved || component.Version != charts.CertManagerPreviousVersion {
		return fmt.Errorf("cert-manager in west is %+v, want Observed %s", component, charts.CertManagerPreviousVersion)
	}
	return w.showMembers(ctx, t,
		"local: True True "+charts.CertManagerVersion, "east: True True "+charts.CertManagerVersion, "west: True True "+charts.CertManagerPreviousVersion)
}

func takeOverIsPreviewed(ctx context.Context, w *World, t Teller) error {
	// The profile of a cluster comes with the next report of its agent.
	err := w.Wait(ctx, Members, "", West, memberStatus(func(s *v1alpha1.MemberClusterStatus) bool {
		return s.Profile != nil && len(s.Profile.Components) > 0 && len(s.Profile.Settings) > 0
	}))
	if err != nil {
		return err
	}
	out, err := w.kubectlTLS(ctx, "matrix", "--differences")
	if err != nil {
		return err
	}
	t.Show("kubectl tls matrix --differences", out)
	if err := contains(out, charts.CertManagerPreviousVersion, "max-concurrent-challenges"); err != nil {
		return err
	}
	out, err = w.kubectlTLS(ctx, "diff", "--cluster", West, "--manage", "certManager", "--adopt", "-o", "summary",
		"--member-kubeconfig", w.Members[West].Cluster.Kubeconfig)
	if err != nil {
		return err
	}
	t.Show("kubectl tls diff --cluster west --manage certManager --adopt -o summary | grep -E 'Definition|Deployment|schema|unchanged'",
		grep(out, "Definition", "Deployment", "schema", "unchanged"))
	return contains(out, "Deployment cert-manager/cert-manager-webhook", "Helm release cert-manager/cert-manager")
}

// grep keeps the lines that contain one of the words.
func grep(text string, words ...string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if slices.ContainsFunc(words, func(word string) bool { return strings.Contains(line, word) }) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// issuedThings are what must not change when an install is taken over.
type issuedThings struct {
	secret, revision, requests string
}

func (w *World) issuedThings(ctx context.Context, namespace, certificate, secret string) (issuedThings, error) {
	var s corev1.Secret
	if err := w.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: secret}, &s); err != nil {
		return issuedThings{}, fmt.Errorf("reading Secret %s/%s: %w", namespace, secret, err)
	}
	revision, err := w.Kubectl(ctx, "-n", namespace, "get", "certificate", certificate, "-o", "jsonpath={.status.revision}")
	if err != nil {
		return issuedThings{}, err
	}
	requests, err := w.Kubectl(ctx, "-n", namespace, "get", "certificaterequests", "-o", "name")
	return issuedThings{secret: string(s.UID) + " " + string(s.Data[corev1.TLSCertKey]), revision: revision, requests: requests}, err
}

func westIsAdopted(ctx context.Context, w *World, t Teller) error {
	west := w.At(West)
	before, err := west.issuedThings(ctx, "orders", "orders", "orders-tls")
	if err != nil {
		return err
	}
	const patch = `{"components": {"certManager": {"adopt": true}}}`
	t.Say("edit the override of west: %s", patch)
	started := time.Now()
	err = w.Change(ctx, func(s *v1alpha1.TLSPlatformSpec) { s.Overrides[0].Patch.Raw = []byte(patch) })
	if err != nil {
		return err
	}
	err = w.Wait(ctx, Members, "", West, memberStatus(func(s *v1alpha1.MemberClusterStatus) bool {
		return isTrue(s.Conditions, v1alpha1.ConditionInSync) && len(s.Components) > 0 && s.Components[0].State == v1alpha1.ComponentManaged &&
			s.Components[0].Version == charts.CertManagerVersion
	}))
	if err != nil {
		return err
	}
	t.Say("adopted and upgraded after %.1f s", time.Since(started).Seconds())
	after, err := west.issuedThings(ctx, "orders", "orders", "orders-tls")
	if err != nil {
		return err
	}
	if before != after {
		return fmt.Errorf("the certificate of west was touched: it was %+v and is %+v", before, after)
	}
	t.Say("the Secret orders/orders-tls is the same, no certificate was requested anew, and the record of the Helm release is still there")
	out, err := west.Kubectl(ctx, "-n", "cert-manager", "get", "secrets", "-l", "owner=helm", "-o", "name")
	if err != nil {
		return err
	}
	if err := contains(out, "sh.helm.release.v1.cert-manager.v1"); err != nil {
		return err
	}
	if _, err := w.WaitPlatform(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, ""); err != nil {
		return err
	}
	return w.showMembers(ctx, t, "west: True True "+charts.CertManagerVersion, "east: True True "+charts.CertManagerVersion)
}

func certificatesInEach(ctx context.Context, w *World, t Teller) error {
	for _, name := range []string{West, East} {
		there := w.At(name)
		if _, err := there.Kubectl(ctx, "create", "namespace", TeamNamespace); err != nil {
			return err
		}
		if err := there.Apply(ctx, GoodCertificate); err != nil {
			return err
		}
	}
	for _, name := range []string{West, East} {
		there := w.At(name)
		if err := there.Wait(ctx, Certificates, TeamNamespace, "web", harness.ConditionIs("Ready", "True")); err != nil {
			return err
		}
		leaf, err := there.issued(ctx, TeamNamespace, "web-tls")
		if err != nil {
			return err
		}
		t.Say("%s: %s by %q, valid until %s", name, strings.Join(leaf.DNSNames, ", "), leaf.Issuer.CommonName, leaf.NotAfter.Format(time.DateOnly))
		_, err = there.Cluster.Kubectl(ctx, BadCertificate, "apply", "-f", "-")
		if err == nil {
			return fmt.Errorf("%s accepted a Certificate that breaks three rules", name)
		}
		if name == East {
			_, refusal, _ := strings.Cut(err.Error(), "exit status 1: ")
			t.Show("kubectl --context east apply -f rogue.yaml", refusal)
		}
		if err := contains(err.Error(), "PrivateKey", "DNSNames", "Annotations"); err != nil {
			return err
		}
	}
	return nil
}

func clustersAreCompared(ctx context.Context, w *World, t Teller) error {
	// The profile of a cluster comes with the next report of its agent.
	err := w.Wait(ctx, Platforms, "", PlatformName, platformStatus(func(s *v1alpha1.TLSPlatformStatus) bool {
		return s.Consistency != nil && s.Consistency.ShadowIssuers > 0
	}))
	if err != nil {
		return err
	}
	out, err := w.kubectlTLS(ctx, "matrix")
	if err != nil {
		return err
	}
	t.Show("kubectl tls matrix", out)
	return contains(out, West, East, "cert-manager", charts.CertManagerVersion, "west-self-signed")
}
