package cli

import (
	"context"
	"fmt"
	"io"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/apply"
	"github.com/tlsplatform/tls-platform-operator/internal/chart"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/fleet"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/preview"
	"github.com/tlsplatform/tls-platform-operator/internal/resolve"
)

// estateFlags are what the commands that make plans share.
type estateFlags struct {
	file       string
	agentImage string
	member     memberFlags
}

// estates makes the plans of the clusters of one platform.
type estates struct {
	session    *session
	flags      *estateFlags
	scheme     *runtime.Scheme
	hub        client.Client
	hubUID     string
	agentImage string
	platform   *v1alpha1.TLSPlatform
	notes      []string
}

// openEstates reads from the hub what the plans of all clusters need.
func openEstates(ctx context.Context, s *session, f *estateFlags, name string, stdin io.Reader) (*estates, error) {
	e := &estates{session: s, flags: f}
	var err error
	if e.scheme, err = fleet.NewScheme(); err != nil {
		return nil, err
	}
	config, err := s.connection.hubConfig()
	if err != nil {
		return nil, err
	}
	if e.hub, err = client.New(config, client.Options{Scheme: e.scheme}); err != nil {
		return nil, fmt.Errorf("connecting to the hub: %w", err)
	}
	if e.platform, e.notes, err = readPlatform(ctx, e.hub, name, f.file, stdin); err != nil {
		return nil, err
	}
	var system corev1.Namespace
	if err := e.hub.Get(ctx, types.NamespacedName{Name: metav1.NamespaceSystem}, &system); err != nil {
		return nil, fmt.Errorf("reading namespace %s of the hub: %w", metav1.NamespaceSystem, err)
	}
	e.hubUID = string(system.UID)
	if e.agentImage, err = imageOf(ctx, e.hub, s.agentNamespace, f.agentImage); err != nil {
		return nil, err
	}
	return e, nil
}

// imageOf the agent: as given, or as the hub's Deployment says. It is empty when
// there is none in the namespace, or one that was not told.
func imageOf(ctx context.Context, hub client.Client, namespace, given string) (string, error) {
	if given != "" {
		return given, nil
	}
	var list appsv1.DeploymentList
	err := hub.List(ctx, &list, client.InNamespace(namespace), client.MatchingLabels{
		"app.kubernetes.io/name": "tls-platform", "app.kubernetes.io/component": "hub",
	})
	if err != nil {
		return "", fmt.Errorf("looking for the hub's Deployment in namespace %s, which says what image the agent has (--agent-image does as well): %w", namespace, err)
	}
	for i := range list.Items {
		for _, c := range list.Items[i].Spec.Template.Spec.Containers {
			for _, v := range c.Env {
				if v.Name == names.AgentImageVariable {
					return v.Value, nil
				}
			}
		}
	}
	return "", nil
}

// estate is one cluster and what the hub would have there.
type estate struct {
	cluster string
	client  client.Client
	facts   observed.Cluster
	ledger  *ledger.Ledger // nil when the platform was never there
	plan    *desired.Plan
	notes   []string
	// reportOnly says that drift is not corrected.
	reportOnly bool
	// close ends the connection.
	close func()
}

// managing changes the spec of a cluster once its installs are known, and says in
// words what it did.
type managing func(*v1alpha1.TLSPlatformSpec, map[string]observed.Install) ([]string, error)

// of makes the plan of one cluster. The caller closes the estate.
func (e *estates) of(ctx context.Context, cluster string, manage managing) (*estate, error) {
	a, err := assign(ctx, e.hub, e.platform, cluster)
	if err != nil {
		return nil, err
	}
	conn, err := e.connect(cluster)
	if err != nil {
		return nil, err
	}
	found := &estate{cluster: cluster, client: conn.Hub, notes: a.notes, reportOnly: a.reportOnly, close: conn.Close}
	if err := e.fill(ctx, conn, a, found, manage); err != nil {
		conn.Close()
		return nil, err
	}
	return found, nil
}

// fill in what is known of a cluster, and its plan.
func (e *estates) fill(ctx context.Context, conn *fleet.Connection, a *assignment, found *estate, manage managing) (err error) {
	if found.facts, err = conn.Observe(ctx); err != nil {
		return fmt.Errorf("observing: %w", err)
	}
	if found.ledger, err = readLedger(ctx, conn.Hub, conn.Namespace); err != nil {
		return err
	}
	if err := e.checkClaims(ctx, conn.Hub, a, found); err != nil {
		return err
	}
	changed, err := manage(&a.platform.Spec, found.facts.Installs)
	if err != nil {
		return err
	}
	found.notes = append(found.notes, changed...)
	source := &preview.Source{
		Charts:  chart.NewClient(chart.Options{UserAgent: "kubectl-tls/" + e.session.Version}),
		Stored:  readableCharts{apply.NewEngine(apply.Options{Hub: conn.Hub, Namespace: conn.Namespace, Now: e.session.Now})},
		Secrets: e.hub, Local: found.cluster == v1alpha1.LocalClusterName, Namespace: conn.Namespace,
		HubUID: e.hubUID, TakenFrom: a.takeOverFrom, AgentImage: e.agentImage, Now: e.session.Now(),
	}
	found.plan, _ = source.Plan(ctx, a.platform, found.facts, found.ledger)
	return nil
}

// checkClaims refuses a cluster that the hub would refuse: one of another
// platform or of another hub.
func (e *estates) checkClaims(ctx context.Context, c client.Reader, a *assignment, found *estate) error {
	if l := found.ledger; l != nil && l.Platform != a.platform.Name && l.UID != a.platform.UID {
		return fmt.Errorf("cluster %s belongs to TLSPlatform %s, and the hub would refuse to give it to %s: let one of them select other clusters, or delete it",
			found.cluster, l.Platform, a.platform.Name)
	}
	var agent v1alpha1.TLSAgent
	err := c.Get(ctx, types.NamespacedName{Name: v1alpha1.AgentName}, &agent)
	switch other := agent.Spec.Hub.UID; {
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return nil
	case err != nil:
		return fmt.Errorf("reading TLSAgent %s, which says what hub the cluster belongs to: %w", v1alpha1.AgentName, err)
	case other != "" && other != e.hubUID && other != a.takeOverFrom:
		return fmt.Errorf("the hub with UID %s manages cluster %s, and this one would refuse it: delete its MemberCluster on that hub; when that hub is gone for good, set spec.takeOverFrom: %s here",
			other, found.cluster, other)
	}
	return nil
}

// connect to a cluster with the user's own rights.
func (e *estates) connect(cluster string) (*fleet.Connection, error) {
	config, err := e.session.connection.memberConfig(cluster, &e.flags.member)
	if err != nil {
		return nil, err
	}
	return fleet.NewConnection(fleet.Options{
		Name: cluster, Namespace: e.session.agentNamespace, Config: config, Scheme: e.scheme, Now: e.session.Now,
	})
}

// readLedger returns what the platform has in a cluster, nil for nothing.
func readLedger(ctx context.Context, c client.Reader, namespace string) (*ledger.Ledger, error) {
	var cm corev1.ConfigMap
	err := c.Get(ctx, types.NamespacedName{Namespace: namespace, Name: names.LedgerConfigMap}, &cm)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the ledger ConfigMap %s/%s: %w", namespace, names.LedgerConfigMap, err)
	}
	l, err := ledger.Decode(cm.Data[ledger.Key])
	if err != nil {
		return nil, fmt.Errorf("reading the ledger ConfigMap %s/%s: %w", namespace, names.LedgerConfigMap, err)
	}
	return l, nil
}

// readableCharts are the charts that a cluster keeps, in Secrets. Users who may
// not read those get charts from the registry, as the hub does for a new one.
type readableCharts struct{ resolve.Store }

// StoredChart implements resolve.Store.
func (r readableCharts) StoredChart(ctx context.Context, part desired.PartName, key string) (desired.RenderedChart, bool, error) {
	rendered, found, err := r.Store.StoredChart(ctx, part, key)
	if apierrors.IsForbidden(err) {
		return desired.RenderedChart{}, false, nil
	}
	return rendered, found, err
}
