package plan

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/access"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/agent"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/component"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/issuer"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/monitoring"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/policy/vap"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/trust"
)

// defaultHealthTimeout is that of the API, for objects that were made without
// its defaults.
const defaultHealthTimeout = 5 * time.Minute

// Chart is the rendered chart of a Managed component, or why there is none.
type Chart struct {
	// Rendered chart, when Hold is nil.
	Rendered desired.RenderedChart
	// Hold says why the chart can't be had.
	Hold *desired.Hold
}

// Input of a plan.
type Input struct {
	// Platform is the declared estate.
	Platform *v1alpha1.TLSPlatform
	// Facts of the cluster that the plan is for.
	Facts *observed.Cluster
	// Charts of the Managed components.
	Charts map[desired.PartName]Chart
	// Local says that it is the hub's own cluster, where the operator is installed
	// by others.
	Local bool
	// Hub is the user name of the operator in the cluster.
	Hub string
	// HubUID is the UID of the namespace kube-system of the hub's own cluster.
	HubUID string
	// TakenFrom is the UID of the hub that the cluster belonged to before; empty
	// for none.
	TakenFrom string
	// Namespace of the operator in the cluster, where the agent runs.
	Namespace string
	// AgentImage is the image of the agent; empty when nobody said.
	AgentImage string
	// Now decides which exceptions have ended.
	Now time.Time
}

// Build makes the plan. next is when time alone will change it, nil for never.
func Build(in Input) (plan *desired.Plan, next *time.Time) {
	spec := &in.Platform.Spec
	namespace := CertManagerNamespace(spec, in.Facts)
	plan = &desired.Plan{Parts: []desired.Part{access.Build(in.Namespace, in.Local, in.Facts)}}
	for _, name := range []desired.PartName{desired.CertManager, desired.TrustManager} {
		plan.Parts = append(plan.Parts, buildComponent(in, name))
	}

	issuers, issuerProblems := issuer.Build(in.Platform, in.Facts, namespace)
	for _, p := range issuerProblems {
		problem(&issuers, p.Reason, p.Message, p.Keep)
	}
	issuers.DependsOn = []desired.PartName{desired.CertManager}
	policies, next := vap.Build(in.Platform, in.Facts, in.Now, vap.Exempt{Namespaces: exempt(spec, in.Facts), Hub: in.Hub})
	bundles, bundleProblems := trust.Build(in.Platform, in.Facts)
	for _, p := range bundleProblems {
		problem(&bundles, p.Reason, p.Message, p.Keep)
	}
	bundles.DependsOn = []desired.PartName{desired.TrustManager}
	scraped := runsIn(spec, in.Facts)
	runner, inventory := agent.Build(in.Platform, in.Facts, agent.Input{
		Image: in.AgentImage, HubUID: in.HubUID, TakenFrom: in.TakenFrom, Namespace: in.Namespace, CertManagerNamespace: namespace,
	})
	if len(runner.Objects) > 0 {
		scraped.Agent = in.Namespace
	}
	monitors := monitoring.Build(in.Platform, in.Facts, scraped)
	plan.Parts = append(plan.Parts, issuers, policies, bundles, monitors, runner, inventory)

	for i := range plan.Parts {
		finish(&plan.Parts[i], in.Platform.Name)
	}
	return plan, next
}

// problem records what could not be built. Builders note it too; it is told
// once.
func problem(part *desired.Part, reason, message string, keep []desired.Ref) {
	part.Problems = append(part.Problems, desired.Note{Reason: reason, Message: message})
	part.Keep = append(part.Keep, keep...)
	part.Notes = slices.DeleteFunc(part.Notes, func(n desired.Note) bool { return n.Message == message })
}

// finish labels the objects of a part, puts them into the order of apply, and
// lets a part without objects depend on nothing.
func finish(p *desired.Part, platform string) {
	for _, o := range p.Objects {
		if !labelled(o, platform, p.Name) {
			Label(o, platform, p.Name)
		}
	}
	desired.Sort(p.Objects)
	if len(p.Objects) == 0 && p.Hold == nil {
		p.DependsOn = nil
	}
}

// Prepare the rendered chart of a component for all plans of a platform, which
// then share its objects: they are labelled here, and never changed again.
func Prepare(chart desired.RenderedChart, platform string, part desired.PartName) desired.RenderedChart {
	objects := make([]*unstructured.Unstructured, 0, len(chart.Objects))
	chart.Digests = make(map[*unstructured.Unstructured]string, len(chart.Objects))
	for _, o := range chart.Objects {
		o = o.DeepCopy()
		Label(o, platform, part)
		objects = append(objects, o)
		chart.Digests[o] = desired.Digest(o)
	}
	chart.Objects = objects
	return chart
}

// Label an object as one of a platform's part.
func Label(o *unstructured.Unstructured, platform string, part desired.PartName) {
	labels := o.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[names.LabelPlatform] = platform
	labels[names.LabelPart] = string(part)
	o.SetLabels(labels)
}

func labelled(o *unstructured.Unstructured, platform string, part desired.PartName) bool {
	labels := o.GetLabels()
	return labels[names.LabelPlatform] == platform && labels[names.LabelPart] == string(part)
}

// SpecOf returns what the spec says of a component, nil for nothing.
func SpecOf(spec *v1alpha1.TLSPlatformSpec, name desired.PartName) *v1alpha1.Component {
	switch name {
	case desired.CertManager:
		return spec.Components.CertManager
	case desired.TrustManager:
		return spec.Components.TrustManager
	default:
		return nil
	}
}

// Managed says whether the platform installs a component.
func Managed(c *v1alpha1.Component) bool {
	return c != nil && (c.State == v1alpha1.ComponentManaged || c.State == "")
}

// CertManagerNamespace is where cert-manager runs: as declared, or where it was
// found when somebody else runs it.
func CertManagerNamespace(spec *v1alpha1.TLSPlatformSpec, facts *observed.Cluster) string {
	c := spec.Components.CertManager
	found := facts.Installs[string(desired.CertManager)].Namespace
	switch {
	case Managed(c) && c.Namespace != "":
		return c.Namespace
	case found != "":
		return found
	case c != nil && c.Namespace != "":
		return c.Namespace
	default:
		return "cert-manager"
	}
}

// runsIn says where the components are, empty for one that is not there.
func runsIn(spec *v1alpha1.TLSPlatformSpec, facts *observed.Cluster) monitoring.Namespaces {
	var in monitoring.Namespaces
	if Managed(spec.Components.CertManager) || facts.Installs[string(desired.CertManager)].Namespace != "" {
		in.CertManager = CertManagerNamespace(spec, facts)
	}
	in.TrustManager = facts.Installs[string(desired.TrustManager)].Namespace
	if c := spec.Components.TrustManager; Managed(c) {
		in.TrustManager = c.Namespace
		if in.TrustManager == "" {
			in.TrustManager = "cert-manager"
		}
	}
	return in
}

// exempt are the namespaces of the components: who may write there holds the CA
// keys anyway, and the components' own certificates live there.
func exempt(spec *v1alpha1.TLSPlatformSpec, facts *observed.Cluster) []string {
	list := []string{CertManagerNamespace(spec, facts)}
	if in := runsIn(spec, facts); in.TrustManager != "" {
		list = append(list, in.TrustManager)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func buildComponent(in Input, name desired.PartName) desired.Part {
	c := SpecOf(&in.Platform.Spec, name)
	part := desired.Part{Name: name, Identity: desired.IdentityInstaller}
	switch {
	case Managed(c):
		chart := in.Charts[name]
		if chart.Hold != nil {
			part.Hold = chart.Hold
		} else {
			opts := component.Options{CertManagerNamespace: CertManagerNamespace(&in.Platform.Spec, in.Facts)}
			part = component.Build(name, c, chart.Rendered, in.Facts, opts)
		}
		part.HealthTimeout = defaultHealthTimeout
		if c.HealthTimeout != nil {
			part.HealthTimeout = c.HealthTimeout.Duration
		}
	case c != nil && c.State == v1alpha1.ComponentAbsent:
		part.Notes = foreignNote(name, in.Facts.Installs[string(name)])
	default:
		part.External = external(name, c, in.Facts.Installs[string(name)])
	}
	return part
}

// foreignNote says that an absent component is there all the same, as somebody
// else's.
func foreignNote(name desired.PartName, install observed.Install) []desired.Note {
	if install.Owner == observed.OwnerNone || install.Owner == observed.OwnerPlatform || install.Namespace == "" {
		return nil
	}
	return []desired.Note{{Reason: v1alpha1.ReasonExistingInstall, Message: fmt.Sprintf(
		"%s is declared Absent, and somebody else runs it in namespace %s (%s): it is left alone; remove it the way it was installed",
		name, install.Namespace, install.Owner)}}
}

// external describes a component that the platform only looks at.
func external(name desired.PartName, c *v1alpha1.Component, install observed.Install) *desired.External {
	ext := &desired.External{Optional: c == nil, Version: install.Version}
	if len(install.Workloads) == 0 {
		ext.Reason = v1alpha1.ReasonNotInstalled
		ext.Message = fmt.Sprintf("%s was not found; install it, or set spec.components.%s.state: Managed with a version", name, field(name))
		return ext
	}
	for _, w := range install.Workloads {
		if !w.Available {
			ext.Reason = v1alpha1.ReasonUnhealthy
			ext.Message = fmt.Sprintf("%s is observed and not available: Deployment %s: %s", name, w.Name, w.Message)
			return ext
		}
	}
	ext.Ready, ext.Reason = true, v1alpha1.ReasonObserved
	ext.Message = fmt.Sprintf("%s %s is observed in namespace %s", name, install.Version, install.Namespace)
	return ext
}

// field of spec.components.
func field(name desired.PartName) string {
	if name == desired.TrustManager {
		return "trustManager"
	}
	return "certManager"
}
