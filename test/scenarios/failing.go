package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
)

// failing are things that break while the platform runs.
var failing = []Scenario{
	{"An upgrade that never becomes healthy is rolled back", false, neverHealthy},
	{"An operand that crashes after it was ready is reported and recovers", false, operandCrashes},
	{"A referenced Secret that is missing is told, and heals when it appears", false, secretAppears},
	{"A solver that cert-manager does not know leaves the other issuers alone", false, unknownSolver},
	{"A role that lacks one verb is told by verb and object", false, verbMissing},
	{"An object of that name that belongs to somebody else is left alone", false, foreignObject},
}

func neverHealthy(ctx context.Context, w *World, t Teller) error {
	return w.During(ctx, func(s *v1alpha1.TLSPlatformSpec) {
		s.Components.CertManager.HealthTimeout = &metav1.Duration{Duration: 10 * time.Second}
		s.Components.CertManager.Values = &apiextensionsv1.JSON{Raw: []byte(`{"webhook": {"extraArgs": ["--no-such-flag"]}}`)}
	}, func() error {
		c, err := w.WaitPlatform(ctx, v1alpha1.ConditionComponentsReady, metav1.ConditionFalse, v1alpha1.ReasonRolledBack)
		if err != nil {
			return err
		}
		t.Show("condition ComponentsReady", c.Reason+": "+c.Message)
		if err := contains(c.Message, "Deployment cert-manager/cert-manager-webhook", "rolled back to v1.21.2"); err != nil {
			return err
		}
		if err := w.WaitAvailable(ctx, "cert-manager", "cert-manager-webhook"); err != nil {
			return err
		}
		args, err := w.Kubectl(ctx, "-n", "cert-manager", "get", "deployment", "cert-manager-webhook", "-o", "jsonpath={.spec.template.spec.containers[0].args}")
		if err != nil {
			return err
		}
		if contains(args, "--no-such-flag") == nil {
			return fmt.Errorf("the webhook still has the argument that broke it: %s", args)
		}
		return w.stillReconciled(ctx)
	})
}

func operandCrashes(ctx context.Context, w *World, t Teller) error {
	for range 3 { // the first crash is restarted faster than anybody would notice
		p, ok := w.Cluster.Node().Process("cert-manager", "trust-manager-", "")
		if !ok {
			return errors.New("trust-manager has no process")
		}
		if err := p.Kill(); err != nil {
			return fmt.Errorf("killing trust-manager: %w", err)
		}
		c, err := w.WaitPlatform(ctx, v1alpha1.ConditionComponentsReady, metav1.ConditionFalse, v1alpha1.ReasonUnhealthy)
		if err != nil {
			return err
		}
		t.Show("condition ComponentsReady", c.Reason+": "+c.Message)
		if err := contains(c.Message, "trust-manager", "was available and no longer is"); err != nil {
			return err
		}
		if _, err := w.WaitPlatform(ctx, v1alpha1.ConditionComponentsReady, metav1.ConditionTrue, ""); err != nil {
			return err
		}
	}
	return nil
}

// selfMadeCA is a Certificate that makes a CA Secret, outside of the platform.
const selfMadeCA = `apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: brought-ca, namespace: cert-manager}
spec:
  secretName: brought-ca
  commonName: Brought CA
  isCA: true
  duration: 8760h
  privateKey: {algorithm: ECDSA, size: 256}
  issuerRef: {kind: ClusterIssuer, name: internal-bootstrap}
`

func secretAppears(ctx context.Context, w *World, t Teller) error {
	return w.During(ctx, func(s *v1alpha1.TLSPlatformSpec) {
		s.Issuers = append(s.Issuers, v1alpha1.Issuer{Name: "brought", Backends: []v1alpha1.IssuerBackend{{
			Name: "ca", CA: &v1alpha1.CABackend{SecretRef: &v1alpha1.LocalSecretReference{Name: "brought-ca"}},
		}}})
	}, func() error {
		var c *metav1.Condition
		for c == nil || contains(c.Message, "brought-ca") != nil {
			var err error
			if c, err = w.WaitPlatform(ctx, v1alpha1.ConditionIssuersReady, metav1.ConditionFalse, ""); err != nil {
				return err
			}
		}
		t.Show("condition IssuersReady", c.Reason+": "+c.Message)
		if err := contains(c.Message, "ClusterIssuer brought"); err != nil {
			return err
		}
		if err := w.Apply(ctx, selfMadeCA); err != nil {
			return err
		}
		_, err := w.WaitPlatform(ctx, v1alpha1.ConditionIssuersReady, metav1.ConditionTrue, "")
		return err
	})
}

func unknownSolver(ctx context.Context, w *World, t Teller) error {
	return w.During(ctx, func(s *v1alpha1.TLSPlatformSpec) {
		s.Issuers = append(s.Issuers, v1alpha1.Issuer{Name: "public", Backends: []v1alpha1.IssuerBackend{{
			Name: "acme", ACME: &v1alpha1.ACMEBackend{
				Server:  "https://127.0.0.1:1/dir",
				Solvers: []apiextensionsv1.JSON{{Raw: []byte(`{"http02": {}}`)}},
			},
		}}})
	}, func() error {
		c, err := w.WaitPlatform(ctx, v1alpha1.ConditionIssuersReady, metav1.ConditionFalse, v1alpha1.ReasonInvalidSpec)
		if err != nil {
			return err
		}
		t.Show("condition IssuersReady", c.Reason+": "+c.Message)
		if err := contains(c.Message, "public", "http02"); err != nil {
			return err
		}
		return w.Wait(ctx, ClusterIssuers, "", "internal", harness.ConditionIs("Ready", "True"))
	})
}

// verbMissing takes one verb from the hub's shipped role.
func verbMissing(ctx context.Context, w *World, t Teller) error {
	role := &rbacv1.ClusterRole{}
	if err := w.Client.Get(ctx, types.NamespacedName{Name: "tls-platform-hub"}, role); err != nil {
		return fmt.Errorf("reading the hub's role: %w", err)
	}
	whole := role.DeepCopy()
	taken := false
	for i := range role.Rules {
		rule := &role.Rules[i]
		if slices.Contains(rule.Resources, "clusterissuers") {
			rule.Verbs = slices.DeleteFunc(rule.Verbs, func(v string) bool { return v == "patch" })
			taken = true
		}
	}
	if !taken {
		return errors.New("the hub's role has no rule for clusterissuers")
	}
	if err := w.Client.Update(ctx, role); err != nil {
		return fmt.Errorf("taking a verb from the hub's role: %w", err)
	}
	failure := func() error {
		if _, err := w.Kubectl(ctx, "patch", "clusterissuer", "internal", "--type=merge", "-p", `{"spec":{"ca":{"secretName":"mine"}}}`); err != nil {
			return err
		}
		c, err := w.WaitPlatform(ctx, v1alpha1.ConditionIssuersReady, metav1.ConditionFalse, v1alpha1.ReasonForbidden)
		if err != nil {
			return err
		}
		t.Show("condition IssuersReady", c.Reason+": "+c.Message)
		return contains(c.Message, "patch", "clusterissuers", "internal", "tls-platform-hub")
	}()
	whole.ResourceVersion = ""
	if err := w.Client.Patch(ctx, role, client.RawPatch(types.MergePatchType, rulesPatch(whole.Rules))); err != nil {
		return errors.Join(failure, fmt.Errorf("giving the hub's role its verb back: %w", err))
	}
	if failure != nil {
		return failure
	}
	_, err := w.WaitPlatform(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	return err
}

const foreignIssuer = `apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: theirs}
spec: {selfSigned: {}}
`

func foreignObject(ctx context.Context, w *World, t Teller) error {
	// Somebody made it before the rules were there: the rules let it pass as an
	// approved name.
	err := w.During(ctx, func(s *v1alpha1.TLSPlatformSpec) {
		s.Policy.Rules.Issuers.Approved = []v1alpha1.ApprovedIssuer{{Name: "theirs", Kind: "ClusterIssuer", Group: "cert-manager.io"}}
	}, func() error {
		if _, err := w.WaitPlatform(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, ""); err != nil {
			return err
		}
		return w.eventually(ctx, func() error { return w.Apply(ctx, foreignIssuer) })
	})
	if err != nil {
		return err
	}
	err = w.During(ctx, func(s *v1alpha1.TLSPlatformSpec) {
		s.Issuers = append(s.Issuers, v1alpha1.Issuer{Name: "theirs", Backends: []v1alpha1.IssuerBackend{{
			Name: "ca", CA: &v1alpha1.CABackend{Generate: &v1alpha1.GeneratedCA{CommonName: "Ours"}},
		}}})
	}, func() error {
		c, err := w.WaitPlatform(ctx, v1alpha1.ConditionIssuersReady, metav1.ConditionFalse, v1alpha1.ReasonConflict)
		if err != nil {
			return err
		}
		t.Show("condition IssuersReady", c.Reason+": "+c.Message)
		if err := contains(c.Message, "ClusterIssuer theirs", "kubectl"); err != nil {
			return err
		}
		out, err := w.Kubectl(ctx, "get", "clusterissuer", "theirs", "-o", "jsonpath={.spec}")
		if err != nil {
			return err
		}
		return contains(out, "selfSigned")
	})
	_, derr := w.Kubectl(ctx, "delete", "clusterissuer", "theirs")
	return errors.Join(err, derr)
}
