package fleet

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// Change says which facts may have changed.
type Change int

const (
	// WorkloadsChanged says that a workload of a component changed.
	WorkloadsChanged Change = iota
	// KindsChanged says that a custom resource definition came, went or changed.
	KindsChanged
)

// Observe reads the facts of a cluster: version, served kinds and installs of
// the components, whoever made them. It costs some twenty requests and is
// repeated only when custom resource definitions change.
func (c *Connection) Observe(ctx context.Context) (observed.Cluster, error) {
	facts := observed.Cluster{Name: c.Name, APIs: observed.APIs{}, Installs: map[string]observed.Install{}}
	version, err := discovery.ToDiscoveryInterfaceWithContext(c.Discovery).ServerVersionWithContext(ctx)
	if err != nil {
		return facts, fmt.Errorf("asking cluster %s for its version: %w", c.Name, err)
	}
	facts.KubernetesVersion = version.GitVersion
	var system corev1.Namespace
	if err := c.Hub.Get(ctx, types.NamespacedName{Name: metav1.NamespaceSystem}, &system); err != nil {
		return facts, fmt.Errorf("reading namespace %s of cluster %s: %w", metav1.NamespaceSystem, c.Name, err)
	}
	facts.UID = string(system.UID)
	if facts.Incomplete, err = c.readAPIs(ctx, facts.APIs); err != nil {
		return facts, err
	}
	if facts.SchemaRevision, err = c.schemaRevision(ctx, facts.APIs); err != nil {
		return facts, err
	}
	for name, signs := range signsOf {
		stored, err := c.storedVersions(ctx, signs)
		if err != nil {
			return facts, err
		}
		install, err := c.findInstall(ctx, signs, stored)
		if err != nil {
			return facts, err
		}
		facts.Installs[name] = install
	}
	return facts, nil
}

// ObserveWorkloads brings facts up to date after a change of workloads alone,
// for one request a component.
func (c *Connection) ObserveWorkloads(ctx context.Context, facts observed.Cluster) (observed.Cluster, error) {
	installs := make(map[string]observed.Install, len(facts.Installs))
	for name, signs := range signsOf {
		before := facts.Installs[name]
		install, err := c.findInstall(ctx, signs, definitions{before.StoredVersions, before.Definitions})
		if err != nil {
			return facts, err
		}
		installs[name] = install
	}
	facts.Installs = installs
	return facts, nil
}

// signs are what a component is recognised by, whoever installed it.
type signs struct {
	workloads []string // values of names.LabelAppName of its Deployments
	crds      []string
}

var signsOf = map[string]signs{
	"cert-manager": {
		workloads: names.CertManagerWorkloads(),
		crds: []string{
			"certificates.cert-manager.io", "certificaterequests.cert-manager.io", "issuers.cert-manager.io",
			"clusterissuers.cert-manager.io", "orders.acme.cert-manager.io", "challenges.acme.cert-manager.io",
		},
	},
	"trust-manager": {
		workloads: names.TrustManagerWorkloads(),
		crds:      []string{"bundles.trust.cert-manager.io"},
	},
}

// maxEvidence bounds what is listed of a foreign install.
const maxEvidence = 5

// definitions are what the custom resource definitions of a component tell.
type definitions struct {
	stored  map[string][]string
	objects []observed.Owned
}

func (c *Connection) storedVersions(ctx context.Context, s signs) (definitions, error) {
	found := definitions{stored: map[string][]string{}}
	for _, name := range s.crds {
		var crd apiextensionsv1.CustomResourceDefinition
		err := c.Hub.Get(ctx, types.NamespacedName{Name: name}, &crd)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return found, fmt.Errorf("reading CustomResourceDefinition %s of cluster %s: %w", name, c.Name, err)
		}
		found.stored[name] = crd.Status.StoredVersions
		found.objects = append(found.objects, owned("CustomResourceDefinition", &crd))
	}
	return found, nil
}

func (c *Connection) findInstall(ctx context.Context, s signs, crds definitions) (observed.Install, error) {
	install := observed.Install{StoredVersions: crds.stored, Definitions: crds.objects}
	var deployments appsv1.DeploymentList
	selector := client.MatchingLabelsSelector{Selector: nameIn(s.workloads)}
	if err := c.Hub.List(ctx, &deployments, selector); err != nil {
		return install, fmt.Errorf("looking for installs in cluster %s: %w", c.Name, err)
	}
	for i := range deployments.Items {
		d := &deployments.Items[i]
		if !observed.BelongsTo(s.workloads[0], d.Name, d.Labels) {
			continue
		}
		note(&install, owned("Deployment", d))
		install.Namespace = d.Namespace
		if v := d.Labels[names.LabelAppVersion]; v != "" && d.Labels[names.LabelAppName] == s.workloads[0] {
			install.Version = v
		}
		install.Workloads = append(install.Workloads, workloadOf(d))
	}
	if len(install.Workloads) == 0 {
		for _, o := range crds.objects {
			note(&install, o)
		}
	}
	return install, nil
}

// note records an object as a sign of the install and says whose it is. What
// belongs to somebody else outweighs what is ours.
func note(install *observed.Install, o observed.Owned) {
	if install.Owner == observed.OwnerNone || install.Owner == observed.OwnerPlatform {
		install.Owner, install.Release = o.Owner, o.Release
	}
	if len(install.Evidence) < maxEvidence {
		install.Evidence = append(install.Evidence, o.Object)
	}
}

func owned(kind string, o metav1.Object) observed.Owned {
	owner, release := observed.OwnerOf(o.GetLabels(), o.GetAnnotations())
	return observed.Owned{Object: objectName(kind, o), Owner: owner, Release: release}
}

// objectName is Kind namespace/name.
func objectName(kind string, o metav1.Object) string {
	if o.GetNamespace() == "" {
		return kind + " " + o.GetName()
	}
	return kind + " " + o.GetNamespace() + "/" + o.GetName()
}

func workloadOf(d *appsv1.Deployment) observed.Workload {
	w := observed.Workload{Name: d.Namespace + "/" + d.Name}
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentAvailable {
			w.Available, w.Message = c.Status == corev1.ConditionTrue, c.Message
		}
	}
	return w
}
