package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/test/scenarios"
	"github.com/tlsplatform/tls-platform-operator/test/standin"
)

// hasMark says whether an issuer has what a change wrote.
func hasMark(n int) func(*unstructured.Unstructured) bool {
	return func(u *unstructured.Unstructured) bool {
		if u == nil {
			return false
		}
		points, _, _ := unstructured.NestedStringSlice(u.Object, "spec", "selfSigned", "crlDistributionPoints")
		return len(points) == 1 && points[0] == issuerMark(n)
	}
}

// awaitAll waits until an object is so in every cluster.
func awaitAll(ctx context.Context, clusters []*standin.Cluster, name string, cond func(*unstructured.Unstructured) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, fleetPatience, fmt.Errorf("not within %s", fleetPatience))
	defer cancel()
	errs := make([]error, len(clusters))
	var wg sync.WaitGroup
	for i, c := range clusters {
		wg.Go(func() { errs[i] = c.Await(ctx, scenarios.ClusterIssuers, "", name, cond) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// simulate starts stand-ins.
func simulate(ctx context.Context, members int) (*standin.Fleet, error) {
	fleet, err := standin.Start(ctx, standin.Options{Members: members, AgentVersion: "dev", Certificates: 100})
	if err != nil {
		return nil, fmt.Errorf("starting stand-ins: %w", err)
	}
	return fleet, nil
}

// join makes clusters members.
func (h *fleetHub) join(ctx context.Context, clusters []*standin.Cluster, tier func(int) string) error {
	for i, c := range clusters {
		kubeconfig, err := c.Kubeconfig()
		if err != nil {
			return err
		}
		label := ""
		if tier != nil {
			label = tier(i)
		}
		if err := h.addMember(ctx, c.Name, kubeconfig, label); err != nil {
			return err
		}
	}
	return nil
}

// fleetScale measures a fleet of simulated members at a fifth, at half, and at
// its full size.
func fleetScale(ctx context.Context, h *fleetHub) (figures []figure, err error) {
	full := *fleetMembers
	fleet, err := simulate(ctx, full)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, fleet.Stop()) }()
	if err := h.createPlatform(ctx, nil); err != nil {
		return nil, err
	}
	if err := h.start(ctx); err != nil {
		return nil, err
	}
	joined, mark := 0, 0
	for _, size := range []int{full / 5, full / 2, full} {
		h.say(fmt.Sprintf("%d simulated members", size))
		started := time.Now()
		if err := h.join(ctx, fleet.Clusters()[joined:size], nil); err != nil {
			return figures, err
		}
		joined = size
		if err := h.waitMembers(ctx, size, inSync); err != nil {
			return figures, err
		}
		took := time.Since(started).Seconds()
		h.say(fmt.Sprintf("%d members in sync after %.1f s", size, took))
		mark++
		more, err := h.measureSize(ctx, fleet.Clusters()[:size], mark, size == full, took)
		figures = append(figures, more...)
		if err != nil {
			return figures, err
		}
	}
	return figures, nil
}

// scaleChanges is how often the issuer is changed at each size.
const scaleChanges = 3

// measureSize measures a fleet that is in sync.
func (h *fleetHub) measureSize(ctx context.Context, clusters []*standin.Cluster, mark int, whole bool, took float64) ([]figure, error) {
	size := len(clusters)
	if err := h.restBegins(ctx, clusters); err != nil {
		return nil, err
	}
	rest, err := h.rest(ctx, clusters)
	if err != nil {
		return nil, err
	}
	memory, err := footprintOf(h.process.Pid())
	if err != nil {
		return nil, err
	}
	own, err := footprintOf(os.Getpid())
	if err != nil {
		return nil, err
	}
	h.say(fmt.Sprintf("the hub has %.0f MiB, the stand-ins with this program %.0f MiB", memory.rss, own.rss))
	var seconds, calls, home []float64
	for i := range scaleChanges {
		took, perMember, atHome, err := h.timeChange(ctx, clusters, mark*scaleChanges+i)
		if err != nil {
			return nil, err
		}
		seconds, calls, home = append(seconds, took), append(calls, perMember), append(home, atHome)
	}
	name := fmt.Sprintf("fleet%d_", size)
	figures := []figure{{
		name: name + "calls_per_member", value: median(calls), unit: "calls", budget: "the same for every size",
		note: fmt.Sprintf("for one changed issuer, with all that follows; at rest %.1f a minute; writes at home for it: %.1f a member", rest.calls, median(home)),
	}, {
		name: name + "change", value: median(seconds), unit: "s",
		note: fmt.Sprintf("one changed issuer reaches all: %s; joining took %.1f s", list(seconds), took),
	}, {
		name: name + "rss", value: memory.rss, unit: "MiB", budget: "<= 1536 at 500",
		note: fmt.Sprintf("at rest; anonymous %.0f, peak %.0f; %.2f MiB a member", memory.anon, memory.peak, memory.rss/float64(size)),
	}}
	if whole {
		figures = append(figures, figure{
			name: name + "writes", value: rest.writes, unit: "writes", budget: "0",
			note: fmt.Sprintf("non-Lease writes in %s at rest: %.0f in members, %.0f at home; %d watches in %d members", *fleetRest, rest.inMembers, rest.atHome, rest.watches, size),
		})
	}
	return figures, nil
}

// timeChange changes the issuer and returns when the last member had it, in
// seconds, and what that cost: calls a member, and writes at home a member.
func (h *fleetHub) timeChange(ctx context.Context, clusters []*standin.Cluster, n int) (seconds, calls, home float64, err error) {
	audit, err := h.MarkAudit()
	if err != nil {
		return 0, 0, 0, fmt.Errorf("the audit log: %w", err)
	}
	before, started := sum(clusters), time.Now()
	if err := h.changeIssuer(ctx, n); err != nil {
		return 0, 0, 0, err
	}
	if err := awaitAll(ctx, clusters, benchIssuer, hasMark(n)); err != nil {
		return 0, 0, 0, err
	}
	seconds = time.Since(started).Seconds()
	if err := h.waitMembers(ctx, len(clusters), inSync); err != nil {
		return 0, 0, 0, err
	}
	if err := h.restBegins(ctx, clusters); err != nil {
		return 0, 0, 0, err
	}
	after := sum(clusters)
	events, err := h.AuditSince(audit)
	if err != nil {
		return 0, 0, 0, fmt.Errorf("the audit log: %w", err)
	}
	resources := map[string]int64{}
	for _, e := range events {
		resources[e.Verb+" "+e.ObjectRef.Resource]++
		if e.Write() {
			home++
		}
	}
	size := float64(len(clusters))
	calls, home = float64(after.Calls()-before.Calls())/size, home/size
	h.say(fmt.Sprintf("changed issuer %d reached %d members after %.2f s; calls to members: %v; at home: %v",
		n, len(clusters), seconds, less(after.Requests, before.Requests), resources))
	return seconds, calls, home, nil
}

// restFigures are what a fleet at rest costs.
type restFigures struct {
	writes, inMembers, atHome float64
	calls                     float64 // a minute and member
	watches                   int64
}

// rest looks at a fleet at rest.
func (h *fleetHub) rest(ctx context.Context, clusters []*standin.Cluster) (restFigures, error) {
	audit, err := h.MarkAudit()
	if err != nil {
		return restFigures{}, fmt.Errorf("the audit log: %w", err)
	}
	before := sum(clusters)
	h.say(fmt.Sprintf("a fleet of %d at rest for %s", len(clusters), *fleetRest))
	if err := pause(ctx, *fleetRest); err != nil {
		return restFigures{}, err
	}
	after := sum(clusters)
	events, err := h.AuditSince(audit)
	if err != nil {
		return restFigures{}, fmt.Errorf("the audit log: %w", err)
	}
	f := restFigures{
		inMembers: float64(after.Writes - before.Writes), watches: after.Watches,
		calls: float64(after.Calls()-before.Calls()) / float64(len(clusters)) / fleetRest.Minutes(),
	}
	for _, e := range events {
		if e.Write() {
			f.atHome++
			if f.atHome <= tellWrites {
				h.say("a write at home: " + e.String())
			}
		}
	}
	f.writes = f.inMembers + f.atHome
	h.say(fmt.Sprintf("at rest: %v", less(after.Requests, before.Requests)))
	return f, nil
}

// tellWrites bounds how many writes are told.
const tellWrites = 10

// restBegins waits until nothing was written to members or at home for a while.
func (h *fleetHub) restBegins(ctx context.Context, clusters []*standin.Cluster) error {
	for range settleTries {
		audit, err := h.MarkAudit()
		if err != nil {
			return fmt.Errorf("the audit log: %w", err)
		}
		before := sum(clusters)
		if err := pause(ctx, settleSpan/3); err != nil {
			return err
		}
		events, err := h.AuditSince(audit)
		if err != nil {
			return fmt.Errorf("the audit log: %w", err)
		}
		writes := 0
		for _, e := range events {
			if e.Write() {
				writes++
			}
		}
		if sum(clusters).Writes == before.Writes && writes == 0 {
			return nil
		}
	}
	return nil // then the figure shows it
}

// sum of the counters of some clusters.
func sum(clusters []*standin.Cluster) standin.Counters {
	total := standin.Counters{Requests: map[string]int64{}}
	for _, c := range clusters {
		one := c.Counters()
		for verb, n := range one.Requests {
			total.Requests[verb] += n
		}
		total.Writes += one.Writes
		total.Received += one.Received
		total.Sent += one.Sent
		total.Watches += one.Watches
	}
	return total
}

// less is what was asked for in between.
func less(after, before map[string]int64) map[string]int64 {
	diff := map[string]int64{}
	for verb, n := range after {
		if n != before[verb] {
			diff[verb] = n - before[verb]
		}
	}
	return diff
}
