package scenarios

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness/charts"
)

// Adoption are the scenarios of a cluster on which somebody installed
// cert-manager by Helm before the platform came. They build on one another.
func Adoption() []Scenario {
	return []Scenario{
		{"An install by Helm is detected before anything is written", false, installIsDetected},
		{"An observed install is enough for issuers", false, installIsObserved},
		{"An install of the Operator Lifecycle Manager is never adopted", false, olmIsLeftAlone},
		{"An adopted install is taken over without a restart", false, installIsAdopted},
	}
}

func installIsDetected(ctx context.Context, w *World, t Teller) error {
	values := map[string]any{"crds": map[string]any{"enabled": true}}
	if err := w.HelmInstall(ctx, "cert-manager", "cert-manager", charts.CertManagerVersion, values); err != nil {
		return err
	}
	if err := w.InstallOperator(ctx); err != nil {
		return err
	}
	mark, err := w.MarkAudit()
	if err != nil {
		return err
	}
	if err := w.createPlatform(ctx, func(p *v1alpha1.TLSPlatform) { p.Spec.Components.TrustManager = nil; p.Spec.Trust = nil }); err != nil {
		return err
	}
	c, err := w.WaitPlatform(ctx, v1alpha1.ConditionComponentsReady, metav1.ConditionFalse, v1alpha1.ReasonExistingInstall)
	if err != nil {
		return err
	}
	t.Show("condition ComponentsReady", c.Reason+": "+c.Message)
	if err := contains(c.Message, "Helm release cert-manager", "namespace cert-manager", "adopt: true", "state: Observed"); err != nil {
		return err
	}
	events, err := w.AuditSince(mark)
	if err != nil {
		return err
	}
	for _, e := range events {
		if e.Write() && e.ObjectRef.Namespace == "cert-manager" && e.ObjectRef.Resource != "configmaps" {
			return fmt.Errorf("written before anybody chose: %s", e)
		}
	}
	return nil
}

func installIsObserved(ctx context.Context, w *World, t Teller) error {
	err := w.Change(ctx, func(s *v1alpha1.TLSPlatformSpec) { s.Components.CertManager.State = v1alpha1.ComponentObserved })
	if err != nil {
		return err
	}
	if _, err := w.WaitPlatform(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, ""); err != nil {
		return err
	}
	component, err := w.certManager(ctx, v1alpha1.LocalClusterName)
	if err != nil {
		return err
	}
	t.Show("status.components of MemberCluster local", fmt.Sprintf("%+v", component))
	if component.State != v1alpha1.ComponentObserved || component.Version != charts.CertManagerVersion {
		return fmt.Errorf("the component is %+v, want Observed %s", component, charts.CertManagerVersion)
	}
	return nil
}

func olmIsLeftAlone(ctx context.Context, w *World, t Teller) error {
	label := func(value string) error {
		_, err := w.Kubectl(ctx, "-n", "cert-manager", "label", "--overwrite", "deployments", "--all", value)
		return err
	}
	if err := label("olm.owner=cert-manager.v1.21.2"); err != nil {
		return err
	}
	err := w.Change(ctx, func(s *v1alpha1.TLSPlatformSpec) {
		s.Components.CertManager.State, s.Components.CertManager.Adopt = v1alpha1.ComponentManaged, true
	})
	if err != nil {
		return err
	}
	c, err := w.WaitPlatform(ctx, v1alpha1.ConditionComponentsReady, metav1.ConditionFalse, v1alpha1.ReasonExistingInstall)
	if err != nil {
		return err
	}
	t.Show("condition ComponentsReady", c.Reason+": "+c.Message)
	if err := contains(c.Message, "Operator Lifecycle Manager", "Observed"); err != nil {
		return err
	}
	return label("olm.owner-")
}

func installIsAdopted(ctx context.Context, w *World, t Teller) error {
	before, err := w.podNames(ctx, "cert-manager")
	if err != nil {
		return err
	}
	started := time.Now()
	// adopt was set in the scenario before; the labels that forbade it are gone.
	if _, err := w.WaitPlatform(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, ""); err != nil {
		return err
	}
	t.Say("adopted after %.1f s", time.Since(started).Seconds())
	component, err := w.certManager(ctx, v1alpha1.LocalClusterName)
	if err != nil {
		return err
	}
	if component.State != v1alpha1.ComponentManaged || !component.Ready {
		return fmt.Errorf("the component is %+v, want Managed and ready", component)
	}
	after, err := w.podNames(ctx, "cert-manager")
	if err != nil {
		return err
	}
	if before != after {
		t.Say("pods were %s and are %s", before, after)
	}
	// Drift is repaired from now on, and the record of the release is still there.
	if err := w.stillReconciled(ctx); err != nil {
		return err
	}
	out, err := w.Kubectl(ctx, "-n", "cert-manager", "get", "secrets", "-l", "owner=helm", "-o", "name")
	if err != nil {
		return err
	}
	return contains(out, "sh.helm.release.v1.cert-manager.v1")
}

func (w *World) podNames(ctx context.Context, namespace string) (string, error) {
	var pods corev1.PodList
	if err := w.Client.List(ctx, &pods, client.InNamespace(namespace)); err != nil {
		return "", fmt.Errorf("listing pods of %s: %w", namespace, err)
	}
	names := ""
	for i := range pods.Items {
		names += pods.Items[i].Name + " "
	}
	return names, nil
}
