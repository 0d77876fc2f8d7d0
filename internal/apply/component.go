package apply

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// component applies a part that comes from a chart: the wanted release, or the
// last healthy one when the wanted never became healthy. While the plan holds
// the part (a registry is down, values are wrong), what is in force is still
// kept as it was.
func (r *run) component(ctx context.Context, p *desired.Part, out *observed.Part) {
	state := r.ledger.Releases[p.Name]
	objects, want := p.Objects, p.Release
	if p.Hold != nil || want == nil {
		r.heldComponent(ctx, p, state, out)
		return
	}
	// Whether time is up is decided below, once its health is known.
	next, useWant := decideRelease(state, *want, releaseVerdict{now: r.Now(), timeout: math.MaxInt64})
	if next.Current.Key != state.Current.Key || state.Current.Key == "" {
		if err := r.store(ctx, p, next); err != nil {
			r.fail(p, out, err)
			return
		}
	}
	if !useWant {
		r.rollBack(ctx, p, next, out)
		return
	}
	bad, ok := r.applyRelease(ctx, p, objects, out)
	if !ok {
		r.ledger.Releases[p.Name] = next
		return
	}
	wasHealthy := next.Healthy != nil && next.Healthy.Key == next.Current.Key
	verdict := releaseVerdict{now: r.Now(), timeout: p.HealthTimeout, healthy: len(bad) == 0, message: sentence(bad)}
	next, useWant = decideRelease(next, *want, verdict)
	r.ledger.Releases[p.Name] = next
	if !useWant {
		r.rollBack(ctx, p, next, out)
		return
	}
	r.ready[p.Name] = verdict.healthy || wasHealthy && serving(bad)
	r.describe(p, next, verdict, wasHealthy, out)
}

// applyRelease writes a release and judges it; ok is false when that failed.
func (r *run) applyRelease(ctx context.Context, p *desired.Part, objects []*unstructured.Unstructured, out *observed.Part) (bad []observed.Finding, ok bool) {
	if err := r.write(ctx, p, objects, out); err != nil {
		r.fail(p, out, err)
		return nil, false
	}
	return r.judge(ctx, p, objects, out)
}

// describe says how a release that is in force as wanted is doing.
func (r *run) describe(p *desired.Part, state ledger.ReleaseState, v releaseVerdict, wasHealthy bool, out *observed.Part) {
	out.Version, out.Digest = state.Current.Version, state.Current.Digest
	left := p.HealthTimeout - v.now.Sub(state.Since)
	switch {
	case v.healthy:
		out.State, out.Reason = observed.PartReady, v1alpha1.ReasonAvailable
		out.Message = fmt.Sprintf("%s %s is available", p.Name, out.Version)
	case wasHealthy && serving(out.Unhealthy):
		out.State, out.Reason = observed.PartProgressing, v1alpha1.ReasonProgressing
		out.Message = fmt.Sprintf("%s %s is being rolled out again: %s", p.Name, out.Version, v.message)
	case wasHealthy:
		out.State, out.Reason = observed.PartUnhealthy, v1alpha1.ReasonUnhealthy
		out.Message = fmt.Sprintf("%s %s was available and no longer is: %s", p.Name, out.Version, v.message)
	case left > 0:
		out.State, out.Reason = observed.PartProgressing, v1alpha1.ReasonProgressing
		out.Message = fmt.Sprintf("%s %s was applied and is not available yet: %s", p.Name, out.Version, v.message)
		r.recheck(left)
	default:
		out.State, out.Reason, out.Terminal = observed.PartFailed, v1alpha1.ReasonHealthTimeout, true
		out.Message = fmt.Sprintf("%s %s did not become available within %s, and there is no earlier healthy plan to go back to: %s; change the version or the values",
			p.Name, out.Version, p.HealthTimeout, v.message)
	}
}

// rollBack keeps the last healthy release in force.
func (r *run) rollBack(ctx context.Context, p *desired.Part, state ledger.ReleaseState, out *observed.Part) {
	r.ledger.Releases[p.Name] = state
	objects, found, err := r.releases.get(ctx, p.Name, state.Current.Key)
	if err == nil && !found {
		err = fmt.Errorf("release %s of %s is no longer stored: change the version to one that works", state.Current.Version, p.Name)
	}
	if err != nil {
		r.fail(p, out, err)
		return
	}
	bad, ok := r.applyRelease(ctx, p, objects, out)
	if !ok {
		return
	}
	r.ready[p.Name] = serving(bad)
	out.Version, out.Digest = state.Current.Version, state.Current.Digest
	out.State, out.Reason, out.Terminal = observed.PartFailed, v1alpha1.ReasonRolledBack, true
	out.Message = fmt.Sprintf("%s %s did not become available within %s (%s); rolled back to %s. Change the version or the values: the same plan is not tried again",
		p.Name, state.FailedVersion, p.HealthTimeout, state.FailedMessage, state.Current.Version)
}

// heldComponent keeps what is in force while the plan can't be followed.
func (r *run) heldComponent(ctx context.Context, p *desired.Part, state ledger.ReleaseState, out *observed.Part) {
	if p.Hold == nil { // no longer declared: it is pruned, and its releases after it
		if _, err := r.releases.data(ctx, p.Name); err != nil {
			r.fail(p, out, err)
			return
		}
		delete(r.ledger.Releases, p.Name)
		out.State, out.Reason = observed.PartEmpty, v1alpha1.ReasonAbsent
		return
	}
	r.keep(p)
	if state.Current.Key != "" {
		objects, found, err := r.releases.get(ctx, p.Name, state.Current.Key)
		if err != nil {
			r.fail(p, out, err)
			return
		}
		if found {
			bad, ok := r.applyRelease(ctx, p, objects, out)
			if !ok {
				return
			}
			r.ready[p.Name] = serving(bad)
		}
		out.Version, out.Digest = state.Current.Version, state.Current.Digest
	}
	out.State, out.Reason, out.Message, out.Terminal = observed.PartHeld, p.Hold.Reason, p.Hold.Message, p.Hold.Terminal
	if !p.Hold.Terminal {
		r.recheck(holdRecheck)
	}
}

// holdRecheck is how often what can end without an event (a registry that is
// down, a Secret that may not be watched) is looked at again.
const holdRecheck = 15 * time.Second

// store keeps the wanted release beside the last healthy one, before it is
// applied, so that it can be put back and repaired without the registry.
func (r *run) store(ctx context.Context, p *desired.Part, state ledger.ReleaseState) error {
	installer, err := r.clientFor(ctx, desired.IdentityInstaller)
	if err != nil {
		return err
	}
	var keep []string
	if state.Healthy != nil {
		keep = append(keep, state.Healthy.Key)
	}
	return r.releases.put(ctx, installer, p.Name, state.Current.Key, p.Objects, keep...)
}

// serving says whether everything that was found still does its work.
func serving(findings []observed.Finding) bool {
	return !slices.ContainsFunc(findings, func(f observed.Finding) bool { return !f.Serving })
}

// maxFindings bounds how many objects a message lists.
const maxFindings = 3

// sentence joins findings for a condition's message.
func sentence(findings []observed.Finding) string {
	parts := make([]string, 0, maxFindings+1)
	for i, f := range findings {
		if i == maxFindings {
			parts = append(parts, fmt.Sprintf("and %d more", len(findings)-maxFindings))
			break
		}
		parts = append(parts, f.Object+": "+f.Message)
	}
	return strings.Join(parts, "; ")
}
