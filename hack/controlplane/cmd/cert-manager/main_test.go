package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	utilfeature "github.com/cert-manager/cert-manager/pkg/util/feature"

	"github.com/cert-manager/cert-manager/tlsplatform/internal/cainjector"
	"github.com/cert-manager/cert-manager/tlsplatform/internal/controller"
	"github.com/cert-manager/cert-manager/tlsplatform/internal/webhook"
)

// The gates of all programs register in one place, so each program's list is
// written down; a gate that is new in cert-manager must not be forgotten there.
func TestEveryFeatureGateBelongsToAProgram(t *testing.T) {
	var listed, registered []string
	for _, gate := range slices.Concat(controller.Gates(), webhook.Gates(), cainjector.Gates()) {
		listed = append(listed, string(gate))
	}
	for gate := range utilfeature.DefaultMutableFeatureGate.GetAll() {
		if gate != "AllAlpha" && gate != "AllBeta" {
			registered = append(registered, string(gate))
		}
	}
	slices.Sort(listed)
	slices.Sort(registered)
	if diff := cmp.Diff(registered, slices.Compact(listed)); diff != "" {
		t.Errorf("feature gates (-registered +listed):\n%s", diff)
	}
}

func TestExitCode(t *testing.T) {
	tests := map[string]struct {
		err  error
		want int
	}{
		"success":           {want: 0},
		"told to end":       {err: fmt.Errorf("running: %w", context.Canceled), want: 0},
		"failed":            {err: errors.New("failed"), want: 1},
		"not ready in time": {err: fmt.Errorf("waiting: %w", context.DeadlineExceeded), want: 124},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := run(func(context.Context, []string, io.Writer) error { return test.err }, nil)
			if got != test.want {
				t.Errorf("want %d, got %d", test.want, got)
			}
		})
	}
}
