package agent

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
)

// Origins of records: one for each listing that can remove what it no longer has.
const (
	originSecrets inventory.Origin = iota
	originConfigMaps
	originMutatingWebhooks
	originValidatingWebhooks
	originAPIServices
	originDefinitions
	originRequests
	// originNamespaces and more are listings of single namespaces, two each: see
	// Agent.spaces.
	originNamespaces
)

// spaceOf is the origin of the Secrets of a single namespace; that of its
// ConfigMaps comes after it. It is the same in every session: a listing of one
// namespace would else remove what an earlier session found in another.
func (a *Agent) spaceOf(namespace string) inventory.Origin {
	origin, known := a.spaces[namespace]
	if !known {
		origin = originNamespaces + inventory.Origin(2*len(a.spaces))
		a.spaces[namespace] = origin
	}
	return origin
}

// session is one reading of the cluster, under one set of rules.
type session struct {
	*Agent
	rules   v1alpha1.Inventory
	table   *reference.Table
	reducer *inventory.Reducer
	cover   *coverage
	// rediscover asks for another look at the served kinds.
	rediscover chan struct{}
	// locked are Secrets with keystores whose password may be known now.
	locked chan keystoreSecret
	// unlisted is the number of listings of Secrets that are not complete yet.
	unlisted atomic.Int64

	ctx   context.Context //nolint:containedctx // the session's life, which all of its tails share
	stop  context.CancelFunc
	group sync.WaitGroup

	mu        sync.Mutex
	following map[schema.GroupKind]follow
}

// follow is a kind that is followed because it is served.
type follow struct {
	resource schema.GroupVersionResource
	stop     context.CancelFunc
	done     <-chan struct{}
}

// newSession starts to read the cluster, until it is ended or ctx ends.
func (a *Agent) newSession(ctx context.Context, spec *v1alpha1.TLSAgentSpec) *session {
	ctx, stop := context.WithCancel(ctx)
	rules := spec.Inventory
	table, bad := reference.NewTable(rules.References)
	s := &session{
		Agent: a, rules: rules, table: table, cover: newCoverage(a.clock.Now),
		reducer:    inventory.NewReducer(a.parser),
		rediscover: make(chan struct{}, 1), locked: make(chan keystoreSecret, lockedBacklog),
		ctx: ctx, stop: stop, following: map[schema.GroupKind]follow{},
	}
	if namespace := spec.CertManagerNamespace; namespace != "" {
		table.SetClusterResourceNamespace(namespace)
		table.SetTrustNamespace(namespace)
	}
	s.reducer.Keys, s.reducer.Keystores = rules.Keys, rules.Keystores
	s.reducer.Passwords, s.reducer.Refs = s.password, a.inv.KeystoreRefs
	s.cover.changed = func() {
		s.doubt()
		a.wake()
	}
	for _, err := range bad {
		s.cover.undecodable(err)
	}
	s.cover.report(discoveryScanner, tail.State{Condition: tail.Waiting})
	s.material()
	s.workloads()
	s.bundles()
	s.group.Go(s.discoverKinds)
	s.group.Go(s.unlock)
	return s
}

// doubt tells the inventory what could not be read.
func (s *session) doubt() { s.inv.SetCoverage(s.cover.judgement(s.table)) }

// end stops reading and waits until nothing is read any more.
func (s *session) end() {
	s.stop()
	s.group.Wait()
}

// material reads Secrets and ConfigMaps, of the cluster or of the namespaces
// that were chosen.
func (s *session) material() {
	include, selector := s.rules.Namespaces.Include, ""
	for _, namespace := range s.rules.Namespaces.Exclude {
		selector = and(selector, "metadata.namespace!="+namespace)
	}
	if len(include) == 0 {
		include = []string{""}
	}
	s.unlisted.Store(int64(len(include)))
	for _, namespace := range include {
		secrets, maps := originSecrets, originConfigMaps
		if namespace != "" {
			secrets = s.spaceOf(namespace)
			maps = secrets + 1
		}
		s.secrets(namespace, selector, secrets)
		s.start(tail.Options{
			Client: s.client, Resource: schema.GroupVersionResource{Version: "v1", Resource: "configmaps"},
			Namespace: namespace, FieldSelector: selector, Protobuf: true, PageSize: 250,
			Sink: newDataSink(facts{inv: s.inv, origin: maps}, inventory.KindConfigMap, s.reducer),
		})
	}
}

// origins of what this session reads.
func (s *session) origins() func(inventory.Origin) bool {
	all := len(s.rules.Namespaces.Include) == 0
	spaces := map[inventory.Origin]bool{}
	for _, namespace := range s.rules.Namespaces.Include {
		origin := s.spaceOf(namespace)
		spaces[origin], spaces[origin+1] = true, true
	}
	return func(o inventory.Origin) bool {
		switch {
		case o == originSecrets || o == originConfigMaps:
			return all
		case o >= originNamespaces:
			return spaces[o]
		default:
			return true
		}
	}
}

// ignoredTypes of Secrets never hold certificates of servers. The API server
// leaves them out, so that they are not even sent.
var ignoredTypes = []string{
	"helm.sh/release.v1", string(corev1.SecretTypeServiceAccountToken), string(corev1.SecretTypeDockercfg),
	string(corev1.SecretTypeDockerConfigJson), string(corev1.SecretTypeBootstrapToken), string(corev1.SecretTypeBasicAuth),
	string(corev1.SecretTypeSSHAuth),
}

func (s *session) secrets(namespace, selector string, origin inventory.Origin) {
	for _, t := range ignoredTypes {
		selector = and(selector, "type!="+t)
	}
	listed := false // by this tail, which calls its Sink from one goroutine
	f := facts{inv: s.inv, origin: origin, ended: func() {
		if !listed {
			listed = true
			s.unlisted.Add(-1)
		}
		// What another listing is still to bring would be taken for gone.
		if s.unlisted.Load() == 0 {
			s.inv.Prune()
		}
	}}
	s.start(tail.Options{
		Client: s.private, Resource: schema.GroupVersionResource{Version: "v1", Resource: "secrets"},
		Namespace: namespace, FieldSelector: selector, Protobuf: true, PageSize: 500,
		Sink: newDataSink(f, inventory.KindSecret, s.reducer),
		// The connections that the Secrets came over are closed, since their
		// buffers hold the last ones.
		Listed: s.closePrivate,
	})
}

func and(a, b string) string {
	if a == "" {
		return b
	}
	return a + "," + b
}

// typed makes a Sink for a kind of the API server that refers to Secrets.
func typed[T message](s *session, kind string, fresh func() T, refer func(T) reference.Reduced) *typedSink[T] {
	return &typedSink[T]{
		edges: edges{inv: s.inv, kind: kind}, fresh: fresh, refer: refer, broken: s.cover.undecodable,
	}
}

// templated is typed for the kinds that have a template of Pods.
func templated[T message](s *session, kind string, fresh func() T, template func(T) *corev1.PodTemplateSpec) *typedSink[T] {
	return typed(s, kind, fresh, func(o T) reference.Reduced {
		return reference.ReducePodTemplate(kind, o.GetNamespace(), o.GetName(), template(o))
	})
}

// workloads reads the core kinds that use Secrets.
func (s *session) workloads() {
	core := func(resource string) schema.GroupVersionResource {
		return schema.GroupVersionResource{Version: "v1", Resource: resource}
	}
	apps := func(resource string) schema.GroupVersionResource {
		return schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: resource}
	}
	batch := func(resource string) schema.GroupVersionResource {
		return schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: resource}
	}
	ingresses := schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"}
	for resource, sink := range map[schema.GroupVersionResource]tail.Sink{
		core("pods"):        typed(s, "Pod", func() *corev1.Pod { return &corev1.Pod{} }, reference.ReducePod),
		core("services"):    typed(s, "Service", func() *corev1.Service { return &corev1.Service{} }, reference.ReduceService),
		ingresses:           typed(s, "Ingress", func() *networkingv1.Ingress { return &networkingv1.Ingress{} }, reference.ReduceIngress),
		apps("deployments"): s.deployments(),
		apps("statefulsets"): templated(s, "StatefulSet", func() *appsv1.StatefulSet { return &appsv1.StatefulSet{} },
			func(o *appsv1.StatefulSet) *corev1.PodTemplateSpec { return &o.Spec.Template }),
		apps("daemonsets"):  s.daemonSets(),
		apps("replicasets"): typed(s, "ReplicaSet", func() *appsv1.ReplicaSet { return &appsv1.ReplicaSet{} }, reduceReplicaSet),
		batch("jobs"): templated(s, "Job", func() *batchv1.Job { return &batchv1.Job{} },
			func(o *batchv1.Job) *corev1.PodTemplateSpec { return &o.Spec.Template }),
		batch("cronjobs"): templated(s, "CronJob", func() *batchv1.CronJob { return &batchv1.CronJob{} },
			func(o *batchv1.CronJob) *corev1.PodTemplateSpec { return &o.Spec.JobTemplate.Spec.Template }),
	} {
		s.start(tail.Options{Client: s.client, Resource: resource, Protobuf: true, PageSize: 500, Sink: sink})
	}
}

// reduceReplicaSet leaves out what a Deployment keeps for a rollback: it uses
// nothing, and would hide an orphan for as long as it is kept.
func reduceReplicaSet(o *appsv1.ReplicaSet) reference.Reduced {
	if o.Spec.Replicas != nil && *o.Spec.Replicas == 0 && metav1.GetControllerOf(o) != nil {
		return reference.Reduced{Source: reference.Source{Kind: "ReplicaSet", Namespace: o.Namespace, Name: o.Name}}
	}
	return reference.ReducePodTemplate("ReplicaSet", o.Namespace, o.Name, &o.Spec.Template)
}

// start follows a kind as long as the session lasts.
func (s *session) start(o tail.Options) { s.follow(s.ctx, o) }

// follow follows a kind until ctx ends; the channel is closed then.
func (s *session) follow(ctx context.Context, o tail.Options) <-chan struct{} {
	name := scanner{o.Resource.GroupResource().String(), o.Namespace}
	o.Clock = s.clock
	o.Report = func(state tail.State) {
		if ctx.Err() == nil {
			s.cover.report(name, state)
		}
	}
	// It counts as not read from the start, not from when it gets to run.
	s.cover.report(name, tail.State{Condition: tail.Waiting})
	done := make(chan struct{})
	s.group.Go(func() {
		defer close(done)
		tail.New(o).Run(ctx)
	})
	return done
}

// How often the served kinds are looked at.
const (
	// discoverySettle gathers changes of definitions into one look.
	discoverySettle = 500 * time.Millisecond
	// discoveryInterval is how often the served kinds are looked at although
	// nothing hints at a change: kinds of aggregated servers come without one.
	discoveryInterval = 10 * time.Minute
	// discoveryRetry is the same while some server does not answer.
	discoveryRetry = 20 * time.Second
)
