package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
	"github.com/tlsplatform/tls-platform-operator/test/scenarios"
)

const (
	// realOperands is how many real members run cert-manager and trust-manager;
	// the others are an API server alone.
	realOperands = 3
	// realStarts is how many clusters are started at the same time.
	realStarts = 2
)

// fleetOfReal measures a fleet of real clusters.
func fleetOfReal(ctx context.Context, h *fleetHub) (_ []figure, err error) {
	members, err := h.startReal(ctx, *fleetReal)
	if err != nil {
		return nil, err
	}
	err = h.createPlatform(ctx, func(s *v1alpha1.TLSPlatformSpec) {
		// Without controllers nothing of cert-manager would ever run there.
		s.Overrides = append(s.Overrides, v1alpha1.Override{
			Name: tierLean, Selector: metav1.LabelSelector{MatchLabels: map[string]string{labelTier: tierLean}},
			Patch: apiextensionsv1.JSON{Raw: []byte(`{"components":{"certManager":null,"trustManager":null},"issuers":null,"policy":null,"trust":null}`)},
		})
	})
	if err != nil {
		return nil, err
	}
	if err := h.start(ctx); err != nil {
		return nil, err
	}
	if err := h.restBegins(ctx, nil); err != nil {
		return nil, err
	}
	alone, err := footprintOf(h.process.Pid())
	if err != nil {
		return nil, err
	}
	operated, stop := context.WithCancel(ctx)
	var lean sync.WaitGroup
	defer lean.Wait()
	defer stop()
	for _, c := range members[min(realOperands, len(members)):] {
		lean.Go(func() {
			if err := h.operateLean(operated, c); err != nil && operated.Err() == nil {
				h.say(fmt.Sprintf("cluster %s: %v", c.Name, err))
			}
		})
	}
	seconds, err := h.joinReal(ctx, members)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(h.restBegins(ctx, nil), pause(ctx, *fleetRest)); err != nil {
		return nil, err
	}
	with, err := footprintOf(h.process.Pid())
	if err != nil {
		return nil, err
	}
	count := float64(len(members))
	name := fmt.Sprintf("fleet%d_", len(members))
	return []figure{{
		name: name + "in_sync", value: seconds, unit: "s",
		note: fmt.Sprintf("from the MemberClusters to all in sync; %d with operands", min(realOperands, len(members))),
	}, {
		name: name + "rss_per_member", value: (with.rss - alone.rss) / count, unit: "MiB", budget: "<= 3",
		note: fmt.Sprintf("hub %.0f MiB with the members at rest, %.0f without any; anonymous %.0f and %.0f; peak %.0f", with.rss, alone.rss, with.anon, alone.anon, with.peak),
	}}, nil
}

// startReal starts the members' clusters.
func (h *fleetHub) startReal(ctx context.Context, count int) ([]*harness.Cluster, error) {
	clusters, errs := make([]*harness.Cluster, count), make([]error, count)
	places := make(chan struct{}, realStarts)
	var wg sync.WaitGroup
	for i := range count {
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			o := harness.ClusterOptions{Name: fmt.Sprintf("real-%d", i), Lean: i >= realOperands}
			if !o.Lean {
				o.Images = scenarios.Images(h.hub, h.agent)
			}
			h.say("starting cluster " + o.Name)
			clusters[i], errs[i] = h.Env.StartCluster(ctx, o)
		})
	}
	wg.Wait()
	return clusters, errors.Join(errs...)
}

// joinReal makes clusters members and returns how long it took until all were in
// sync, in seconds.
func (h *fleetHub) joinReal(ctx context.Context, clusters []*harness.Cluster) (float64, error) {
	started := time.Now()
	for i, c := range clusters {
		kubeconfig, err := os.ReadFile(c.Kubeconfig)
		if err != nil {
			return 0, fmt.Errorf("reading the kubeconfig of cluster %s: %w", c.Name, err)
		}
		tier := ""
		if i >= realOperands {
			tier = tierLean
		}
		if err := h.addMember(ctx, c.Name, kubeconfig, tier); err != nil {
			return 0, err
		}
	}
	if err := h.waitMembers(ctx, len(clusters), inSync); err != nil {
		return 0, err
	}
	return time.Since(started).Seconds(), nil
}
