package agent

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/estate"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/publish"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// newEstate watches what the platform applied. It lives as long as the agent, and
// sessions tell it what they read anyway.
func (a *Agent) newEstate() *estate.Estate {
	return estate.New(estate.Options{
		Namespace: a.Namespace, Version: a.Version, Clock: a.clock, Changed: a.wake,
		Follow: func(ctx context.Context, o tail.Options) {
			o.Client, o.Clock = a.client, a.clock
			tail.New(o).Run(ctx)
		},
		Rediscover: func() {
			if t := a.current.Load(); t != nil {
				t.session.lookAgain()
			}
		},
	})
}

// news is what the TLSAgent says of the estate.
type news struct {
	told  *v1alpha1.EstateReport
	known bool
	pacer publish.StatusPacer
}

// doubt says that somebody else may have written.
func (n *news) doubt() { n.told, n.known = nil, false }

func (n *news) wrote(report *v1alpha1.EstateReport, now time.Time) {
	n.told, n.known = report, true
	n.pacer.Wrote(now)
}

// tell writes what is new of the estate, apart from the rest of the report: drift
// does not wait until all certificates were looked at.
func (p *publication) tell(ctx context.Context) time.Duration {
	now := p.clock.Now()
	report, next := p.estate.Report(now)
	wait := idle
	if !next.IsZero() {
		wait = min(wait, next.Sub(now))
	}
	if p.news.known && equality.Semantic.DeepEqual(p.news.told, report) {
		return wait
	}
	if rest := p.news.pacer.Next().Sub(now); rest > 0 {
		return min(wait, rest)
	}
	written, err := p.Publisher.Estate(ctx, report)
	if ctx.Err() != nil {
		return wait
	}
	if err != nil {
		p.failed(err, "Writing the report of the estate failed, trying again")
		return retry
	}
	p.news.told, p.news.known = report, true
	if written {
		p.news.wrote(report, now)
	}
	return wait
}

// definitionSum is what the hub wants to know of a definition: whether another
// look at the cluster would tell something new.
func definitionSum(o *apiextensionsv1.CustomResourceDefinition) (sum uint64, counts bool) {
	established := slices.ContainsFunc(o.Status.Conditions, func(c apiextensionsv1.CustomResourceDefinitionCondition) bool {
		return c.Type == apiextensionsv1.Established && c.Status == apiextensionsv1.ConditionTrue
	})
	return estate.Sum(o.Name, string(o.UID), strconv.FormatInt(o.Generation, 10), strings.Join(o.Status.StoredVersions, ","),
		o.Annotations[names.AnnotationSchemaRevision], strconv.FormatBool(established)), true
}

// componentNames are the values of names.LabelAppName of the components'
// Deployments.
var componentNames = slices.Concat(names.CertManagerWorkloads(), names.TrustManagerWorkloads())

// workloadSum is what the hub wants to know of a Deployment of a component: which
// it is, whose, and whether it is available.
func workloadSum(o *appsv1.Deployment) (sum uint64, counts bool) {
	if !slices.Contains(componentNames, o.Labels[names.LabelAppName]) {
		return 0, false
	}
	available := slices.ContainsFunc(o.Status.Conditions, func(c appsv1.DeploymentCondition) bool {
		return c.Type == appsv1.DeploymentAvailable && c.Status == corev1.ConditionTrue
	})
	return estate.Sum(o.Namespace, o.Name, o.Labels[names.LabelAppName], o.Labels[names.LabelAppVersion], o.Labels[names.LabelAppInstance],
		o.Labels[names.LabelPlatform], o.Labels[names.LabelOLMOwner], o.Labels[names.LabelOLMManaged],
		o.Annotations[names.AnnotationHelmRelease], strconv.FormatBool(available)), true
}
