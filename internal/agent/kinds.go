package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/profile"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
)

// bundles reads the kinds of the API server that hold a caBundle.
func (s *session) bundles() {
	admission := func(resource string) schema.GroupVersionResource {
		return schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: resource}
	}
	mutating := typed(s, "MutatingWebhookConfiguration",
		func() *admissionregistrationv1.MutatingWebhookConfiguration {
			return &admissionregistrationv1.MutatingWebhookConfiguration{}
		}, func(o *admissionregistrationv1.MutatingWebhookConfiguration) reference.Reduced {
			return reference.ReduceInjected("MutatingWebhookConfiguration", o.Name, o.Annotations)
		})
	mutating.holds(inventory.KindMutatingWebhook, facts{inv: s.inv, origin: originMutatingWebhooks}, s.reducer.MutatingWebhook)
	s.start(tail.Options{Client: s.client, Resource: admission("mutatingwebhookconfigurations"), Protobuf: true, PageSize: 100, Sink: mutating})

	validating := typed(s, "ValidatingWebhookConfiguration",
		func() *admissionregistrationv1.ValidatingWebhookConfiguration {
			return &admissionregistrationv1.ValidatingWebhookConfiguration{}
		}, func(o *admissionregistrationv1.ValidatingWebhookConfiguration) reference.Reduced {
			return reference.ReduceInjected("ValidatingWebhookConfiguration", o.Name, o.Annotations)
		})
	validating.holds(inventory.KindValidatingWebhook, facts{inv: s.inv, origin: originValidatingWebhooks}, s.reducer.ValidatingWebhook)
	s.start(tail.Options{Client: s.client, Resource: admission("validatingwebhookconfigurations"), Protobuf: true, PageSize: 100, Sink: validating})

	definitions := typed(s, "CustomResourceDefinition",
		func() *apiextensionsv1.CustomResourceDefinition { return &apiextensionsv1.CustomResourceDefinition{} },
		func(o *apiextensionsv1.CustomResourceDefinition) reference.Reduced {
			return reference.ReduceInjected("CustomResourceDefinition", o.Name, o.Annotations)
		})
	definitions.holds(inventory.KindCustomResourceDefinition, facts{inv: s.inv, origin: originDefinitions}, s.reducer.Definition)
	definitions.sums = &sums[*apiextensionsv1.CustomResourceDefinition]{s.estate.Definitions, definitionSum}
	definitions.seen = func(o *apiextensionsv1.CustomResourceDefinition, exists bool) {
		var fields []string
		if exists {
			fields = reference.Suspects(o)
		}
		s.cover.suspect(schema.GroupKind{Group: o.Spec.Group, Kind: o.Spec.Names.Kind}, fields)
		s.lookAgain()
	}
	s.start(tail.Options{
		Client: s.client, Resource: schema.GroupVersionResource{Group: apiextensionsv1.GroupName, Version: "v1", Resource: "customresourcedefinitions"},
		// Definitions are large, and there are hundreds.
		Protobuf: true, PageSize: 20, Sink: definitions,
	})
	s.start(tail.Options{
		Client: s.client, Resource: schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"},
		PageSize: 100, Sink: &apiServiceSink{
			edges: edges{inv: s.inv, kind: "APIService"}, facts: facts{inv: s.inv, origin: originAPIServices},
			reducer: s.reducer, broken: s.cover.undecodable, changed: s.lookAgain,
		},
	})
}

func (s *session) lookAgain() {
	select {
	case s.rediscover <- struct{}{}:
	default:
	}
}

// discoveryScanner stands for the list of served kinds.
var discoveryScanner = scanner{resource: "discovery"}

// discoverKinds follows the kinds of the table that are served, as they come and
// go.
func (s *session) discoverKinds() {
	for s.ctx.Err() == nil {
		next := discoveryInterval
		served, err := s.served()
		if served != nil {
			s.estate.Serve(served, silentGroups(err))
		}
		if err == nil {
			s.followServed(served, nil)
			s.cover.report(discoveryScanner, tail.State{Condition: tail.Reading})
		} else {
			next = discoveryRetry
			// In this order: nothing is complete before the kinds count as not read.
			s.followServed(served, silentGroups(err))
			if served != nil {
				s.cover.answered(discoveryScanner)
			}
			s.cover.report(discoveryScanner, tail.State{Condition: tail.Failing, Message: err.Error()})
		}
		timer := s.clock.NewTimer(next)
		select {
		case <-s.ctx.Done():
		case <-timer.C():
		case <-s.rediscover:
			settle := s.clock.NewTimer(discoverySettle)
			select {
			case <-s.ctx.Done():
			case <-settle.C():
			}
			settle.Stop()
		}
		timer.Stop()
	}
}

// served are the kinds that the cluster serves, with the version that it prefers.
// An error with kinds means that some group did not answer.
func (s *session) served() (map[schema.GroupKind]schema.GroupVersionResource, error) {
	groups, lists, err := s.discovery.ServerGroupsAndResources()
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return nil, fmt.Errorf("asking for the kinds that are served: %w", err)
	}
	rank := map[schema.GroupVersion]int{}
	for _, g := range groups {
		for i, v := range g.Versions {
			n := i + 1
			if v.Version == g.PreferredVersion.Version {
				n = 0
			}
			rank[schema.GroupVersion{Group: g.Name, Version: v.Version}] = n
		}
	}
	found := map[schema.GroupKind]schema.GroupVersionResource{}
	for _, list := range lists {
		gv, parseErr := schema.ParseGroupVersion(list.GroupVersion)
		if parseErr != nil {
			continue
		}
		for i := range list.APIResources {
			r := &list.APIResources[i]
			if strings.Contains(r.Name, "/") {
				continue
			}
			gk := schema.GroupKind{Group: gv.Group, Kind: r.Kind}
			if old, ok := found[gk]; !ok || rank[gv] < rank[old.GroupVersion()] {
				found[gk] = gv.WithResource(r.Name)
			}
		}
	}
	if err != nil {
		return found, fmt.Errorf("asking for the kinds that are served: %w", err)
	}
	return found, nil
}

// silentGroups are those that did not answer, by an error of served.
func silentGroups(err error) map[string]bool {
	var failed *discovery.ErrGroupDiscoveryFailed
	if !errors.As(err, &failed) {
		return nil
	}
	silent := map[string]bool{}
	for gv := range failed.Groups {
		silent[gv.Group] = true
	}
	return silent
}

// followServed starts and stops tails so that what is served is followed. Kinds
// of a group that is silent are not taken for gone: certificates would look
// unused that are not.
func (s *session) followServed(served map[schema.GroupKind]schema.GroupVersionResource, silent map[string]bool) {
	if served == nil {
		return
	}
	wanted := s.wantedKinds(served)
	s.mu.Lock()
	defer s.mu.Unlock()
	for gk, f := range s.following {
		if served[gk] != f.resource && !silent[gk.Group] {
			f.stop()
			<-f.done
			delete(s.following, gk)
			s.cover.forget(scanner{resource: f.resource.GroupResource().String()})
		}
	}
	for gk := range wanted {
		resource, ok := served[gk]
		if _, already := s.following[gk]; already || !ok {
			continue
		}
		ctx, stop := context.WithCancel(s.ctx)
		done := s.follow(ctx, tail.Options{Client: s.client, Resource: resource, PageSize: 250, Sink: s.tableSink(gk)})
		s.following[gk] = follow{resource, stop, done}
		s.followed[gk] = true
	}
	for gk := range s.followed {
		if _, still := s.following[gk]; !still && !silent[gk.Group] {
			s.forgetKind(gk)
			delete(s.followed, gk)
		}
	}
}

// Kinds of cert-manager that the inventory joins.
var (
	certificates = schema.GroupKind{Group: "cert-manager.io", Kind: "Certificate"}
	requests     = schema.GroupKind{Group: "cert-manager.io", Kind: "CertificateRequest"}
)

func (s *session) tableSink(gk schema.GroupKind) *tableSink {
	sink := &tableSink{edges: edges{inv: s.inv, kind: s.table.SourceKind(gk)}, table: s.table, gk: gk, broken: s.cover.undecodable}
	switch {
	case gk == certificates:
		sink.more = &certificateSink{inv: s.inv, broken: s.cover.undecodable, keystore: s.retryKeystore}
	case gk == requests:
		sink.more = &requestSink{facts: facts{inv: s.inv, origin: originRequests}, reducer: s.reducer, broken: s.cover.undecodable}
	case profile.Reducible(gk):
		sink.more = &profileSink{store: s.profile, gk: gk, broken: s.cover.undecodable}
	}
	return sink
}

// forgetKind removes what a kind that is gone left behind.
func (s *session) forgetKind(gk schema.GroupKind) {
	sink := s.tableSink(gk)
	sink.Begin()
	sink.End()
}
