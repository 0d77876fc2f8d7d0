package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"time"
)

const (
	// inventoryRuns is how often the agent and the floor are started, in turn.
	inventoryRuns = 3
	// inventoryScrapes are timed.
	inventoryScrapes = 5
	// mebibyte in bytes.
	mebibyte = 1 << 20
)

// scale shrinks the load, for trying out.
var scale = flag.Float64("scale", 1, "share of the objects that the group inventory loads")

// inventorySizes are the numbers of TLS Secrets that the inventory is measured
// at. The figures are those of the second; all three show the growth.
var inventorySizes = [...]int{5_000, 20_000, 50_000}

// mainSize is the one of inventorySizes that the figures are of.
const mainSize = 1

// sized is what was measured at a size.
type sized struct {
	count   int
	runs    []agentRun
	floors  []float64
	shipped []footprint
}

// inventoryGroup measures the agent: what the inventory of a large cluster
// takes.
func inventoryGroup(ctx context.Context) (figures []figure, err error) {
	say := progress(time.Now())
	w, err := newInventoryWorld(ctx, say)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			w.Env.MarkFailed()
		}
		err = errors.Join(err, w.stop())
	}()
	empty, err := w.measureSize(ctx, 1, nil)
	if err != nil {
		return nil, fmt.Errorf("in an empty cluster: %w", err)
	}
	var all []sized
	for i, full := range inventorySizes {
		if err := w.loader.grow(ctx, int(math.Round(float64(full)**scale)), say); err != nil {
			return figures, fmt.Errorf("loading: %w", err)
		}
		var deep *deepLook
		shipped := 1
		if i == mainSize {
			deep = &deepLook{world: w}
			shipped = inventoryRuns
		}
		s, err := w.measureSize(ctx, shipped, deep)
		if err != nil {
			return figures, fmt.Errorf("with %d certificates: %w", w.loader.loaded, err)
		}
		if i == mainSize {
			figures = append(figures, s.figures(empty)...)
			figures = append(figures, deep.figures()...)
		}
		all = append(all, s)
	}
	return append(figures, growth(all, empty)...), nil
}

// measureSize starts the floor and the agent in turn, and then the shipped agent
// some times.
func (w *inventoryWorld) measureSize(ctx context.Context, shipped int, deep *deepLook) (sized, error) {
	s := sized{count: w.loader.loaded}
	for i := range inventoryRuns {
		floor, err := w.floorSeconds(ctx)
		if err != nil {
			return s, err
		}
		last := i == inventoryRuns-1
		var look *deepLook
		if last {
			look = deep
		}
		run, err := w.runAgent(ctx, last, look)
		if err != nil {
			return s, err
		}
		w.say(fmt.Sprintf("%d certificates, run %d of %d: floor %.2f s, agent %.2f s, %s",
			s.count, i+1, inventoryRuns, floor, run.sync, run.published))
		s.floors = append(s.floors, floor)
		s.runs = append(s.runs, run)
	}
	for range shipped {
		memory, err := w.shippedMemory(ctx)
		if err != nil {
			return s, err
		}
		w.say(fmt.Sprintf("%d certificates: RSS %.1f MiB, anonymous %.1f, peak %.1f", s.count, memory.rss, memory.anon, memory.peak))
		s.shipped = append(s.shipped, memory)
	}
	return s, nil
}

// runAgent runs the agent once. With settle it takes until everything is
// published, and looks at what is alive then.
func (w *inventoryWorld) runAgent(ctx context.Context, settle bool, deep *deepLook) (_ agentRun, err error) {
	a, err := w.startAgent(ctx)
	if err != nil {
		return agentRun{}, err
	}
	defer func() { err = errors.Join(err, a.stop()) }()
	if err := w.waitPublished(ctx, a, settle); err != nil || !settle {
		return *a, err
	}
	if deep != nil {
		if err := deep.take(ctx, a); err != nil {
			return *a, err
		}
	}
	err = a.liveHeap(ctx)
	return *a, err
}

func (s sized) rss() float64 {
	return median(collect(s.shipped, func(f footprint) float64 { return f.rss }))
}

func (s sized) last() agentRun { return s.runs[len(s.runs)-1] }

// figures of the agent's starts.
func (s sized) figures(empty sized) []figure {
	syncs := collect(s.runs, func(r agentRun) float64 { return r.sync })
	rss := collect(s.shipped, func(f footprint) float64 { return f.rss })
	return []figure{
		{
			name: "inventory_sync", value: median(syncs), unit: "s", floor: median(s.floors), budget: "ratio <= 2",
			note: fmt.Sprintf("%d certificates, references included; medians of %d; floor %s; agent %s; %s",
				s.count, len(s.runs), list(s.floors), list(syncs), s.last().published),
		},
		{
			name: "inventory_rss", value: s.rss(), unit: "MiB", budget: "<= 96",
			note: fmt.Sprintf("the shipped program after publishing and %d scrapes; starts %s; anonymous %s; peak %s", settledScrapes, list(rss),
				list(collect(s.shipped, func(f footprint) float64 { return f.anon })), list(collect(s.shipped, func(f footprint) float64 { return f.peak }))),
		},
		{
			name: "inventory_bytes_per_cert", value: (s.rss() - empty.rss()) * mebibyte / float64(s.count), unit: "B",
			note: fmt.Sprintf("of RSS, over %.1f MiB in an empty cluster; of live heap %.0f",
				empty.rss(), (s.last().heap-empty.last().heap)/float64(s.count)),
		},
	}
}

// growth compares the sizes. Memory is that of live objects beyond those in an
// empty cluster: RSS would hide growth behind what every process has.
func growth(all []sized, empty sized) []figure {
	var times, floors, heaps []point
	timeNote, heapNote := "", ""
	for _, s := range all {
		size := float64(s.count)
		took := median(collect(s.runs, func(r agentRun) float64 { return r.sync }))
		times = append(times, point{size, took})
		floors = append(floors, point{size, median(s.floors)})
		heaps = append(heaps, point{size, s.last().heap - empty.last().heap})
		timeNote += fmt.Sprintf("%d: %.2f s (floor %.2f); ", s.count, took, median(s.floors))
		heapNote += fmt.Sprintf("%d: %.1f MiB (RSS %.1f); ", s.count, s.last().heap/mebibyte, s.rss())
	}
	return []figure{
		{name: "inventory_growth_time", value: slope(times), floor: slope(floors), unit: "slope", budget: "<= 1.05", note: timeNote + "log-log"},
		{name: "inventory_growth_bytes", value: slope(heaps), unit: "slope", budget: "<= 1.05", note: heapNote + "live heap over an empty cluster's, log-log"},
	}
}
