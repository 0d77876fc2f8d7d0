package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Flags that shrink the group fleet, for trying out.
var (
	fleetMembers = flag.Int("members", 500, "simulated members of the largest fleet that the group fleet measures")
	fleetReal    = flag.Int("real", 10, "real members that the group fleet measures; three have operands")
	fleetKills   = flag.Int("kills", 50, "kills of the hub during a rollout")
	fleetPairs   = flag.Int("pairs", 5, "pairs of changes with and without a member that hangs")
	fleetRest    = flag.Duration("rest", 2*time.Minute, "how long a fleet at rest is looked at")
	fleetParts   = flag.String("parts", "real,scale,hanging,kills", "parts of the group fleet that are measured")
)

// fleetGroup measures the hub of many clusters.
func fleetGroup(ctx context.Context) (figures []figure, err error) {
	say := progress(time.Now())
	parts := []struct {
		name string
		run  func(context.Context, *fleetHub) ([]figure, error)
	}{
		{"real", fleetOfReal}, {"scale", fleetScale}, {"hanging", fleetHanging}, {"kills", fleetRolloutKills},
	}
	wanted := strings.Split(*fleetParts, ",")
	for _, part := range parts {
		if !slices.Contains(wanted, part.name) {
			continue
		}
		more, err := fleetPart(ctx, part.name, part.run, say)
		figures = append(figures, more...)
		if err != nil {
			return figures, fmt.Errorf("fleet, %s: %w", part.name, err)
		}
	}
	return figures, nil
}

// fleetPart runs one part with a hub of its own.
func fleetPart(ctx context.Context, name string, run func(context.Context, *fleetHub) ([]figure, error), say func(string)) (figures []figure, err error) {
	h, err := newFleetHub(ctx, "hub-"+name, say)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			h.Env.MarkFailed()
		}
		err = errors.Join(err, h.stop())
	}()
	return run(ctx, h)
}
