package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// agentRun is what one start of the agent showed. Times are in seconds since the
// start of its process.
type agentRun struct {
	*child
	address string
	started time.Time
	pages   *pages

	sync      float64
	heap      float64 // bytes of live objects
	published string  // when pages were written, in words
}

// startAgent starts an agent in a cluster that never had one, and returns when it
// has read everything. What it exports is compared with what was loaded.
func (w *inventoryWorld) startAgent(ctx context.Context) (*agentRun, error) {
	if err := w.forget(ctx); err != nil {
		return nil, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	published, err := w.watchPages(ctx)
	if err != nil {
		return nil, err
	}
	a := &agentRun{address: address, pages: published, started: time.Now()}
	a.child, err = startChild(ctx, w.childLog("agent"), agentChild, "-kubeconfig", w.kubeconfig, "-metrics", address)
	if err != nil {
		published.watch.Stop()
		return nil, err
	}
	if err := w.waitSynced(ctx, a); err != nil {
		w.Env.MarkFailed()
		return nil, errors.Join(err, a.stop())
	}
	return a, nil
}

func (w *inventoryWorld) waitSynced(ctx context.Context, a *agentRun) error {
	text, err := a.await(ctx, wordSynced)
	if err != nil {
		return err
	}
	if a.sync, err = strconv.ParseFloat(text, 64); err != nil {
		return fmt.Errorf("reading the agent's time: %w", err)
	}
	return w.expectAll(ctx, a.address)
}

// expectAll compares what an agent exports that says it has read everything with
// what was loaded.
func (w *inventoryWorld) expectAll(ctx context.Context, address string) error {
	s, err := scrapeOnce(ctx, address)
	if err == nil && s.certificates != w.loader.loaded {
		err = fmt.Errorf("the agent has read everything, and exports %d of %d certificates", s.certificates, w.loader.loaded)
	}
	return err
}

// stop ends the agent.
func (a *agentRun) stop() error {
	a.pages.watch.Stop()
	if err := a.child.stop(); err != nil {
		return fmt.Errorf("stopping the agent: %w; its log ends:\n%s", err, a.tail())
	}
	return nil
}

// liveHeap asks for the bytes of live objects.
func (a *agentRun) liveHeap(ctx context.Context) error {
	if err := a.ask(wordHeap); err != nil {
		return err
	}
	text, err := a.await(ctx, wordHeap)
	if err != nil {
		return err
	}
	if a.heap, err = strconv.ParseFloat(text, 64); err != nil {
		return fmt.Errorf("reading the agent's heap: %w", err)
	}
	return nil
}

// waitPublished waits until everything is published, or the first page is.
func (w *inventoryWorld) waitPublished(ctx context.Context, a *agentRun, everything bool) error {
	wait := a.pages.waitFirst
	if everything {
		wait = func(ctx context.Context, ended <-chan struct{}) error { return w.settle(ctx, a.pages, ended) }
	}
	if err := wait(ctx, a.gone); err != nil {
		return fmt.Errorf("%w; the agent's log ends:\n%s", err, a.tail())
	}
	first, last, count := a.pages.seen()
	a.published = fmt.Sprintf("first slice after %.2f s", first.Sub(a.started).Seconds())
	if everything {
		a.published += fmt.Sprintf(", all %d after %.1f s", count, last.Sub(a.started).Seconds())
	}
	return nil
}

// floorSeconds runs the floor once.
func (w *inventoryWorld) floorSeconds(ctx context.Context) (float64, error) {
	c, err := startChild(ctx, w.childLog("floor"), floorChild, "-kubeconfig", w.kubeconfig)
	if err != nil {
		return 0, err
	}
	text, err := c.await(ctx, wordSynced)
	if err := errors.Join(err, c.stop()); err != nil {
		return 0, fmt.Errorf("the floor: %w", err)
	}
	words := strings.Fields(text)
	if len(words) != 2 || words[1] != strconv.Itoa(w.loader.loaded) {
		return 0, fmt.Errorf("the floor read %q, want %d certificates", text, w.loader.loaded)
	}
	return strconv.ParseFloat(words[0], 64)
}
