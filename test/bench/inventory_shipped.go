package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"

	"github.com/tlsplatform/tls-platform-operator/test/harness/process"
)

// settledScrapes are made before memory is looked at.
const settledScrapes = 3

// buildShipped builds the program that is shipped. Memory is measured there: the
// one that measures links much more, and keeps much more of itself in memory.
func (w *inventoryWorld) buildShipped(ctx context.Context) error {
	w.say("building the agent")
	w.shipped = w.file("tls-platform-agent")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", w.shipped, "./cmd/tls-platform-agent")
	cmd.Dir = w.Root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the agent: %w\n%s", err, out)
	}
	return nil
}

// shippedMemory is the memory of the shipped agent, started anew, once all is
// published and was scraped.
func (w *inventoryWorld) shippedMemory(ctx context.Context) (_ footprint, err error) {
	if err := w.forget(ctx); err != nil {
		return footprint{}, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return footprint{}, err
	}
	published, err := w.watchPages(ctx)
	if err != nil {
		return footprint{}, err
	}
	defer published.watch.Stop()
	p, err := process.Start(ctx, process.Spec{
		Name: "agent", Path: w.shipped, LogFile: w.childLog("shipped"), Dir: filepath.Dir(w.shipped),
		Env: []string{"KUBECONFIG=" + w.kubeconfig},
		Args: []string{
			"agent", "--metrics-bind-address=" + address, "--metrics-secure=false",
			"--health-probe-bind-address=0", "--identity=shipped",
		},
	})
	if err != nil {
		return footprint{}, fmt.Errorf("starting the agent: %w", err)
	}
	defer func() { err = errors.Join(err, p.Stop(childGrace)) }()
	if err := w.settle(ctx, published, p.Done()); err != nil {
		return footprint{}, fmt.Errorf("%w; the agent's log ends:\n%s", err, p.Tail(logTail))
	}
	for range settledScrapes {
		if err := w.expectAll(ctx, address); err != nil {
			return footprint{}, err
		}
	}
	return footprintOf(p.Pid())
}

// logTail is how many lines of a log an error quotes.
const logTail = 15
