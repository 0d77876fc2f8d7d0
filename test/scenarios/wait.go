package scenarios

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
)

// Resources that scenarios wait for.
var (
	Platforms      = v1alpha1.GroupVersion.WithResource("tlsplatforms")
	Members        = v1alpha1.GroupVersion.WithResource("memberclusters")
	Deployments    = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	ConfigMaps     = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	Namespaces     = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	Secrets        = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	CRDs           = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	Certificates   = schema.GroupVersionResource{Group: "cert-manager.io", Version: "v1", Resource: "certificates"}
	ClusterIssuers = schema.GroupVersionResource{Group: "cert-manager.io", Version: "v1", Resource: "clusterissuers"}
)

// patience bounds each wait of a scenario. It is for machines that have much
// else to do; the waits end with the event that they are for.
const patience = 3 * time.Minute

// Wait waits for an object, by watching it.
func (w *World) Wait(ctx context.Context, gvr schema.GroupVersionResource, namespace, name string, cond harness.Condition) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not within %s", patience))
	defer cancel()
	if err := harness.WaitFor(ctx, w.Cluster.Config, gvr, namespace, name, cond); err != nil {
		return fmt.Errorf("cluster %s: %w", w.Cluster.Name, err)
	}
	return nil
}

// WaitAvailable waits for a Deployment.
func (w *World) WaitAvailable(ctx context.Context, namespace, name string) error {
	return w.Wait(ctx, Deployments, namespace, name, harness.ConditionIs("Available", "True"))
}

// WaitPlatform waits until a condition of the platform is as told: its status,
// and, unless empty, its reason. The condition must be about the object's newest
// generation.
func (w *World) WaitPlatform(ctx context.Context, kind string, status metav1.ConditionStatus, reason string) (*metav1.Condition, error) {
	var found *metav1.Condition
	err := w.Wait(ctx, Platforms, "", PlatformName, func(o *unstructured.Unstructured) (bool, error) {
		if o == nil {
			return false, nil
		}
		platform := &v1alpha1.TLSPlatform{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, platform); err != nil {
			return false, fmt.Errorf("reading TLSPlatform %s: %w", PlatformName, err)
		}
		found = meta.FindStatusCondition(platform.Status.Conditions, kind)
		return found != nil && found.ObservedGeneration == platform.Generation && found.Status == status &&
			(reason == "" || found.Reason == reason), nil
	})
	return found, err
}

// Platform reads the platform.
func (w *World) Platform(ctx context.Context) (*v1alpha1.TLSPlatform, error) {
	platform := &v1alpha1.TLSPlatform{}
	if err := w.Client.Get(ctx, types.NamespacedName{Name: PlatformName}, platform); err != nil {
		return nil, fmt.Errorf("reading TLSPlatform %s: %w", PlatformName, err)
	}
	return platform, nil
}

// Change edits the platform's spec, as kubectl edit would.
func (w *World) Change(ctx context.Context, change func(*v1alpha1.TLSPlatformSpec)) error {
	platform, err := w.Platform(ctx)
	if err != nil {
		return err
	}
	before := platform.DeepCopy()
	change(&platform.Spec)
	if err := w.Client.Patch(ctx, platform, client.MergeFrom(before)); err != nil {
		return fmt.Errorf("changing TLSPlatform %s: %w", PlatformName, err)
	}
	return nil
}

// During changes the platform, runs body, and puts the spec back, whatever
// happened; then it waits until the estate is as before.
func (w *World) During(ctx context.Context, change func(*v1alpha1.TLSPlatformSpec), body func() error) error {
	platform, err := w.Platform(ctx)
	if err != nil {
		return err
	}
	before := platform.Spec.DeepCopy()
	if err := w.Change(ctx, change); err != nil {
		return err
	}
	failure := body()
	if err := w.Change(ctx, func(s *v1alpha1.TLSPlatformSpec) { *s = *before }); err != nil {
		return err
	}
	if failure != nil {
		return failure
	}
	_, err = w.WaitPlatform(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	return err
}

func readPlatform(file string) (*v1alpha1.TLSPlatform, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the sample: %w", err)
	}
	platform := &v1alpha1.TLSPlatform{}
	if err := yaml.UnmarshalStrict(raw, platform); err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	return platform, nil
}

// contains checks a message that people will read.
func contains(message string, parts ...string) error {
	for _, part := range parts {
		if !strings.Contains(message, part) {
			return fmt.Errorf("the message %q does not say %q", message, part)
		}
	}
	return nil
}
