package apply

import (
	"context"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
)

// Remove takes away everything that the ledger lists, last applied first. done
// is false while something is still going; retained says what stays for good.
func (e *Engine) Remove(ctx context.Context, owner Owner) (done bool, retained []string, err error) {
	outcome, err := e.Run(ctx, owner, &desired.Plan{})
	if err != nil {
		return false, nil, err
	}
	l, err := e.ledgers.load(ctx)
	if err != nil {
		return false, nil, err
	}
	for _, entry := range l.Entries {
		if entry.Retained == "" {
			return false, outcome.Retained, nil
		}
	}
	return true, outcome.Retained, nil
}

// Forget drops the ledger and the stored releases and leaves every object where
// it is.
func (e *Engine) Forget(ctx context.Context) error {
	l, err := e.ledgers.load(ctx)
	if err != nil || l == nil {
		return err
	}
	for part := range l.Releases {
		installer, err := e.Installer(ctx)
		if err != nil {
			return err
		}
		if err := e.releases.forget(ctx, installer, part); err != nil {
			return err
		}
	}
	return e.ledgers.forget(ctx)
}

// HealthyVersion is the version of the last release of a component that became
// healthy, empty for none.
func (e *Engine) HealthyVersion(ctx context.Context, part desired.PartName) (string, error) {
	l, err := e.ledgers.load(ctx)
	if err != nil || l == nil || l.Releases[part].Healthy == nil {
		return "", err
	}
	return l.Releases[part].Healthy.Version, nil
}
