package scenarios

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
)

var delivery = []Scenario{
	{"Monitoring objects are skipped until the cluster serves their kinds", false, monitoringArrives},
	{"An exception lifts a rule and stops by itself", false, exceptionEnds},
	{"Warn lets a request pass and tells the caller", false, warnings},
	{"A suspended platform changes nothing", false, suspended},
	{"A restart of the hub writes nothing", false, restartWritesNothing},
	{"Nothing is written while nothing changes", false, steadyWritesNothing},
}

func monitoringArrives(ctx context.Context, w *World, t Teller) error {
	c, err := w.WaitPlatform(ctx, v1alpha1.ConditionObservabilityReady, metav1.ConditionTrue, "")
	if err != nil {
		return err
	}
	t.Show("condition ObservabilityReady", c.Message)
	if err := contains(c.Message, "ServiceMonitor", "PrometheusRule"); err != nil {
		return err
	}
	if _, err := w.Kubectl(ctx, "apply", "--server-side", "-f", filepath.Join(w.Root, "test", "scenarios", "testdata", "monitoring-crds")); err != nil {
		return err
	}
	group := schema.GroupVersion{Group: "monitoring.coreos.com", Version: "v1"}
	for resource, name := range map[string]string{"servicemonitors": "tls-platform-cert-manager", "prometheusrules": "tls-platform-cert-manager"} {
		if err := w.Wait(ctx, group.WithResource(resource), "cert-manager", name, harness.Exists); err != nil {
			return err
		}
	}
	err = w.Wait(ctx, Platforms, "", PlatformName, harness.ConditionIs(v1alpha1.ConditionObservabilityReady, "True"))
	if err != nil {
		return err
	}
	out, err := w.Kubectl(ctx, "-n", "cert-manager", "get", "configmaps", "-l", "grafana_dashboard=1", "-o", "name")
	if err != nil {
		return err
	}
	return contains(out, "configmap/")
}

// certificateFor is the good Certificate with another name and key.
func certificateFor(name, key string) string {
	r := strings.NewReplacer("name: web", "name: "+name, "web-tls", name+"-tls", "{algorithm: ECDSA, size: 256}", key)
	return r.Replace(GoodCertificate)
}

// dryApply asks the API server for its verdict, and warnings, without storing
// anything.
func (w *World) dryApply(ctx context.Context, manifest string) (string, error) {
	return w.Cluster.Kubectl(ctx, manifest, "apply", "--dry-run=server", "-f", "-")
}

func exceptionEnds(ctx context.Context, w *World, t Teller) error {
	weak := certificateFor("weak", "{algorithm: RSA, size: 2048}")
	if _, err := w.dryApply(ctx, weak); err == nil || contains(err.Error(), "PrivateKey") != nil {
		return fmt.Errorf("a weak key was not refused by the rule PrivateKey: %w", err)
	}
	// Long enough for the policy to reach the API server on a busy machine.
	until := time.Now().Add(20 * time.Second).Truncate(time.Second)
	return w.During(ctx, func(s *v1alpha1.TLSPlatformSpec) {
		s.Policy.Exceptions = append(s.Policy.Exceptions, v1alpha1.PolicyException{
			Name: "soon-over", Namespaces: []string{TeamNamespace}, Names: []string{"weak"},
			Rules: []v1alpha1.PolicyRuleName{v1alpha1.RulePrivateKey}, Reason: "To be seen to end by itself.",
			Until: metav1.NewTime(until),
		})
	}, func() error {
		if err := w.eventually(ctx, func() error { _, err := w.dryApply(ctx, weak); return err }); err != nil {
			return fmt.Errorf("the exception does not lift the rule: %w", err)
		}
		if other := certificateFor("other", "{algorithm: RSA, size: 2048}"); true {
			if _, err := w.dryApply(ctx, other); err == nil {
				return errors.New("the exception lifts the rule for another name too")
			}
		}
		err := w.eventually(ctx, func() error {
			if _, err := w.dryApply(ctx, weak); err == nil {
				return errors.New("the exception still lifts the rule")
			}
			return nil
		})
		if err != nil {
			return err
		}
		if early := time.Until(until); early > time.Second {
			return fmt.Errorf("the exception ended %s before its time", early)
		}
		t.Say("the exception ended %.1f s after its time", time.Since(until).Seconds())
		return nil
	})
}

func warnings(ctx context.Context, w *World, t Teller) error {
	return w.During(ctx, func(s *v1alpha1.TLSPlatformSpec) { s.Policy.Action = v1alpha1.PolicyWarn }, func() error {
		var out string
		err := w.eventually(ctx, func() error {
			var err error
			out, err = w.dryApply(ctx, BadCertificate)
			return err
		})
		if err != nil {
			return err
		}
		t.Show("kubectl apply -f rogue.yaml", out)
		return nil
	})
}

func suspended(ctx context.Context, w *World, _ Teller) error {
	return w.During(ctx, func(s *v1alpha1.TLSPlatformSpec) { s.Suspend = true }, func() error {
		if _, err := w.WaitPlatform(ctx, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended); err != nil {
			return err
		}
		mark, err := w.MarkAudit()
		if err != nil {
			return err
		}
		if _, err := w.Kubectl(ctx, "-n", "cert-manager", "label", "service", "cert-manager", "app.kubernetes.io/component-", "--overwrite"); err != nil {
			return err
		}
		// What is seen is reported all the same.
		if err := w.Wait(ctx, Members, "", v1alpha1.LocalClusterName, drifted); err != nil {
			return fmt.Errorf("waiting for the report of what was changed: %w", err)
		}
		return w.quiet(ctx, mark, 5*time.Second)
	})
}

// drifted is a wait's condition that a MemberCluster reports drift.
func drifted(o *unstructured.Unstructured) (bool, error) {
	if o == nil {
		return false, nil
	}
	n, _, err := unstructured.NestedInt64(o.Object, "status", "drifted")
	return n > 0, err
}

// reports are writes of status that say what was seen.
func reports(e AuditEvent) bool {
	return e.ObjectRef.Subresource == "status" && (e.ObjectRef.Resource == "tlsagents" || e.ObjectRef.Resource == "memberclusters")
}

// quiet waits and checks that the operator wrote nothing but reports meanwhile. There is no
// event for nothing, so this is the one wait by the clock.
func (w *World) quiet(ctx context.Context, mark AuditMark, span time.Duration) error {
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("waiting: %w", context.Cause(ctx))
	case <-timer.C:
	}
	events, err := w.AuditSince(mark)
	if err != nil {
		return err
	}
	var writes []string
	for _, e := range events {
		if e.Write() && !reports(e) {
			writes = append(writes, e.String())
		}
	}
	if len(writes) > 0 {
		return fmt.Errorf("the operator made %d writes where none was due:\n%s", len(writes), strings.Join(writes, "\n"))
	}
	return nil
}

func restartWritesNothing(ctx context.Context, w *World, t Teller) error {
	mark, err := w.MarkAudit()
	if err != nil {
		return err
	}
	if err := w.killOperator(ctx); err != nil {
		return err
	}
	if err := w.WaitAvailable(ctx, SystemNamespace, "tls-platform"); err != nil {
		return err
	}
	// It has come back to work when drift is repaired again.
	const repaired = "cert-manager-webhook"
	if _, err := w.Kubectl(ctx, "-n", "cert-manager", "delete", "service", repaired, "--wait=false"); err != nil {
		return err
	}
	services := schema.GroupVersionResource{Version: "v1", Resource: "services"}
	if err := w.Wait(ctx, services, "cert-manager", repaired, harness.Exists); err != nil {
		return err
	}
	events, err := w.AuditSince(mark)
	if err != nil {
		return err
	}
	var writes []string
	for _, e := range events {
		if e.Write() && e.ObjectRef.Name != repaired && !bookkeeping(e) {
			writes = append(writes, e.String())
		}
	}
	if len(writes) > 0 {
		return fmt.Errorf("the restarted hub wrote what had not changed:\n%s", strings.Join(writes, "\n"))
	}
	t.Say("%d requests after the restart, and one write: the repair", len(events))
	_, err = w.WaitPlatform(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	return err
}

// bookkeeping are the writes that go with a repair: ledger, status, event and
// the installer's token.
func bookkeeping(e AuditEvent) bool {
	return e.ObjectRef.Resource == "events" || e.ObjectRef.Name == "tls-platform-ledger" ||
		e.ObjectRef.Subresource == "token" || e.ObjectRef.Subresource == "status"
}

// killOperator kills the operator's process and waits until it is gone.
func (w *World) killOperator(ctx context.Context) error {
	p, ok := w.Cluster.Node().Process(SystemNamespace, "tls-platform-", "hub")
	if !ok {
		return errors.New("the operator has no process")
	}
	if err := p.Kill(); err != nil {
		return fmt.Errorf("killing the operator: %w", err)
	}
	select {
	case <-p.Done():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for the operator to end: %w", context.Cause(ctx))
	}
}

func steadyWritesNothing(ctx context.Context, w *World, t Teller) error {
	events, err := w.silence(ctx, 15*time.Second)
	if err != nil {
		return err
	}
	t.Say("no write and %d other requests in 15 s", len(events))
	return nil
}
