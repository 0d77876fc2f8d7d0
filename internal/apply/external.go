package apply

import (
	"context"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// external reports on a part that is somebody else's. What the platform applied
// of it before stays, and is theirs from now on.
func (r *run) external(ctx context.Context, p *desired.Part, out *observed.Part) {
	if err := r.handOver(ctx, p.Name); err != nil {
		r.fail(p, out, err)
		return
	}
	out.Reason, out.Message, out.Version = p.External.Reason, p.External.Message, p.External.Version
	out.External = true
	switch {
	case p.External.Ready:
		out.State = observed.PartReady
	case p.External.Optional:
		out.State = observed.PartEmpty
	default:
		out.State = observed.PartUnhealthy
	}
	r.ready[p.Name] = p.External.Ready
}

// handOver forgets a part without removing anything of it.
func (r *run) handOver(ctx context.Context, part desired.PartName) error {
	if _, ours := r.ledger.Releases[part]; ours {
		if _, err := r.releases.data(ctx, part); err != nil { // so that they are removed below
			return err
		}
		delete(r.ledger.Releases, part)
	}
	for ref, entry := range r.ledger.Entries {
		if entry.Part == part {
			delete(r.ledger.Entries, ref)
			delete(r.fresh, ref)
			delete(r.health.seen, ref)
		}
	}
	return nil
}
