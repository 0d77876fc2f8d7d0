package agent

import (
	"context"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/publish"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

const (
	// idle is how often the agent looks at what time alone changes: buckets of
	// expiry, grace periods that end.
	idle = 30 * time.Second
	// retry is the pause after a write that failed.
	retry = 2 * time.Second
	// verifyInterval is how often pages are compared with what was written.
	verifyInterval = 10 * time.Minute
	// unlockInterval is how often the passwords of locked keystores are looked for
	// again.
	unlockInterval = 2 * time.Minute
)

// publication keeps what is published in step with the inventory.
type publication struct {
	*Agent
	pacer      publish.Pacer
	synced     bool
	profiled   bool         // everything was read once, under whatever rules
	pending    map[int]bool // shards
	dirtySince time.Time
	statusAt   time.Time // of the last write
	lookedAt   time.Time // at the status without writing
	verifiedAt time.Time
	unlockedAt time.Time // when locked keystores were last tried
	recheck    bool      // compare at once: somebody else may have written
	failedAt   time.Time
	news       news // of the estate
	conditions []metav1.Condition
}

// cheap are the views without referrers.
type cheap struct{ *inventory.Inventory }

// Each implements publish.Views and exposition.Views.
func (c cheap) Each(shard int, f func(*inventory.View)) { c.Facts(shard, f) }

// Views are what metrics and reports are made of.
func (a *Agent) Views() publish.Views { return cheap{a.inv} }

// step does what is due and says after how long the next step is.
func (p *publication) step(ctx context.Context) time.Duration {
	t := p.current.Load()
	if t == nil {
		return idle
	}
	if !p.synced && t.session.cover.complete() {
		p.sync(t.session)
	}
	now := p.clock.Now()
	wait := idle
	if p.synced {
		if now.Sub(p.unlockedAt) >= unlockInterval {
			p.unlockedAt = now
			t.session.retryLocked()
		}
		p.inv.Ripen()
		t.session.doubt()
		for _, shard := range p.inv.Judge() {
			if p.pending == nil {
				p.pending = map[int]bool{}
			}
			p.pending[shard] = true
		}
		if len(p.pending) > 0 && p.dirtySince.IsZero() {
			p.dirtySince = now
		}
	}
	if !p.leading.Load() {
		p.recheck = true // whoever leads meanwhile writes
		p.news.doubt()
		return wait
	}
	if rest := p.failedAt.Add(retry).Sub(now); !p.failedAt.IsZero() && rest > 0 {
		return rest
	}
	p.failedAt = time.Time{}
	wait = min(wait, p.tell(ctx))
	if p.synced {
		wait = min(wait, p.pages(ctx, now))
	}
	if p.reports(t) {
		wait = min(wait, p.status(ctx, t))
	}
	return max(wait, time.Millisecond)
}

// silence is how long a report of an earlier process stands while this one reads.
const silence = 2 * time.Minute

// reports says whether there is something to report: everything was read, or it
// is the first reading under these rules. An agent that only restarted has
// nothing new to say before it is done.
func (p *publication) reports(t *assignment) bool {
	before := &t.object.Status
	ready := meta.IsStatusConditionTrue(before.Conditions, v1alpha1.ConditionReady)
	return p.synced || !ready || before.ObservedGeneration != t.object.Generation || p.clock.Since(t.since) > silence
}

// sync ends the first reading of a session.
func (p *publication) sync(s *session) {
	p.synced = true
	p.inv.Retain(s.origins())
	p.inv.Judge()
	p.all()
	p.closePrivate()
	if p.Synced != nil {
		p.Synced()
	}
	// Reading everything leaves garbage that the next hours don't need.
	debug.FreeOSMemory()
}

// all has every page looked at again.
func (p *publication) all() {
	if p.pending == nil {
		p.pending = map[int]bool{}
	}
	for shard := range inventory.Shards {
		p.pending[shard] = true
	}
}

// pages writes the pages that changed, when they are due.
func (p *publication) pages(ctx context.Context, now time.Time) time.Duration {
	if p.recheck || now.Sub(p.verifiedAt) >= verifyInterval {
		if p.recheck || !p.verifiedAt.IsZero() {
			if drifted, err := p.Publisher.Verify(ctx); err != nil {
				p.failed(err, "Comparing the pages failed, trying again")
				return retry
			} else if drifted > 0 {
				p.Log.Info("Pages were changed by somebody else and are written again", "pages", drifted)
			}
			p.dirtySince = now
		}
		if err := p.tidy(ctx); err != nil {
			p.failed(err, "Removing what the prober left behind failed, trying again")
			return retry
		}
		p.verifiedAt, p.recheck = now, false
	}
	if p.dirtySince.IsZero() {
		return idle
	}
	if rest := p.pacer.Next(p.dirtySince).Sub(now); rest > 0 {
		return rest
	}
	shards := slices.Sorted(maps.Keys(p.pending))
	writes, err := p.Publisher.Pages(ctx, p.inv, shards)
	p.pacer.Wrote(p.clock.Now(), writes)
	if err != nil {
		p.failed(err, "Writing the list of certificates failed, trying again")
		return retry
	}
	p.pending, p.dirtySince = nil, time.Time{}
	return idle
}

// tidy removes the pages of the prober when it is no longer asked for: it may
// have been removed before it could do so itself.
func (p *publication) tidy(ctx context.Context) error {
	t := p.current.Load()
	if t == nil || t.object.Spec.Inventory.Probing != nil {
		return nil
	}
	_, err := p.Publisher.Clear(ctx, names.ProberWriter)
	return err
}

// status writes the report when it is due and differs.
func (p *publication) status(ctx context.Context, t *assignment) time.Duration {
	now := p.clock.Now()
	if rest := publish.NextStatus(p.statusAt).Sub(now); !p.statusAt.IsZero() && rest > 0 {
		return rest
	}
	// A look costs a walk over all certificates, so it is not taken each time.
	if rest := p.lookedAt.Add(lookInterval).Sub(now); !p.lookedAt.IsZero() && rest > 0 {
		return rest
	}
	p.lookedAt = now
	if p.conditions == nil {
		p.conditions = t.object.Status.Conditions
	}
	kept, _ := p.estate.Report(now)
	report := publish.Report(p.Views(), publish.ReportInput{
		Now: now, Generation: t.object.Generation, Version: p.Version,
		Coverage: t.session.cover.list(), Slices: p.Publisher.Slices(), Previous: p.conditions,
		Estate: kept, Profile: p.clusterProfile(t),
	})
	written, err := p.Publisher.Status(ctx, report)
	if err != nil {
		p.failed(err, "Writing the report failed, trying again")
		return retry
	}
	p.conditions = report.Conditions
	if written {
		p.statusAt = now
		p.news.wrote(kept, now)
	}
	return idle
}

// lookInterval bounds how often a report is made to see whether it differs: with
// 20,000 certificates one takes a tenth of a second.
const lookInterval = 5 * time.Second

func (p *publication) failed(err error, message string) {
	p.failedAt = p.clock.Now()
	p.Log.Error(err, message)
}
