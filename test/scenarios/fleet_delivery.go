package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
)

// Fleet are the scenarios of a whole fleet, in a world of NewFleet: the story, and
// what is not told.
func Fleet() []Scenario {
	return slices.Concat(fleetStory, []Scenario{
		{"An override changes one cluster and no other", false, overrideForOne},
		{"Drift that is not corrected is reported with field, manager and time", false, driftIsReported},
		{"A canary that fails stops the rollout and is named", false, canaryFails},
		{"A hub that is killed in mid-wave goes on where it was", false, hubKilledInWave},
		{"A hub that is lost is restored from its YAML alone, and nothing is applied twice", false, hubRestored},
	})
}

func overrideForOne(ctx context.Context, w *World, t Teller) error {
	return w.During(ctx, func(s *v1alpha1.TLSPlatformSpec) {
		s.Overrides = append(s.Overrides, override("east-warns", East, `{"policy": {"action": "Warn"}}`))
	}, func() error {
		east, west := w.At(East), w.At(West)
		var out string
		err := east.eventually(ctx, func() error {
			var err error
			out, err = east.dryApply(ctx, BadCertificate)
			return err
		})
		if err != nil {
			return fmt.Errorf("east still refuses: %w", err)
		}
		t.Show("kubectl --context east apply -f rogue.yaml", out)
		if _, err := west.dryApply(ctx, BadCertificate); err == nil {
			return errors.New("west has the override of east")
		}
		return nil
	})
}

// certificatesPolicy is a policy of the platform. It does its work whatever its
// failurePolicy is, so that nothing but drift is to be told.
const certificatesPolicy = "tls-platform-certificates"

func driftIsReported(ctx context.Context, w *World, t Teller) error {
	off := false
	return w.During(ctx, func(s *v1alpha1.TLSPlatformSpec) { s.Delivery.CorrectDrift = &off }, func() error {
		if _, err := w.WaitPlatform(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, ""); err != nil {
			return err
		}
		east := w.At(East)
		if _, err := east.Kubectl(ctx, "patch", "validatingadmissionpolicy", certificatesPolicy, "--type=merge", "-p", `{"spec":{"failurePolicy":"Ignore"}}`); err != nil {
			return err
		}
		started := time.Now()
		c, err := w.WaitMember(ctx, East, v1alpha1.ConditionInSync, metav1.ConditionFalse, v1alpha1.ReasonDrifted)
		if err != nil {
			return err
		}
		t.Say("told after %.1f s: %s", time.Since(started).Seconds(), c.Message)
		member, err := w.Member(ctx, East)
		if err != nil {
			return err
		}
		if err := driftNames(member.Status.Drift, certificatesPolicy, ".spec.failurePolicy", "kubectl-patch"); err != nil {
			return err
		}
		mark, err := east.MarkAudit()
		if err != nil {
			return err
		}
		// A change of the spec is delivered all the same.
		if err := w.Change(ctx, func(s *v1alpha1.TLSPlatformSpec) { s.Issuers = append(s.Issuers, issuerNamed("delivered")) }); err != nil {
			return err
		}
		if err := east.Wait(ctx, ClusterIssuers, "", "delivered", harness.ConditionIs("Ready", "True")); err != nil {
			return err
		}
		events, err := east.AuditSince(mark)
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.Write() && e.ObjectRef.Name == certificatesPolicy {
				return fmt.Errorf("drift was corrected although it should only be reported: %s", e)
			}
		}
		out, err := w.kubectlTLS(ctx, "drift")
		if err != nil {
			return err
		}
		t.Show("kubectl tls drift", out)
		return contains(out, East, certificatesPolicy, "failurePolicy", "kubectl-patch")
	})
}

// driftNames checks that a list of drift has one of the object with that name,
// field and manager, and a time.
func driftNames(list []v1alpha1.DriftItem, name, field, by string) error {
	for _, d := range list {
		if d.Name != name {
			continue
		}
		if !slices.Contains(d.Fields, field) || !slices.Contains(d.By, by) || d.Since == nil {
			return fmt.Errorf("drift of %s has fields %v by %v since %v, want %s by %s and a time", name, d.Fields, d.By, d.Since, field, by)
		}
		return nil
	}
	return fmt.Errorf("no drift of %s is listed, but %+v", name, list)
}

// issuerNamed is an issuer with a CA of its own.
func issuerNamed(name string) v1alpha1.Issuer {
	return v1alpha1.Issuer{Name: name, Backends: []v1alpha1.IssuerBackend{{
		Name: "ca", CA: &v1alpha1.CABackend{Generate: &v1alpha1.GeneratedCA{CommonName: "CA " + name}},
	}}}
}

// westFirst has changes go to west first, and then to one cluster at a time.
func westFirst(s *v1alpha1.TLSPlatformSpec) {
	s.Delivery.Rollout = &v1alpha1.Rollout{
		Canary:           &metav1.LabelSelector{MatchLabels: regionOf(West)},
		ProgressDeadline: &metav1.Duration{Duration: 2 * time.Minute},
	}
}

// rolloutIs is a wait's condition about the rollout of the platform.
func rolloutIs(is func(*v1alpha1.RolloutStatus) bool) harness.Condition {
	return platformStatus(func(s *v1alpha1.TLSPlatformStatus) bool { return s.Rollout != nil && is(s.Rollout) })
}

func canaryFails(ctx context.Context, w *World, t Teller) error {
	return w.During(ctx, westFirst, func() error {
		if _, err := w.WaitPlatform(ctx, v1alpha1.ConditionRolloutComplete, metav1.ConditionTrue, ""); err != nil {
			return err
		}
		before, err := w.Member(ctx, East)
		if err != nil {
			return err
		}
		err = w.Change(ctx, func(s *v1alpha1.TLSPlatformSpec) {
			s.Components.CertManager.HealthTimeout = &metav1.Duration{Duration: 20 * time.Second}
			s.Components.CertManager.Values = &apiextensionsv1.JSON{Raw: []byte(`{"webhook": {"extraArgs": ["--no-such-flag"]}}`)}
		})
		if err != nil {
			return err
		}
		c, err := w.WaitPlatform(ctx, v1alpha1.ConditionRolloutComplete, metav1.ConditionFalse, v1alpha1.ReasonRolloutStopped)
		if err != nil {
			return err
		}
		t.Show("condition RolloutComplete", c.Reason+": "+c.Message)
		if err := w.stoppedAtWest(ctx, c.Message, before); err != nil {
			return err
		}
		for _, name := range []string{East, West} { // west was rolled back
			if err := w.At(name).webhookArgsLack(ctx, "--no-such-flag"); err != nil {
				return err
			}
		}
		return nil
	})
}

// stoppedAtWest checks that the rollout was stopped in its first wave, which names
// west, and that east has what it had before.
func (w *World) stoppedAtWest(ctx context.Context, message string, before *v1alpha1.MemberCluster) error {
	platform, err := w.Platform(ctx)
	if err != nil {
		return err
	}
	r := platform.Status.Rollout
	if r == nil || r.Phase != v1alpha1.RolloutStopped || r.Wave != 1 || r.Updated != 0 {
		return fmt.Errorf("the rollout is %+v, want one that is stopped in its first wave", r)
	}
	if err := contains(message, West); err != nil {
		return err
	}
	after, err := w.Member(ctx, East)
	if err != nil {
		return err
	}
	if before.Status.Revision == nil || after.Status.Revision == nil || before.Status.Revision.Name != after.Status.Revision.Name {
		return fmt.Errorf("east had revision %+v and has %+v, although the canary failed", before.Status.Revision, after.Status.Revision)
	}
	return nil
}

func (w *World) webhookArgsLack(ctx context.Context, flag string) error {
	args, err := w.Kubectl(ctx, "-n", "cert-manager", "get", "deployment", "cert-manager-webhook", "-o", "jsonpath={.spec.template.spec.containers[0].args}")
	if err != nil {
		return err
	}
	if strings.Contains(args, flag) {
		return fmt.Errorf("the webhook of %s has the argument %s: %s", w.Cluster.Name, flag, args)
	}
	return w.WaitAvailable(ctx, "cert-manager", "cert-manager-webhook")
}

func hubKilledInWave(ctx context.Context, w *World, t Teller) error {
	return w.During(ctx, westFirst, func() error {
		if _, err := w.WaitPlatform(ctx, v1alpha1.ConditionRolloutComplete, metav1.ConditionTrue, ""); err != nil {
			return err
		}
		if err := w.Change(ctx, func(s *v1alpha1.TLSPlatformSpec) { s.Issuers = append(s.Issuers, issuerNamed("wave")) }); err != nil {
			return err
		}
		err := w.At(West).Wait(ctx, ClusterIssuers, "", "wave", harness.Exists)
		if err != nil {
			return err
		}
		if err := w.At(East).Wait(ctx, ClusterIssuers, "", "wave", func(o *unstructured.Unstructured) (bool, error) {
			if o != nil {
				return false, errors.New("east got the change in the canary's wave")
			}
			return true, nil
		}); err != nil {
			return err
		}
		if err := w.killOperator(ctx); err != nil {
			return err
		}
		t.Say("the hub is killed while the canary is at work")
		for _, name := range []string{West, East} {
			if err := w.At(name).Wait(ctx, ClusterIssuers, "", "wave", harness.ConditionIs("Ready", "True")); err != nil {
				return err
			}
		}
		return w.Wait(ctx, Platforms, "", PlatformName, rolloutIs(func(r *v1alpha1.RolloutStatus) bool {
			return r.Phase == v1alpha1.RolloutComplete && r.Updated == r.Total && r.Total == 3
		}))
	})
}
