package scenarios

import (
	"context"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
)

// hubRestored comes last: the hub's cluster is gone for good afterwards, and the
// world is that of the new one.
func hubRestored(ctx context.Context, w *World, t Teller) error {
	old, err := w.Kubectl(ctx, "get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")
	if err != nil {
		return err
	}
	manifests, err := w.declared(ctx, old)
	if err != nil {
		return err
	}
	marks := map[string]AuditMark{}
	if err := w.Cluster.Stop(); err != nil {
		return fmt.Errorf("stopping the hub's cluster: %w", err)
	}
	t.Say("the cluster of the hub is gone; the members work on, and their agents report")
	for _, name := range []string{West, East} {
		if err := w.At(name).stillIssues(ctx); err != nil {
			return err
		}
		if marks[name], err = w.At(name).MarkAudit(); err != nil {
			return err
		}
	}
	if w.Cluster, w.Client, err = w.startCluster(ctx, harness.ClusterOptions{Name: "hub-2", Images: w.images()}); err != nil {
		return err
	}
	if err := w.secondContact(ctx); err != nil {
		return err
	}
	t.Say("a new hub is given the same YAML, with takeOverFrom: %s", old)
	started := time.Now()
	if err := w.Apply(ctx, manifests); err != nil {
		return err
	}
	for _, name := range []string{West, East} {
		if _, err := w.WaitMember(ctx, name, v1alpha1.ConditionInSync, metav1.ConditionTrue, ""); err != nil {
			return err
		}
	}
	if _, err := w.WaitPlatform(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, ""); err != nil {
		return err
	}
	t.Say("in sync after %.1f s", time.Since(started).Seconds())
	for _, name := range []string{West, East} {
		if err := w.At(name).nothingTwice(marks[name]); err != nil {
			return err
		}
	}
	return w.showMembers(ctx, t, "west: True True", "east: True True")
}

// secondContact installs the operator in the new hub, and gives it credentials.
func (w *World) secondContact(ctx context.Context) error {
	if err := w.InstallOperator(ctx); err != nil {
		return err
	}
	for _, name := range []string{West, East} {
		kubeconfig, err := w.Members[name].Access.Token(ctx, "second-contact")
		if err != nil {
			return err
		}
		if err := w.PutCredential(ctx, name, kubeconfig); err != nil {
			return err
		}
	}
	return nil
}

// declared is what people wrote of a fleet: the platform and the members, without
// what the hub made of it.
func (w *World) declared(ctx context.Context, hub string) (string, error) {
	platform, err := w.Platform(ctx)
	if err != nil {
		return "", err
	}
	objects := []any{&v1alpha1.TLSPlatform{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "TLSPlatform"},
		ObjectMeta: metav1.ObjectMeta{Name: platform.Name}, Spec: platform.Spec,
	}}
	for _, name := range []string{West, East} {
		member := memberCluster(name, regionOf(name))
		member.Spec.TakeOverFrom = hub
		objects = append(objects, member)
	}
	var all strings.Builder
	for _, o := range objects {
		text, err := yaml.Marshal(o)
		if err != nil {
			return "", fmt.Errorf("writing what is declared as YAML: %w", err)
		}
		all.WriteString("---\n" + string(text))
	}
	return all.String(), nil
}

// stillIssues checks that a cluster issues without a hub.
func (w *World) stillIssues(ctx context.Context) error {
	if err := w.Apply(ctx, certificateFor("alone", "{algorithm: ECDSA, size: 256}")); err != nil {
		return err
	}
	return w.Wait(ctx, Certificates, TeamNamespace, "alone", harness.ConditionIs("Ready", "True"))
}

// nothingTwice checks that since the mark the operator wrote nothing that was
// there already: only what says whose the cluster is, and its own identities.
func (w *World) nothingTwice(mark AuditMark) error {
	events, err := w.AuditSince(mark)
	if err != nil {
		return err
	}
	var writes []string
	for _, e := range events {
		ours := strings.HasPrefix(e.ObjectRef.Name, "tls-platform") || strings.HasSuffix(e.ObjectRef.Name, ".tlsplatform.io") ||
			e.ObjectRef.Resource == "tlsagents" || e.ObjectRef.Resource == "certificateslices"
		if e.Write() && (e.Verb == "delete" || !ours && !bookkeeping(e)) {
			writes = append(writes, e.String())
		}
	}
	if len(writes) > 0 {
		return fmt.Errorf("the restored hub wrote to %s what was there:\n%s", w.Cluster.Name, strings.Join(writes, "\n"))
	}
	return nil
}
