package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
)

// payments is an issuer that is declared later.
var payments = v1alpha1.Issuer{Name: "payments", Backends: []v1alpha1.IssuerBackend{{
	Name: "ca", CA: &v1alpha1.CABackend{Generate: &v1alpha1.GeneratedCA{CommonName: "Example Corp Payments CA"}},
}}}

// hasPayments says whether a member has that issuer, and everything else.
func hasPayments(s *v1alpha1.MemberClusterStatus) bool {
	return isTrue(s.Conditions, v1alpha1.ConditionInSync) && slices.ContainsFunc(s.Issuers, func(i v1alpha1.IssuerStatus) bool {
		return i.Name == payments.Name && i.Ready
	})
}

func eastIsCutOff(ctx context.Context, w *World, t Teller) error {
	if err := w.Members[East].Link.Cut(); err != nil {
		return fmt.Errorf("cutting the link to east: %w", err)
	}
	started := time.Now()
	c, err := w.WaitMember(ctx, East, v1alpha1.ConditionConnected, metav1.ConditionFalse, v1alpha1.ReasonUnreachable)
	if err != nil {
		return err
	}
	t.Say("told after %.1f s: %s since %s", time.Since(started).Seconds(), c.Reason, c.LastTransitionTime.Format(time.TimeOnly))
	t.Say("%s", c.Message)
	t.Say("meanwhile an issuer is declared in the hub, and somebody edits another one in east by hand")
	started = time.Now()
	if err := w.Change(ctx, func(s *v1alpha1.TLSPlatformSpec) { s.Issuers = append(s.Issuers, payments) }); err != nil {
		return err
	}
	const patch = `{"spec":{"ca":{"secretName":"my-own-ca"}}}`
	out, err := w.At(East).Kubectl(ctx, "patch", "clusterissuer", "internal", "--type=merge", "-p", patch)
	if err != nil {
		return err
	}
	t.Show("kubectl --context east patch clusterissuer internal --type=merge -p '"+patch+"'", out)
	for _, name := range []string{v1alpha1.LocalClusterName, West} {
		if err := w.Wait(ctx, Members, "", name, memberStatus(hasPayments)); err != nil {
			return err
		}
	}
	t.Say("the issuer %s is ready in the hub and in west after %.1f s", payments.Name, time.Since(started).Seconds())
	err = w.Wait(ctx, Platforms, "", PlatformName, platformStatus(func(s *v1alpha1.TLSPlatformStatus) bool {
		return s.Clusters.Unreachable == 1 && len(s.Problems) > 0 && s.Problems[0].Name == East
	}))
	if err != nil {
		return err
	}
	platform, err := w.Platform(ctx)
	if err != nil {
		return err
	}
	p := platform.Status.Problems[0]
	if p.Since == nil {
		return errors.New("the TLSPlatform does not say since when east can't be reached")
	}
	t.Show("status.problems of the TLSPlatform", fmt.Sprintf("%s %s since %s: %s", p.Name, p.Reason, p.Since.Format(time.TimeOnly), p.Message))
	if err := w.showMembers(ctx, t, "local: True True", "west: True True", "east: False Unknown"); err != nil {
		return err
	}
	out, err = w.Kubectl(ctx, "get", "tlsplatform")
	if err != nil {
		return err
	}
	t.Show("kubectl get tlsplatform", out)
	return nil
}

func eastHeals(ctx context.Context, w *World, t Teller) error {
	if err := w.Members[East].Link.Pass(); err != nil {
		return fmt.Errorf("healing the link to east: %w", err)
	}
	started := time.Now()
	east := w.At(East)
	if err := east.Wait(ctx, ClusterIssuers, "", payments.Name, harness.ConditionIs("Ready", "True")); err != nil {
		return err
	}
	if err := east.Wait(ctx, ClusterIssuers, "", "internal", secretNameIs("internal-ca")); err != nil {
		return err
	}
	t.Say("east has the issuer %s, and its issuer internal is put back, %.1f s after the link", payments.Name, time.Since(started).Seconds())
	event, err := w.event(ctx, "DriftRepaired", "ClusterIssuer internal")
	if err != nil {
		return err
	}
	t.Show("kubectl get events (reason DriftRepaired)", event)
	if err := contains(event, East, ".spec.ca.secretName", "kubectl"); err != nil {
		return err
	}
	if _, err := w.WaitMember(ctx, East, v1alpha1.ConditionInSync, metav1.ConditionTrue, ""); err != nil {
		return err
	}
	if _, err := w.WaitPlatform(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, ""); err != nil {
		return err
	}
	if err := w.showMembers(ctx, t, "local: True True", "west: True True", "east: True True"); err != nil {
		return err
	}
	out, err := w.Kubectl(ctx, "get", "tlsplatform")
	if err != nil {
		return err
	}
	t.Show("kubectl get tlsplatform", out)
	if lineHas(out, PlatformName, "True", "3/3") != nil {
		return errors.New("kubectl get tlsplatform does not say that 3 of 3 clusters are in sync")
	}
	return nil
}

// secretNameIs is a wait's condition about the Secret of a CA issuer.
func secretNameIs(want string) harness.Condition {
	return func(o *unstructured.Unstructured) (bool, error) {
		if o == nil {
			return false, nil
		}
		name, _, err := unstructured.NestedString(o.Object, "spec", "ca", "secretName")
		return name == want, err
	}
}
