package scenarios

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
)

func credentialWithdrawn(ctx context.Context, w *World, t Teller) error {
	beta := w.Members[Beta]
	const account = "first-contact"
	kubeconfig, err := beta.Access.Token(ctx, account)
	if err != nil {
		return err
	}
	if err := w.AddMember(ctx, Beta, regionOf(Beta), kubeconfig); err != nil {
		return err
	}
	if _, err := w.WaitMember(ctx, Beta, v1alpha1.ConditionConnected, metav1.ConditionTrue, ""); err != nil {
		return err
	}
	if err := errors.Join(w.WithdrawCredential(ctx, Beta), beta.Access.Withdraw(ctx, account)); err != nil {
		return err
	}
	t.Say("the Secret with the kubeconfig and the account that it was of are deleted; the hub is killed")
	if err := w.hubAgain(ctx); err != nil {
		return err
	}
	// A cut that heals shows that the hub really connects anew.
	if err := beta.Link.Cut(); err != nil {
		return fmt.Errorf("cutting the link to beta: %w", err)
	}
	if _, err := w.WaitMember(ctx, Beta, v1alpha1.ConditionConnected, metav1.ConditionFalse, v1alpha1.ReasonUnreachable); err != nil {
		return errors.Join(err, beta.Link.Pass())
	}
	if err := beta.Link.Pass(); err != nil {
		return fmt.Errorf("healing the link to beta: %w", err)
	}
	if _, err := w.WaitMember(ctx, Beta, v1alpha1.ConditionConnected, metav1.ConditionTrue, ""); err != nil {
		return err
	}
	return w.DropMember(ctx, Beta)
}

func credentialRotated(ctx context.Context, w *World, t Teller) error {
	beta := w.Members[Beta]
	expired, err := beta.Access.Expired("first-contact")
	if err != nil {
		return err
	}
	good, err := beta.Access.Token(ctx, "rotated")
	if err != nil {
		return err
	}
	if err := w.AddMember(ctx, Beta, regionOf(Beta), expired); err != nil {
		return err
	}
	if _, err := w.WaitMember(ctx, Beta, v1alpha1.ConditionConnected, metav1.ConditionFalse, v1alpha1.ReasonUnauthorized); err != nil {
		return err
	}
	hub, ok := w.Cluster.Node().Process(SystemNamespace, "tls-platform-", "hub")
	if !ok {
		return errors.New("the operator has no process")
	}
	started := time.Now()
	if err := w.PutCredential(ctx, Beta, good); err != nil {
		return err
	}
	if _, err := w.WaitMember(ctx, Beta, v1alpha1.ConditionConnected, metav1.ConditionTrue, ""); err != nil {
		return err
	}
	t.Say("the new credential is in use after %.1f s", time.Since(started).Seconds())
	select {
	case <-hub.Done():
		return errors.New("the hub was restarted meanwhile")
	default:
	}
	return w.DropMember(ctx, Beta)
}

// schemaRevision is the annotation of our definitions that counts up with them.
const schemaRevision = "tlsplatform.io/schema-revision"

func newerSchema(ctx context.Context, w *World, t Teller) error {
	there := w.At(Beta)
	if err := there.applyDefinitions(ctx); err != nil {
		return err
	}
	const definition = "tlsagents.tlsplatform.io"
	ours, err := there.Kubectl(ctx, "get", "crd", definition, "-o", `jsonpath={.metadata.annotations.tlsplatform\.io/schema-revision}`)
	if err != nil {
		return err
	}
	if _, err := there.Kubectl(ctx, "annotate", "--overwrite", "crd", definition, schemaRevision+"=99"); err != nil {
		return err
	}
	version, err := there.Kubectl(ctx, "get", "crd", definition, "-o", "jsonpath={.metadata.resourceVersion}")
	if err != nil {
		return err
	}
	err = w.withLean(ctx, func() error {
		c, err := w.WaitMember(ctx, Beta, v1alpha1.ConditionInSync, metav1.ConditionFalse, v1alpha1.ReasonNewerSchema)
		if err != nil {
			return err
		}
		t.Show("condition InSync of MemberCluster beta", c.Reason+": "+c.Message)
		return contains(c.Message, "99", "newer")
	})
	after, kerr := there.Kubectl(ctx, "get", "crd", definition, "-o", "jsonpath={.metadata.resourceVersion}")
	if kerr == nil && after != version {
		kerr = errors.New("the newer definition was written")
	}
	undo := schemaRevision + "-"
	if ours != "" {
		undo = schemaRevision + "=" + ours
	}
	_, uerr := there.Kubectl(ctx, "annotate", "--overwrite", "crd", definition, undo)
	return errors.Join(err, kerr, uerr)
}

// applyDefinitions makes our custom resource definitions, as another hub would
// have.
func (w *World) applyDefinitions(ctx context.Context) error {
	if _, err := w.Kubectl(ctx, "apply", "--server-side", "-f", filepath.Join(w.Root, "config", "crd", "bases")); err != nil {
		return err
	}
	return w.Wait(ctx, CRDs, "", "tlsagents.tlsplatform.io", harness.ConditionIs("Established", "True"))
}

// withLean adds beta as a member and a platform that selects it, runs body, and
// takes both away, whatever happened.
func (w *World) withLean(ctx context.Context, body func() error) error {
	kubeconfig, err := w.Members[Beta].Access.Certificate("first-contact")
	if err != nil {
		return err
	}
	if err := w.Client.Create(ctx, leanPlatform(regionOf(Beta))); err != nil {
		return fmt.Errorf("creating the platform: %w", err)
	}
	err = w.AddMember(ctx, Beta, regionOf(Beta), kubeconfig)
	if err == nil {
		err = body()
	}
	return errors.Join(err, w.Members[Beta].Link.Pass(), w.deletePlatform(ctx), w.DropMember(ctx, Beta))
}

// agentOf is a TLSAgent as a hub with that UID leaves it.
const agentOf = `apiVersion: tlsplatform.io/v1alpha1
kind: TLSAgent
metadata: {name: default, labels: {tlsplatform.io/platform: platform}}
spec:
  hub: {uid: %s}
  cluster: beta
`

func claimedMember(ctx context.Context, w *World, t Teller) error {
	const other = "11111111-2222-4333-8444-555555555555"
	there := w.At(Beta)
	if err := there.applyDefinitions(ctx); err != nil {
		return err
	}
	if _, err := there.Kubectl(ctx, "delete", "tlsagent", "default", "--ignore-not-found"); err != nil {
		return err
	}
	// As another hub's own engine writes it.
	if _, err := there.Cluster.Kubectl(ctx, fmt.Sprintf(agentOf, other), "apply", "--server-side", "--field-manager=tls-platform/inventory", "-f", "-"); err != nil {
		return err
	}
	return w.withLean(ctx, func() error {
		c, err := w.WaitMember(ctx, Beta, v1alpha1.ConditionInSync, metav1.ConditionFalse, v1alpha1.ReasonClaimedByOtherHub)
		if err != nil {
			return err
		}
		t.Show("condition InSync of MemberCluster beta", c.Reason+": "+c.Message)
		if err := contains(c.Message, other, "takeOverFrom"); err != nil {
			return err
		}
		out, err := there.Kubectl(ctx, "get", "tlsagent", "default", "-o", "jsonpath={.spec.hub.uid}")
		if err != nil {
			return err
		}
		if out != other {
			return fmt.Errorf("the TLSAgent of another hub was written: its hub is %s", out)
		}
		if err := w.changeMember(ctx, Beta, func(s *v1alpha1.MemberClusterSpec) { s.TakeOverFrom = other }); err != nil {
			return err
		}
		hub, err := w.Kubectl(ctx, "get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")
		if err != nil {
			return err
		}
		if err := there.Wait(ctx, Agents, "", v1alpha1.AgentName, hubIs(hub, other)); err != nil {
			return err
		}
		t.Say("with takeOverFrom the TLSAgent names this hub, and whom it was taken from")
		return nil
	})
}

// hubIs is a wait's condition about who manages a cluster.
func hubIs(uid, takenFrom string) harness.Condition {
	return func(o *unstructured.Unstructured) (bool, error) {
		if o == nil {
			return false, nil
		}
		now, _, err := unstructured.NestedString(o.Object, "spec", "hub", "uid")
		if err != nil {
			return false, fmt.Errorf("reading the hub of a TLSAgent: %w", err)
		}
		before, _, err := unstructured.NestedString(o.Object, "spec", "hub", "takenFrom")
		return now == uid && before == takenFrom, err
	}
}

func deletedInDelivery(ctx context.Context, w *World, t Teller) error {
	beta := w.Members[Beta]
	// A slow link makes a delivery last.
	if err := beta.Link.Slow(150 * time.Millisecond); err != nil {
		return fmt.Errorf("slowing the link to beta: %w", err)
	}
	there := w.At(Beta)
	// What an earlier delivery left is as it should be, and would not be written.
	if _, err := there.Kubectl(ctx, "delete", "clusterrole", "tls-platform-agent", "--ignore-not-found"); err != nil {
		return err
	}
	return w.withLean(ctx, func() error {
		mark, err := there.MarkAudit()
		if err != nil {
			return err
		}
		// The agent's objects come after those of the operator's own identities.
		if err := there.eventually(ctx, func() error { return there.wroteSince(mark, "clusterroles", "tls-platform-agent") }); err != nil {
			return err
		}
		if err := w.DropMember(ctx, Beta); err != nil {
			return err
		}
		if err := beta.Link.Pass(); err != nil {
			return fmt.Errorf("healing the link to beta: %w", err)
		}
		if mark, err = there.MarkAudit(); err != nil {
			return err
		}
		if err := there.quiet(ctx, mark, 5*time.Second); err != nil {
			return fmt.Errorf("after the MemberCluster was deleted: %w", err)
		}
		t.Say("the MemberCluster is gone, and nothing more is written to the cluster")
		return w.stillConnected(ctx)
	})
}

// wroteSince says whether the operator wrote an object since the mark.
func (w *World) wroteSince(mark AuditMark, resource, name string) error {
	events, err := w.AuditSince(mark)
	if err != nil {
		return err
	}
	for _, e := range events {
		if e.Write() && e.ObjectRef.Resource == resource && e.ObjectRef.Name == name {
			return nil
		}
	}
	return fmt.Errorf("%s %s was not written", resource, name)
}
