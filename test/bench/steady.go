package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/scenarios"
)

// steadySpan is how long a converged estate is looked at.
const steadySpan = 60 * time.Second

// settleSpan is how long nothing may be written before an estate counts as
// converged: event recorders send late and again.
const settleSpan = 15 * time.Second

// settleTries bounds how often that is looked at.
const settleTries = 6

// settle waits until the operator wrote nothing for settleSpan.
func settle(ctx context.Context, w *scenarios.World, say func(string)) error {
	for range settleTries {
		mark, err := w.MarkAudit()
		if err != nil {
			return fmt.Errorf("the audit log: %w", err)
		}
		if err := pause(ctx, settleSpan); err != nil {
			return err
		}
		events, err := w.AuditSince(mark)
		if err != nil {
			return fmt.Errorf("the audit log: %w", err)
		}
		if !slices.ContainsFunc(events, scenarios.AuditEvent.Write) {
			return nil
		}
		say("not settled yet")
	}
	return nil // then the figure shows it
}

// steady measures what a converged estate costs, and how fast drift is repaired.
func steady(ctx context.Context, w *scenarios.World, say func(string)) ([]figure, error) {
	if _, err := w.WaitPlatform(ctx, v1alpha1.ConditionReady, metav1.ConditionTrue, ""); err != nil {
		return nil, fmt.Errorf("waiting for the estate: %w", err)
	}
	say("a converged estate for 60 s")
	if err := settle(ctx, w, say); err != nil {
		return nil, err
	}
	mark, err := w.MarkAudit()
	if err != nil {
		return nil, fmt.Errorf("the audit log: %w", err)
	}
	if err := pause(ctx, steadySpan); err != nil {
		return nil, err
	}
	events, err := w.AuditSince(mark)
	if err != nil {
		return nil, fmt.Errorf("the audit log: %w", err)
	}
	var writes, reads int
	for _, e := range events {
		switch {
		case e.Write():
			writes++
			say("a write: " + e.String())
		case e.ObjectRef.Resource != "leases":
			reads++
		}
	}
	minutes := steadySpan.Minutes()
	figures := []figure{
		{name: "steady_writes", value: float64(writes), unit: "writes", budget: "0", note: "non-Lease writes in 60 s, from the audit log"},
		{name: "steady_reads", value: float64(reads) / minutes, unit: "1/min", note: "gets, lists and renewed watches, from the audit log"},
	}
	rss, err := memory(w, "VmRSS")
	if err != nil {
		return figures, err
	}
	figures = append(figures, figure{name: "hub_rss_steady", value: rss, unit: "MiB", budget: "<= 96"})

	say("200 edits by hand, one after the other, over all managed kinds")
	repairs, kinds, err := drift(ctx, w)
	if err != nil {
		return figures, err
	}
	peak, err := memory(w, "VmHWM")
	if err != nil {
		return figures, err
	}
	return append(figures,
		figure{name: "hub_rss_peak", value: peak, unit: "MiB", budget: "<= 160", note: "since start: install, rendering and repairs"},
		figure{name: "drift_repair_p99", value: percentile(repairs, 0.99), unit: "s", budget: "<= 2", note: fmt.Sprintf("%d edits over %d kinds", len(repairs), kinds)},
		figure{name: "drift_repair_p50", value: percentile(repairs, 0.50), unit: "s"},
	), nil
}

func pause(ctx context.Context, span time.Duration) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("waiting: %w", context.Cause(ctx))
	case <-time.After(span):
		return nil
	}
}

// memory of the hub's process in MiB, a field of /proc/PID/status.
func memory(w *scenarios.World, field string) (float64, error) {
	p, ok := w.Cluster.Node().Process(scenarios.SystemNamespace, "tls-platform-", "hub")
	if !ok {
		return 0, errors.New("the operator has no process")
	}
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", p.Pid()))
	if err != nil {
		return 0, fmt.Errorf("reading the memory of the hub: %w", err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 3 && words[0] == field+":" {
			kib, err := strconv.ParseFloat(words[1], 64)
			if err != nil {
				return 0, fmt.Errorf("reading %s: %w", field, err)
			}
			return kib / 1024, nil
		}
	}
	return 0, fmt.Errorf("the process status has no %s", field)
}
