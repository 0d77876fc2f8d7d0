package served

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/publish"
)

// verifyInterval is how often pages are compared with what was written.
const verifyInterval = 10 * time.Minute

// pages is the state of publishing.
type pages struct {
	pacer publish.Pacer
	// synced says that the inventory is complete: what it lacks is gone.
	synced     bool
	pending    map[int]bool // shards
	dirtySince time.Time
	verifiedAt time.Time
	failedAt   time.Time
}

// sync has everything published: the inventory is complete.
func (p *pages) sync() {
	p.synced = true
	for shard := range inventory.Shards {
		p.mark(shard)
	}
}

func (p *pages) mark(shard int) {
	if p.pending == nil {
		p.pending = map[int]bool{}
	}
	p.pending[shard] = true
}

// publish writes the pages that changed, when they are due, and says after how
// long to try again.
func (p *Prober) publish(ctx context.Context) time.Duration {
	s := &p.pages
	if !s.synced || p.object.Load() == nil {
		return idle
	}
	now := p.clock.Now()
	for _, shard := range p.inv.Judge() {
		s.mark(shard)
	}
	if len(s.pending) > 0 && s.dirtySince.IsZero() {
		s.dirtySince = now
	}
	if !p.leading.Load() {
		return idle
	}
	if rest := s.failedAt.Add(retry).Sub(now); !s.failedAt.IsZero() && rest > 0 {
		return rest
	}
	s.failedAt = time.Time{}
	if !p.verify(ctx, now) {
		return retry
	}
	if s.dirtySince.IsZero() {
		return idle
	}
	if rest := s.pacer.Next(s.dirtySince).Sub(now); rest > 0 {
		return rest
	}
	writes, err := p.Publisher.Pages(ctx, p.inv, slices.Sorted(maps.Keys(s.pending)))
	s.pacer.Wrote(p.clock.Now(), writes)
	if err != nil {
		s.failedAt = p.clock.Now()
		p.Log.Error(err, "Writing the list of served certificates failed, trying again")
		return retry
	}
	s.pending, s.dirtySince = nil, time.Time{}
	return idle
}

// verify compares the pages with what was written, from time to time.
func (p *Prober) verify(ctx context.Context, now time.Time) (ok bool) {
	s := &p.pages
	if s.verifiedAt.IsZero() {
		s.verifiedAt = now
	}
	if now.Sub(s.verifiedAt) < verifyInterval {
		return true
	}
	drifted, err := p.Publisher.Verify(ctx)
	if err != nil {
		s.failedAt = now
		p.Log.Error(err, "Comparing the pages failed, trying again")
		return false
	}
	s.verifiedAt = now
	if drifted > 0 {
		s.dirtySince = now
		p.Log.Info("Pages were changed by somebody else and are written again", "pages", drifted)
	}
	return true
}

// Views are the records of the inventory that have a certificate, for metrics:
// an address that shows none is no certificate, and is counted apart.
type Views struct{ inv *inventory.Inventory }

// Views returns what metrics are made of.
func (p *Prober) Views() Views { return Views{p.inv} }

// Facts implements exposition.Views.
func (v Views) Facts(shard int, f func(*inventory.View)) {
	v.inv.Facts(shard, func(view *inventory.View) {
		if view.Record.Value.First() != nil {
			f(view)
		}
	})
}
