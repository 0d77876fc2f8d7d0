package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/standin"
)

// fleetSmall is how many members the figures about failures are measured with.
const fleetSmall = 10

// fleetHanging measures what a member that hangs on every call costs the others.
func fleetHanging(ctx context.Context, h *fleetHub) (figures []figure, err error) {
	fleet, err := h.smallFleet(ctx, nil, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, fleet.Stop()) }()
	clusters := fleet.Clusters()
	var with, without []float64
	for i := range *fleetPairs {
		for _, hangs := range []bool{i%2 == 0, i%2 != 0} { // in turn, and each as often first
			seconds, err := h.changeBeside(ctx, clusters, 2*i+1+btoi(hangs), hangs)
			if err != nil {
				return nil, err
			}
			h.say(fmt.Sprintf("pair %d: %.2f s, hanging: %v", i+1, seconds, hangs))
			if hangs {
				with = append(with, seconds)
			} else {
				without = append(without, seconds)
			}
		}
	}
	return []figure{{
		name: "fleet_one_hanging", value: median(with) / median(without), unit: "ratio", budget: "<= 1.1",
		note: fmt.Sprintf("one issuer change to 9 members beside one that hangs: %s; beside one that does not: %s", precise(with), precise(without)),
	}}, nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// precise lists seconds that are small.
func precise(values []float64) string {
	text := ""
	for i, v := range values {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%.3f", v)
	}
	return text
}

// smallFleet starts a hub with ten members, all in sync.
func (h *fleetHub) smallFleet(ctx context.Context, tier func(int) string, change func(*v1alpha1.TLSPlatformSpec)) (*standin.Fleet, error) {
	fleet, err := simulate(ctx, fleetSmall)
	if err != nil {
		return nil, err
	}
	err = h.createPlatform(ctx, change)
	if err == nil {
		err = h.join(ctx, fleet.Clusters(), tier)
	}
	if err == nil {
		err = h.start(ctx)
	}
	if err == nil {
		h.say("ten members")
		err = h.waitMembers(ctx, fleetSmall, inSync)
	}
	if err == nil {
		err = h.restBegins(ctx, fleet.Clusters())
	}
	if err != nil {
		return nil, errors.Join(err, fleet.Stop())
	}
	return fleet, nil
}

// changeBeside times a change until all but the first member have it, which may
// hang from the moment of the change on. Then it is healed and waited for.
func (h *fleetHub) changeBeside(ctx context.Context, clusters []*standin.Cluster, n int, hangs bool) (float64, error) {
	if hangs {
		if err := clusters[0].SetFault(ctx, standin.Fault{Kind: standin.Hanging}); err != nil {
			return 0, err
		}
	}
	started := time.Now()
	if err := h.changeIssuer(ctx, n); err != nil {
		return 0, err
	}
	if err := awaitAll(ctx, clusters[1:], benchIssuer, hasMark(n)); err != nil {
		return 0, err
	}
	seconds := time.Since(started).Seconds()
	if err := clusters[0].SetFault(ctx, standin.Fault{}); err != nil {
		return 0, err
	}
	if err := awaitAll(ctx, clusters, benchIssuer, hasMark(n)); err != nil {
		return 0, err
	}
	if err := h.waitMembers(ctx, len(clusters), inSync); err != nil {
		return 0, err
	}
	return seconds, h.restBegins(ctx, clusters)
}
