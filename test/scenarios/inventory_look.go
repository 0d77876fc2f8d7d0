package scenarios

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
)

// Agent is the name of the agent's Deployment and ServiceAccount.
const Agent = "tls-platform-agent"

// Agents are the TLSAgents, of which a cluster has one.
var Agents = v1alpha1.GroupVersion.WithResource("tlsagents")

// kubectlTLS runs the plugin as an administrator, and returns what it printed to
// both of its outputs. It is built by the first call.
func (w *World) kubectlTLS(ctx context.Context, args ...string) (string, error) {
	binary := filepath.Join(w.Env.Dir(), "kubectl-tls")
	if _, err := os.Stat(binary); errors.Is(err, os.ErrNotExist) {
		build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/kubectl-tls")
		build.Dir = w.Root
		if out, err := build.CombinedOutput(); err != nil {
			return "", fmt.Errorf("building kubectl tls: %w\n%s", err, out)
		}
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, append(args, "--kubeconfig", w.Cluster.Kubeconfig)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("running kubectl tls %s: %w: %s", strings.Join(args, " "), err, out.String())
	}
	return out.String(), nil
}

// moduleFolder is where the source of a module is that the checkout needs.
func (w *World) moduleFolder(ctx context.Context, module string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", module)
	cmd.Dir = w.Root
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("finding the module %s: %w", module, err)
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(out, &found); err != nil {
		return "", fmt.Errorf("finding the module %s: %w", module, err)
	}
	return found.Dir, nil
}

// records are all that the agent has published.
func (w *World) records(ctx context.Context) ([]v1alpha1.CertificateRecord, error) {
	var pages v1alpha1.CertificateSliceList
	if err := w.Client.List(ctx, &pages, client.InNamespace(SystemNamespace)); err != nil {
		return nil, fmt.Errorf("listing CertificateSlices: %w", err)
	}
	var all []v1alpha1.CertificateRecord
	for i := range pages.Items {
		all = append(all, pages.Items[i].Records...)
	}
	return all, nil
}

// wantedRecord is a record that has to be there. An empty key is any.
type wantedRecord struct {
	kind, namespace, name, key string
	is                         func(*v1alpha1.CertificateRecord) error
}

func (r *wantedRecord) among(all []v1alpha1.CertificateRecord) error {
	i := slices.IndexFunc(all, func(c v1alpha1.CertificateRecord) bool {
		return c.Kind == r.kind && c.Namespace == r.namespace && c.Name == r.name && (r.key == "" || c.Key == r.key)
	})
	what := fmt.Sprintf("%s %s/%s %s", r.kind, r.namespace, r.name, r.key)
	if i < 0 {
		return fmt.Errorf("%s is not in the list of %d", what, len(all))
	}
	if err := r.is(&all[i]); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// waitRecords waits until all of them are there. They are on any of the pages,
// so all pages are read again and again.
func (w *World) waitRecords(ctx context.Context, wanted ...wantedRecord) error {
	return w.eventually(ctx, func() error {
		all, err := w.records(ctx)
		if err != nil {
			return err
		}
		var errs []error
		for i := range wanted {
			errs = append(errs, wanted[i].among(all))
		}
		return errors.Join(errs...)
	})
}

// differs says what of a record is not as wanted.
func differs(r *v1alpha1.CertificateRecord, good bool) error {
	if good {
		return nil
	}
	raw, err := json.Marshal(r)
	return errors.Join(fmt.Errorf("not as wanted: %s", raw), err)
}

func isUsed(layer v1alpha1.Layer) func(*v1alpha1.CertificateRecord) error {
	return func(r *v1alpha1.CertificateRecord) error {
		return differs(r, r.Use == "Used" && r.Layer == layer && r.ManagedBy == "cert-manager" && len(r.Findings) == 0 && r.NotAfter != nil)
	}
}

func isManaged(by string) func(*v1alpha1.CertificateRecord) error {
	return func(r *v1alpha1.CertificateRecord) error { return differs(r, r.ManagedBy == by) }
}

func isAuthority(r *v1alpha1.CertificateRecord) error {
	return differs(r, r.Layer == v1alpha1.LayerMesh && r.Role == "Authority" && r.Use == "Exempt" && r.ManagedBy == "cert-manager")
}

// isKeystore of which the password was found.
func isKeystore(r *v1alpha1.CertificateRecord) error {
	return differs(r, r.Format == "PKCS12" && r.NotAfter != nil && r.Use == "Used" && len(r.Findings) == 0)
}

func isOrphan(r *v1alpha1.CertificateRecord) error {
	return differs(r, r.Orphan && r.UnreferencedSince != nil && r.Confidence == "High")
}

// has says that a record has these findings among its own.
func has(findings ...string) func(*v1alpha1.CertificateRecord) error {
	return func(r *v1alpha1.CertificateRecord) error {
		for _, f := range findings {
			if !slices.Contains(r.Findings, f) {
				return fmt.Errorf("its findings are %v, want %s among them", r.Findings, f)
			}
		}
		return nil
	}
}

// agentStatus is a wait's condition about the report of the agent.
func agentStatus(is func(*v1alpha1.TLSAgentStatus) bool) harness.Condition {
	return func(o *unstructured.Unstructured) (bool, error) {
		if o == nil {
			return false, nil
		}
		var a v1alpha1.TLSAgent
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &a); err != nil {
			return false, fmt.Errorf("reading TLSAgent %s: %w", o.GetName(), err)
		}
		return is(&a.Status), nil
	}
}

// platformStatus is a wait's condition about the status of the platform.
func platformStatus(is func(*v1alpha1.TLSPlatformStatus) bool) harness.Condition {
	return func(o *unstructured.Unstructured) (bool, error) {
		if o == nil {
			return false, nil
		}
		var p v1alpha1.TLSPlatform
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &p); err != nil {
			return false, fmt.Errorf("reading TLSPlatform %s: %w", o.GetName(), err)
		}
		return is(&p.Status), nil
	}
}
