package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness/charts"
	"github.com/tlsplatform/tls-platform-operator/test/scenarios"
)

// installPairs is how often both ways of installing are timed, in turn.
const installPairs = 3

// mainGroup are the figures of the main job.
func mainGroup(ctx context.Context) ([]figure, error) {
	say := progress(time.Now())
	var ours, helms []float64
	for i := range installPairs {
		say(fmt.Sprintf("pair %d of %d: helm alone", i+1, installPairs))
		seconds, err := timeHelm(ctx, fmt.Sprintf("helm-%d", i), say)
		if err != nil {
			return nil, err
		}
		helms = append(helms, seconds)
		if i == installPairs-1 {
			break // the last pair's other half goes on to the steady figures
		}
		say(fmt.Sprintf("pair %d of %d: the platform", i+1, installPairs))
		if seconds, err = timePlatform(ctx, fmt.Sprintf("ours-%d", i), say); err != nil {
			return nil, err
		}
		ours = append(ours, seconds)
	}
	say(fmt.Sprintf("pair %d of %d: the platform, which then stays", installPairs, installPairs))
	w, err := scenarios.New(ctx, "steady", say)
	if err != nil {
		return nil, fmt.Errorf("starting: %w", err)
	}
	defer func() { _ = w.Stop() }()
	seconds, err := applyToReady(ctx, w)
	if err != nil {
		return nil, err
	}
	ours = append(ours, seconds)
	figures := []figure{{
		name: "apply_to_ready", value: median(ours), unit: "s", floor: median(helms), budget: "ratio <= 1.3",
		note: fmt.Sprintf("medians of %d; helm %s; platform %s", installPairs, list(helms), list(ours)),
	}}
	rest, err := steady(ctx, w, say)
	return append(figures, rest...), err
}

func timeHelm(ctx context.Context, name string, say func(string)) (float64, error) {
	w, err := scenarios.New(ctx, name, say)
	if err != nil {
		return 0, fmt.Errorf("starting: %w", err)
	}
	defer func() { _ = w.Stop() }()
	crds := map[string]any{"enabled": true}
	started := time.Now()
	// The same values as the platform sets: no start-up check, which helm would
	// wait for.
	err = w.HelmInstall(ctx, charts.CertManager, "cert-manager", charts.CertManagerVersion, map[string]any{
		"crds": crds, "startupapicheck": map[string]any{"enabled": false},
	})
	if err != nil {
		return 0, fmt.Errorf("the floor: %w", err)
	}
	if err := w.HelmInstall(ctx, charts.TrustManager, "cert-manager", charts.TrustManagerVersion, map[string]any{"crds": crds}); err != nil {
		return 0, fmt.Errorf("the floor: %w", err)
	}
	return time.Since(started).Seconds(), nil
}

func timePlatform(ctx context.Context, name string, say func(string)) (float64, error) {
	w, err := scenarios.New(ctx, name, say)
	if err != nil {
		return 0, fmt.Errorf("starting: %w", err)
	}
	defer func() { _ = w.Stop() }()
	return applyToReady(ctx, w)
}

// applyToReady times from the apply of the whole sample to its components being
// ready.
func applyToReady(ctx context.Context, w *scenarios.World) (float64, error) {
	if err := w.InstallOperator(ctx); err != nil {
		return 0, fmt.Errorf("installing: %w", err)
	}
	platform, err := w.SamplePlatform(nil)
	if err != nil {
		return 0, fmt.Errorf("reading the sample: %w", err)
	}
	manifest, err := yaml.Marshal(platform)
	if err != nil {
		return 0, fmt.Errorf("writing the sample: %w", err)
	}
	started := time.Now()
	if err := w.Apply(ctx, string(manifest)); err != nil {
		return 0, fmt.Errorf("applying the sample: %w", err)
	}
	if _, err := w.WaitPlatform(ctx, v1alpha1.ConditionComponentsReady, metav1.ConditionTrue, ""); err != nil {
		return 0, fmt.Errorf("waiting for the components: %w", err)
	}
	return time.Since(started).Seconds(), nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}

// percentile by the nearest rank.
func percentile(values []float64, p float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	rank := int(float64(len(sorted))*p+0.999999) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}

func list(values []float64) string {
	text := ""
	for i, v := range values {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%.1f", v)
	}
	return text
}
