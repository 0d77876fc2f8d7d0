package scenarios

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness/charts"
)

// held are wishes about components that can't be followed: what runs stays, a
// condition says why, and the rest of the estate is still reconciled.
var held = []Scenario{
	{"Values that the chart's schema refuses are a condition, and the rest goes on", false, badValues},
	{"A chart with another digest than declared is refused", false, digestMismatch},
	{"A registry that is down holds the change and nothing else", false, registryDown},
	{"A pull Secret that is missing is waited for", false, pullSecretMissing},
	{"A downgrade is refused", false, downgrade},
}

// heldWith runs a scenario in which a change to cert-manager is held for a
// reason, checks what the condition says, and that the rest of the estate is
// still repaired.
func heldWith(ctx context.Context, w *World, t Teller, reason string, change func(*v1alpha1.TLSPlatformSpec), says ...string) error {
	return w.During(ctx, change, func() error {
		c, err := w.WaitPlatform(ctx, v1alpha1.ConditionComponentsReady, metav1.ConditionFalse, reason)
		if err != nil {
			return err
		}
		t.Show("condition ComponentsReady", c.Reason+": "+c.Message)
		if err := contains(c.Message, says...); err != nil {
			return err
		}
		return errors.Join(w.stillAvailable(ctx), w.stillReconciled(ctx))
	})
}

// stillAvailable checks that cert-manager runs as before.
func (w *World) stillAvailable(ctx context.Context) error {
	return w.WaitAvailable(ctx, "cert-manager", "cert-manager")
}

// stillReconciled deletes an object of another part, and one of the held part,
// and waits until both are back.
func (w *World) stillReconciled(ctx context.Context) error {
	policy := &unstructured.Unstructured{}
	policy.SetAPIVersion("admissionregistration.k8s.io/v1")
	policy.SetKind("ValidatingAdmissionPolicy")
	account := &unstructured.Unstructured{}
	account.SetAPIVersion("v1")
	account.SetKind("Service")
	for _, o := range []struct {
		object          *unstructured.Unstructured
		namespace, name string
		resource        string
	}{
		{policy, "", "tls-platform-certificates", "validatingadmissionpolicies"},
		{account, "cert-manager", "cert-manager", "services"},
	} {
		key := types.NamespacedName{Namespace: o.namespace, Name: o.name}
		if err := w.Client.Get(ctx, key, o.object); err != nil {
			return fmt.Errorf("reading %s: %w", key, err)
		}
		gvk := o.object.GroupVersionKind()
		if err := w.Client.Delete(ctx, o.object); err != nil {
			return fmt.Errorf("deleting %s: %w", key, err)
		}
		gvr := gvk.GroupVersion().WithResource(o.resource)
		if err := w.Wait(ctx, gvr, o.namespace, o.name, remade(o.object.GetUID())); err != nil {
			return fmt.Errorf("the rest of the estate is not reconciled: %w", err)
		}
	}
	return nil
}

func badValues(ctx context.Context, w *World, t Teller) error {
	return heldWith(ctx, w, t, v1alpha1.ReasonInvalidValues, func(s *v1alpha1.TLSPlatformSpec) {
		s.Components.CertManager.Values = &apiextensionsv1.JSON{Raw: []byte(`{"replicaCount": "three", "nosuch": true}`)}
	}, "replicaCount", "nosuch")
}

func digestMismatch(ctx context.Context, w *World, t Teller) error {
	wrong := "sha256:" + strings.Repeat("0", 64)
	return heldWith(ctx, w, t, v1alpha1.ReasonDigestMismatch, func(s *v1alpha1.TLSPlatformSpec) {
		s.Components.CertManager.Chart.Digest = wrong
	}, wrong, w.Digests["cert-manager"])
}

func registryDown(ctx context.Context, w *World, t Teller) error {
	if err := w.Registry.Stop(); err != nil {
		return fmt.Errorf("stopping the registry: %w", err)
	}
	healed := false
	err := heldWith(ctx, w, t, v1alpha1.ReasonChartUnavailable, func(s *v1alpha1.TLSPlatformSpec) {
		s.Components.CertManager.Values = &apiextensionsv1.JSON{Raw: []byte(`{"replicaCount": 2}`)}
	}, w.Registry.Host(), "v1.21.2")
	if err == nil {
		// It must also heal by itself, without a change of the spec.
		err = w.During(ctx, func(s *v1alpha1.TLSPlatformSpec) {
			s.Components.CertManager.Values = &apiextensionsv1.JSON{Raw: []byte(`{"replicaCount": 2}`)}
		}, func() error {
			if _, err := w.WaitPlatform(ctx, v1alpha1.ConditionComponentsReady, metav1.ConditionFalse, v1alpha1.ReasonChartUnavailable); err != nil {
				return err
			}
			if err := w.Registry.Start(); err != nil {
				return fmt.Errorf("starting the registry again: %w", err)
			}
			healed = true
			_, err := w.WaitPlatform(ctx, v1alpha1.ConditionComponentsReady, metav1.ConditionTrue, "")
			return err
		})
	}
	if !healed {
		err = errors.Join(err, w.Registry.Start())
	}
	return err
}

func pullSecretMissing(ctx context.Context, w *World, t Teller) error {
	const name, user, password = "tls-platform-registry", "robot", "s3cret"
	w.Registry.SetBasicAuth(user, password)
	defer w.Registry.SetBasicAuth("", "")
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: SystemNamespace, Name: name}}
	err := w.During(ctx, func(s *v1alpha1.TLSPlatformSpec) {
		s.Components.Registry.PullSecretRef = &v1alpha1.LocalSecretReference{Name: name}
		s.Components.CertManager.Values = &apiextensionsv1.JSON{Raw: []byte(`{"global": {"logLevel": 3}}`)}
	}, func() error {
		c, err := w.WaitPlatform(ctx, v1alpha1.ConditionComponentsReady, metav1.ConditionFalse, v1alpha1.ReasonPullSecretMissing)
		if err != nil {
			return err
		}
		t.Show("condition ComponentsReady", c.Reason+": "+c.Message)
		if err := contains(c.Message, SystemNamespace+"/"+name, "kubectl"); err != nil {
			return err
		}
		_, err = w.Kubectl(ctx, "-n", SystemNamespace, "create", "secret", "docker-registry", name,
			"--docker-server="+w.Registry.Host(), "--docker-username="+user, "--docker-password="+password)
		if err != nil {
			return err
		}
		_, err = w.WaitPlatform(ctx, v1alpha1.ConditionComponentsReady, metav1.ConditionTrue, "")
		w.Registry.SetBasicAuth("", "") // what is put back now names no Secret
		return err
	})
	return errors.Join(err, client.IgnoreNotFound(w.Client.Delete(ctx, secret)))
}

func downgrade(ctx context.Context, w *World, t Teller) error {
	return heldWith(ctx, w, t, v1alpha1.ReasonDowngradeRefused, func(s *v1alpha1.TLSPlatformSpec) {
		s.Components.CertManager.Version = "v1.20.0"
	}, "v1.20.0", charts.CertManagerVersion)
}
