package agent

import (
	"cmp"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/profile"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// profiledWorkload has a Sink for workloads keep those of the components for the
// profile too.
func profiledWorkload[T message](s *session, gk schema.GroupKind, sink *typedSink[T], reduce func(T) (profile.Key, profile.Record)) tail.Sink {
	store := s.profile
	sink.seen = func(o T, exists bool) {
		key, record := reduce(o)
		if exists {
			store.Set(key, record)
		} else {
			store.Delete(key)
		}
	}
	return &profiledListing{Sink: sink, store: store, gk: gk}
}

// profiledListing tells the profile of listings.
type profiledListing struct {
	tail.Sink
	store *profile.Store
	gk    schema.GroupKind
}

// Begin implements tail.Sink.
func (l *profiledListing) Begin() {
	l.store.Begin(l.gk)
	l.Sink.Begin()
}

// End implements tail.Sink.
func (l *profiledListing) End() {
	l.Sink.End()
	l.store.End(l.gk)
}

// deployments keeps what Deployments use, and which components they run.
func (s *session) deployments() tail.Sink {
	sink := templated(s, "Deployment", func() *appsv1.Deployment { return &appsv1.Deployment{} },
		func(o *appsv1.Deployment) *corev1.PodTemplateSpec { return &o.Spec.Template })
	sink.sums = &sums[*appsv1.Deployment]{s.estate.Workloads, workloadSum}
	return profiledWorkload(s, profile.Deployment, sink, profile.ReduceDeployment)
}

// daemonSets does the same for DaemonSets.
func (s *session) daemonSets() tail.Sink {
	sink := templated(s, "DaemonSet", func() *appsv1.DaemonSet { return &appsv1.DaemonSet{} },
		func(o *appsv1.DaemonSet) *corev1.PodTemplateSpec { return &o.Spec.Template })
	return profiledWorkload(s, profile.DaemonSet, sink, profile.ReduceDaemonSet)
}

// profileSink keeps objects in JSON for the profile.
type profileSink struct {
	store  *profile.Store
	gk     schema.GroupKind
	broken func(error)
}

// Begin implements tail.Sink.
func (s *profileSink) Begin() { s.store.Begin(s.gk) }

// End implements tail.Sink.
func (s *profileSink) End() { s.store.End(s.gk) }

// Object implements tail.Sink.
func (s *profileSink) Object(raw []byte) {
	key, record, err := profile.Reduce(s.gk, raw)
	if err != nil {
		s.broken(err)
		return
	}
	s.store.Set(key, record)
}

// Deleted implements tail.Sink.
func (s *profileSink) Deleted(raw []byte) {
	key, err := profile.KeyOf(s.gk, raw)
	if err != nil {
		s.broken(err)
		return
	}
	s.store.Delete(key)
}

// wantedKinds are those to be followed as far as they are served: the kinds that
// refer to something, and those that the profile is made of.
func (s *session) wantedKinds(served map[schema.GroupKind]schema.GroupVersionResource) map[schema.GroupKind]bool {
	wanted := map[schema.GroupKind]bool{certificates: true, requests: true}
	for _, gk := range s.table.Kinds() {
		wanted[gk] = true
	}
	for gk := range served {
		if profile.IsPolicy(gk) {
			wanted[gk] = true
		}
	}
	return wanted
}

// clusterProfile is the profile to report. Before everything was read once it is
// the one of an earlier process: half of one would look like a change.
func (p *publication) clusterProfile(t *assignment) *v1alpha1.ClusterProfile {
	p.profiled = p.profiled || p.synced
	if !p.profiled {
		return t.object.Status.Profile
	}
	return p.profile.Profile(profile.Input{
		CA:                       p.authorityIn,
		ClusterResourceNamespace: cmp.Or(t.object.Spec.CertManagerNamespace, defaultCertManagerNamespace),
	})
}

// defaultCertManagerNamespace is that of the API.
const defaultCertManagerNamespace = "cert-manager"

// authorityIn is the SHA-256 of the certificate that an issuer signs with, in
// hex: the first one under tls.crt of its Secret. It is empty when the Secret was
// not read or holds none that can be.
func (a *Agent) authorityIn(namespace, secret string) string {
	place := inventory.Place{Kind: inventory.KindSecret, Namespace: namespace, Name: secret}
	fingerprint := ""
	a.inv.Facts(place.Shard(), func(v *inventory.View) {
		if v.Object.Place != place || v.Record.Key != corev1.TLSCertKey {
			return
		}
		if c := v.Record.Value.First(); c != nil && !c.Findings.Has(certificate.Unparseable) {
			fingerprint = c.Fingerprint.String()
		}
	})
	return fingerprint
}
