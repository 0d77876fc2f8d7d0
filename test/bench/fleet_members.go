package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/scenarios"
)

// Labels of the members, which the platform selects and rolls out by.
const (
	labelBench  = "bench"
	valueMember = "member"
	labelTier   = "tier"
	tierCanary  = "canary"
	tierLean    = "lean"
)

// fleetPatience bounds every wait for a whole fleet. It is for machines that
// have much else to do.
const fleetPatience = 40 * time.Minute

// addMember gives the hub the first credential of a cluster.
func (h *fleetHub) addMember(ctx context.Context, name string, kubeconfig []byte, tier string) error {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: scenarios.SystemNamespace, Name: "kubeconfig-" + name},
		Data:       map[string][]byte{"kubeconfig": kubeconfig},
	}
	member := &v1alpha1.MemberCluster{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{labelBench: valueMember}},
		Spec: v1alpha1.MemberClusterSpec{Connection: v1alpha1.Connection{
			Type:       v1alpha1.ConnectionKubeconfig,
			Kubeconfig: &v1alpha1.KubeconfigConnection{SecretRef: v1alpha1.KubeconfigSecret{Name: secret.Name}},
		}},
	}
	if tier != "" {
		member.Labels[labelTier] = tier
	}
	for _, o := range []client.Object{secret, member} {
		if err := h.Client.Create(ctx, o); err != nil {
			return fmt.Errorf("creating %T %s: %w", o, o.GetName(), err)
		}
	}
	return nil
}

// benchIssuer is the issuer that is changed.
const benchIssuer = "bench"

// issuerMark is what a change writes into the issuer, and what is looked for.
func issuerMark(n int) string { return fmt.Sprintf("http://crl.example.com/%d.crl", n) }

func selfSigned(name, mark string) v1alpha1.Issuer {
	return v1alpha1.Issuer{Name: name, Backends: []v1alpha1.IssuerBackend{{
		Name: name, SelfSigned: &v1alpha1.SelfSignedBackend{CRLDistributionPoints: []string{mark}},
	}}}
}

// createPlatform creates the sample with the issuer that is changed, for the
// members alone. change may alter it.
func (h *fleetHub) createPlatform(ctx context.Context, change func(*v1alpha1.TLSPlatformSpec)) error {
	platform, err := h.SamplePlatform(func(p *v1alpha1.TLSPlatform) {
		p.Spec.Clusters.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{labelBench: valueMember}}
		p.Spec.Issuers = append(p.Spec.Issuers, selfSigned(benchIssuer, issuerMark(0)))
		if change != nil {
			change(&p.Spec)
		}
	})
	if err != nil {
		return err
	}
	if err := h.Client.Create(ctx, platform); err != nil {
		return fmt.Errorf("creating the TLSPlatform: %w", err)
	}
	return nil
}

// changeIssuer writes a mark into the issuer.
func (h *fleetHub) changeIssuer(ctx context.Context, n int) error {
	return h.Change(ctx, func(s *v1alpha1.TLSPlatformSpec) {
		for i := range s.Issuers {
			if s.Issuers[i].Name == benchIssuer {
				s.Issuers[i] = selfSigned(benchIssuer, issuerMark(n))
			}
		}
	})
}

func inSync(m *v1alpha1.MemberCluster) bool {
	return meta.IsStatusConditionTrue(m.Status.Conditions, v1alpha1.ConditionInSync)
}

// waitMembers waits until cond holds for want members of the bench. It reports
// now and then how far it is.
func (h *fleetHub) waitMembers(ctx context.Context, want int, cond func(*v1alpha1.MemberCluster) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, fleetPatience, fmt.Errorf("not within %s", fleetPatience))
	defer cancel()
	started, told := time.Now(), time.Now()
	for {
		var list v1alpha1.MemberClusterList
		if err := h.Client.List(ctx, &list, client.MatchingLabels{labelBench: valueMember}); err != nil {
			return fmt.Errorf("listing members: %w", err)
		}
		state := map[string]bool{}
		var last *v1alpha1.MemberCluster
		for i := range list.Items {
			state[list.Items[i].Name] = cond(&list.Items[i])
			if !state[list.Items[i].Name] {
				last = &list.Items[i]
			}
		}
		done, err := h.followMembers(ctx, list.ResourceVersion, state, want, cond, func(count int) {
			if time.Since(told) > tellEvery {
				told = time.Now()
				h.say(fmt.Sprintf("%d of %d members after %.0f s", count, want, time.Since(started).Seconds()))
			}
		})
		if done || err != nil {
			return h.explain(err, last)
		}
	}
}

// tellEvery is how often a long wait says how far it is.
const tellEvery = 30 * time.Second

// explain adds the last member that was missing.
func (h *fleetHub) explain(err error, last *v1alpha1.MemberCluster) error {
	if err == nil || last == nil {
		return err
	}
	for _, c := range last.Status.Conditions {
		err = errors.Join(err, fmt.Errorf("%s: %s=%s %s: %s", last.Name, c.Type, c.Status, c.Reason, c.Message))
	}
	return err
}

// followMembers watches until want are done. It returns false when the watch
// ended before.
func (h *fleetHub) followMembers(ctx context.Context, version string, state map[string]bool, want int, cond func(*v1alpha1.MemberCluster) bool, tell func(int)) (bool, error) {
	watching, err := h.watcher.Watch(ctx, &v1alpha1.MemberClusterList{}, client.MatchingLabels{labelBench: valueMember},
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: version}})
	if err != nil {
		return false, fmt.Errorf("watching members: %w", err)
	}
	defer watching.Stop()
	pulse := time.NewTicker(time.Second)
	defer pulse.Stop()
	for {
		count := 0
		for _, ok := range state {
			if ok {
				count++
			}
		}
		if count >= want {
			return true, nil
		}
		tell(count)
		select {
		case e, ok := <-watching.ResultChan():
			member, isMember := e.Object.(*v1alpha1.MemberCluster)
			if !ok || !isMember {
				return false, nil
			}
			state[member.Name] = e.Type != watch.Deleted && cond(member)
		case <-pulse.C:
			if err := h.alive(); err != nil {
				return false, err
			}
		case <-ctx.Done():
			return false, fmt.Errorf("waiting for %d members, %d so far: %w", want, count, context.Cause(ctx))
		}
	}
}
