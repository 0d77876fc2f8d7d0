package scenarios

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/tlsplatform/tls-platform-operator/test/harness"
	"github.com/tlsplatform/tls-platform-operator/test/harness/charts"
	"github.com/tlsplatform/tls-platform-operator/test/harness/node"
)

// The clusters of a fleet.
const (
	// West runs an older cert-manager, installed by Helm before the platform came.
	West = "west"
	// East is empty.
	East = "east"
)

// olderCertManager is the component of hack/controlplane with the programs of
// the older cert-manager, and olderFolder where they lie.
const (
	olderCertManager = "cert-manager-1.20"
	olderFolder      = "v1.20"
)

// atOnce is how many clusters start at the same time: two cores have no use for
// more.
const atOnce = 2

// NewFleet builds the operator and starts a hub and two members, each reached
// over a link: West with an older cert-manager, and East. Nothing of the platform
// is installed yet.
func NewFleet(ctx context.Context, progress func(string)) (*World, error) {
	return newWorld(ctx, func(w *World) error { return w.startFleet(ctx, progress) })
}

func (w *World) startFleet(ctx context.Context, progress func(string)) error {
	if err := w.prepare(ctx, progress); err != nil {
		return err
	}
	progress("building, unless it is built, cert-manager " + charts.CertManagerPreviousVersion)
	older, err := w.Env.Build(ctx, olderCertManager)
	if err != nil {
		return fmt.Errorf("building the older cert-manager: %w", err)
	}
	if _, err := w.Registry.PushCertManagerPrevious(ctx, w.Root); err != nil {
		return fmt.Errorf("pushing the older cert-manager's chart: %w", err)
	}
	olderImages := node.In(filepath.Join(older, olderFolder), node.CertManagerImages(charts.CertManagerPreviousVersion))
	progress("starting three clusters: a hub, west and east")
	west, east := &Member{}, &Member{}
	err = together(atOnce, func() error {
		m, err := w.startMember(ctx, harness.ClusterOptions{Name: West, Images: slices.Concat(w.images(), olderImages)})
		if err != nil {
			return err
		}
		*west = *m
		progress("installing cert-manager " + charts.CertManagerPreviousVersion + " in west by Helm, with settings of its own")
		there := *w
		there.Cluster, there.Client = m.Cluster, m.Client
		return there.installOlder(ctx)
	}, func() error {
		var err error
		w.Cluster, w.Client, err = w.startCluster(ctx, harness.ClusterOptions{Name: "hub", Images: w.images()})
		return err
	}, func() error {
		m, err := w.startMember(ctx, harness.ClusterOptions{Name: East, Images: w.images()})
		if err != nil {
			return err
		}
		*east = *m
		return nil
	})
	w.Members[West], w.Members[East] = west, east
	return err
}

// NewConnections builds the operator and starts a hub and lean members of the
// given names, each reached over a link. The operator is not installed yet.
func NewConnections(ctx context.Context, progress func(string), names ...string) (*World, error) {
	return newWorld(ctx, func(w *World) error {
		if err := w.start(ctx, "hub", progress); err != nil {
			return err
		}
		progress("starting API servers alone, as members")
		members := make([]*Member, len(names))
		var starts []func() error
		for i, name := range names {
			starts = append(starts, func() error {
				var err error
				members[i], err = w.startMember(ctx, harness.ClusterOptions{Name: name, Lean: true})
				return err
			})
		}
		if err := together(atOnce, starts...); err != nil {
			return err
		}
		for _, m := range members {
			w.Members[m.Name] = m
		}
		return nil
	})
}

// together runs functions, at most so many at the same time, and returns all
// their errors.
func together(most int, run ...func() error) error {
	slots := make(chan struct{}, most)
	errs := make([]error, len(run))
	var wg sync.WaitGroup
	for i, f := range run {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = f()
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// olderValues are West's own settings. The platform declares other ones.
var olderValues = map[string]any{
	"crds":                    map[string]any{"enabled": true},
	"global":                  map[string]any{"logLevel": 3},
	"maxConcurrentChallenges": 20,
}

// installOlder installs cert-manager as West's people did, with an issuer and a
// certificate of theirs.
func (w *World) installOlder(ctx context.Context) error {
	if err := w.HelmInstall(ctx, "cert-manager", "cert-manager", charts.CertManagerPreviousVersion, olderValues); err != nil {
		return err
	}
	if err := w.Apply(ctx, westsOwn); err != nil {
		return fmt.Errorf("making what west has already: %w", err)
	}
	return w.Wait(ctx, Certificates, "orders", "orders", harness.ConditionIs("Ready", "True"))
}

// westsOwn is an issuer that nobody declared, and a certificate of it.
const westsOwn = `apiVersion: v1
kind: Namespace
metadata: {name: orders}
---
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: west-self-signed}
spec: {selfSigned: {}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: orders, namespace: orders}
spec:
  secretName: orders-tls
  dnsNames: [orders.west.example.com]
  duration: 2160h
  privateKey: {algorithm: ECDSA, size: 256}
  issuerRef: {kind: ClusterIssuer, name: west-self-signed}
`
