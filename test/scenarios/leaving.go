package scenarios

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
)

// leaving are the ways out. They run last, and the last one leaves nothing.
var leaving = []Scenario{
	{"A component that is declared Absent goes, and its CRD stays while it has instances", false, componentAbsent},
	{"Deleting the platform retains everything by default", false, deleteRetains},
	{"Deleting with Remove takes away what the platform made, and keeps what was issued", false, deleteRemoves},
}

func componentAbsent(ctx context.Context, w *World, t Teller) error {
	const kept = `apiVersion: trust.cert-manager.io/v1alpha1
kind: Bundle
metadata: {name: somebody-elses}
spec:
  sources: [{useDefaultCAs: true}]
  target: {configMap: {key: ca.crt}, namespaceSelector: {matchLabels: {nobody: has-this}}}
`
	if err := w.Apply(ctx, kept); err != nil {
		return err
	}
	err := w.During(ctx, func(s *v1alpha1.TLSPlatformSpec) {
		s.Components.TrustManager.State = v1alpha1.ComponentAbsent
		s.Trust = nil
	}, func() error {
		if err := w.Wait(ctx, Deployments, "cert-manager", "trust-manager", harness.Absent); err != nil {
			return err
		}
		var retained []string
		err := w.Wait(ctx, Members, "", v1alpha1.LocalClusterName, memberStatus(func(s *v1alpha1.MemberClusterStatus) bool {
			retained = s.Retained
			return len(retained) > 0
		}))
		if err != nil {
			return err
		}
		t.Show("status.retained of MemberCluster local", fmt.Sprint(retained))
		if err := contains(fmt.Sprint(retained), "bundles.trust.cert-manager.io", "has instances"); err != nil {
			return err
		}
		return w.Wait(ctx, CRDs, "", "bundles.trust.cert-manager.io", harness.Exists)
	})
	_, derr := w.Kubectl(ctx, "delete", "bundle", "somebody-elses")
	return errors.Join(err, derr)
}

func (w *World) deletePlatform(ctx context.Context) error {
	if _, err := w.Kubectl(ctx, "delete", "tlsplatform", PlatformName, "--wait=false"); err != nil {
		return err
	}
	return w.Wait(ctx, Platforms, "", PlatformName, harness.Absent)
}

func (w *World) createPlatform(ctx context.Context, change func(*v1alpha1.TLSPlatform)) error {
	platform, err := w.SamplePlatform(change)
	if err != nil {
		return err
	}
	manifest, err := yaml.Marshal(platform)
	if err != nil {
		return fmt.Errorf("writing the platform as YAML: %w", err)
	}
	return w.Apply(ctx, string(manifest))
}

func deleteRetains(ctx context.Context, w *World, _ Teller) error {
	if err := w.deletePlatform(ctx); err != nil {
		return err
	}
	for _, name := range []string{"cert-manager", "cert-manager-webhook", "cert-manager-cainjector", "trust-manager"} {
		if err := w.WaitAvailable(ctx, "cert-manager", name); err != nil {
			return err
		}
	}
	var ledger corev1.ConfigMap
	err := w.Client.Get(ctx, types.NamespacedName{Namespace: SystemNamespace, Name: "tls-platform-ledger"}, &ledger)
	if !apierrors.IsNotFound(err) {
		return fmt.Errorf("the ledger of a forgotten estate is still there: %w", err)
	}
	// The same platform takes up where it left, without adopting.
	if err := w.createPlatform(ctx, nil); err != nil {
		return err
	}
	_, err = w.WaitPlatform(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	return err
}

func deleteRemoves(ctx context.Context, w *World, _ Teller) error {
	err := w.Change(ctx, func(s *v1alpha1.TLSPlatformSpec) { s.DeletionPolicy = v1alpha1.DeletionPolicyRemove })
	if err != nil {
		return err
	}
	if err := w.deletePlatform(ctx); err != nil {
		return err
	}
	for _, name := range []string{"cert-manager", "cert-manager-webhook", "cert-manager-cainjector", "trust-manager"} {
		if err := w.Wait(ctx, Deployments, "cert-manager", name, harness.Absent); err != nil {
			return err
		}
	}
	// The last ClusterIssuer was ours, so their CRD goes with it.
	if err := w.Wait(ctx, CRDs, "", "clusterissuers.cert-manager.io", harness.Absent); err != nil {
		return err
	}
	// The Certificate of the team, its Secret, and so the CRD, are not ours to take.
	if err := w.Wait(ctx, CRDs, "", "certificates.cert-manager.io", harness.Exists); err != nil {
		return err
	}
	leaf, err := w.issued(ctx, TeamNamespace, "web-tls")
	if err != nil {
		return fmt.Errorf("an issued certificate is gone: %w", err)
	}
	if len(leaf.DNSNames) != 1 {
		return fmt.Errorf("the issued certificate has names %v", leaf.DNSNames)
	}
	return nil
}
