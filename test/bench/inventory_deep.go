package main

import (
	"context"
	"fmt"
	"slices"
)

// deepLook is what is measured once, at an agent that has settled.
type deepLook struct {
	world *inventoryWorld

	scrapes []scrape
	changes []change
	writes  []float64
	// Keys in all of the process's memory and in live objects; later is after
	// the changes.
	memory, memoryLater keySearch
	heap, heapLater     keySearch
	// unreferenced is the number of loaded Secrets that nothing names.
	unreferenced int
}

// take measures. Everything that changes the agent's memory comes after what
// looks at it.
func (d *deepLook) take(ctx context.Context, a *agentRun) error {
	d.unreferenced = (d.world.loader.loaded + usedShare - 1) / usedShare
	for range inventoryScrapes {
		s, err := scrapeOnce(ctx, a.address)
		if err != nil {
			return err
		}
		d.scrapes = append(d.scrapes, s)
	}
	s, err := keySearcher(d.world.loader.needles...)
	if err != nil {
		return fmt.Errorf("preparing the search for keys: %w", err)
	}
	if d.memory, err = memoryKeys(s, a.pid()); err != nil {
		return err
	}
	if d.heap, err = d.dumpedKeys(ctx, a, s); err != nil {
		return err
	}
	d.world.say(fmt.Sprintf("keys in live objects: %s; in all memory: %s", d.heap, d.memory))
	d.world.say(fmt.Sprintf("renewing %d certificates, one after the other", min(changeCount, d.world.loader.loaded)))
	if d.changes, d.writes, err = d.world.changes(ctx, a.address); err != nil {
		return err
	}
	if s, err = keySearcher(slices.Concat(d.world.loader.needles, d.world.loader.renewed)...); err != nil {
		return fmt.Errorf("preparing the search for keys: %w", err)
	}
	if d.memoryLater, err = memoryKeys(s, a.pid()); err != nil {
		return err
	}
	d.heapLater, err = d.dumpedKeys(ctx, a, s)
	return err
}

func (d *deepLook) dumpedKeys(ctx context.Context, a *agentRun, s *searcher) (keySearch, error) {
	file := d.world.file("agent.heap")
	if err := a.ask("dump " + file); err != nil {
		return keySearch{}, err
	}
	if _, err := a.await(ctx, wordDumped); err != nil {
		return keySearch{}, err
	}
	return heapKeys(s, file)
}

func (d *deepLook) figures() []figure {
	last := d.scrapes[len(d.scrapes)-1]
	both := collect(d.changes, func(c change) float64 { return c.both })
	slice := collect(d.changes, func(c change) float64 { return c.slice })
	total := 0.0
	for _, n := range d.writes {
		total += n
	}
	return []figure{
		{
			name: "inventory_scrape", value: median(collect(d.scrapes, func(s scrape) float64 { return s.seconds })), unit: "s", budget: "<= 0.3",
			note: fmt.Sprintf("median of %d; %d series of loaded Secrets; %d unreferenced, of which %d were loaded so",
				len(d.scrapes), last.certificates, last.unreferenced, d.unreferenced),
		},
		{name: "inventory_scrape_size", value: float64(last.bytes) / mebibyte, unit: "MiB", budget: "<= 12", note: "without compression"},
		{
			name: "inventory_change_p99", value: percentile(both, 0.99), unit: "s", budget: "<= 1",
			note: fmt.Sprintf("%d changes until in a slice and in the metrics, a scrape included; p50 %.2f; slice alone p50 %.2f p99 %.2f",
				len(both), percentile(both, 0.5), percentile(slice, 0.5), percentile(slice, 0.99)),
		},
		{
			name: "inventory_change_writes", value: slices.Max(d.writes), unit: "writes", budget: "<= 2",
			note: fmt.Sprintf("the most for one change, from the audit log; mean %.2f", total/float64(len(d.writes))),
		},
		{
			name: "inventory_keys_live_heap", value: float64(d.heap.keys), unit: "keys", budget: "0",
			note: fmt.Sprintf("after the start: %s; after the changes, with the last one in its connection: %s", d.heap, d.heapLater),
		},
		{
			name: "inventory_keys_in_memory", value: float64(max(d.memory.keys, d.memoryLater.keys)), unit: "keys",
			note: fmt.Sprintf("all writable memory, garbage included; after the start: %s; after the changes: %s", d.memory, d.memoryLater),
		},
	}
}
