// Package e2e runs every scenario on one cluster with the real components, in
// the order of their list, a few on clusters of their own where a scenario needs
// another beginning, and those of a fleet on several clusters side by side.
package e2e

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/klog/v2"

	"github.com/tlsplatform/tls-platform-operator/test/scenarios"
)

func TestEndToEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("starts clusters; run make test-integration")
	}
	klog.SetLogger(GinkgoLogr) // client-go's own words belong to the scenario
	RegisterFailHandler(Fail)
	RunSpecs(t, "End to end")
}

// teller writes to Ginkgo's report, which shows it when a scenario fails.
type teller struct{}

func (teller) Say(format string, args ...any) { GinkgoWriter.Printf(format+"\n", args...) }

func (teller) Show(command, output string) { GinkgoWriter.Printf("$ %s\n%s\n", command, output) }

// scenarioTimeout bounds one scenario; each of its waits has a bound of its own.
const scenarioTimeout = 8 * time.Minute

// maker starts a world; the function given to it hears what is being done.
type maker func(ctx context.Context, progress func(string)) (*scenarios.World, error)

// alone makes a world of one cluster.
func alone(cluster string) maker {
	return func(ctx context.Context, progress func(string)) (*scenarios.World, error) {
		return scenarios.New(ctx, cluster, progress)
	}
}

// connections makes a world of a hub and members that are API servers alone.
func connections(ctx context.Context, progress func(string)) (*scenarios.World, error) {
	return scenarios.NewConnections(ctx, progress, scenarios.Alpha, scenarios.Beta)
}

var _ = Describe("The platform on its own cluster", Ordered, ContinueOnFailure, func() {
	runAll(alone("main"), scenarios.All())
})

var _ = Describe("The platform on a cluster that has cert-manager already", Ordered, func() {
	runAll(alone("adopt"), scenarios.Adoption())
})

var _ = Describe("The platform on a fleet", Ordered, func() {
	runAll(scenarios.NewFleet, scenarios.Fleet())
})

var _ = Describe("Connections to members", Ordered, ContinueOnFailure, func() {
	runAll(connections, scenarios.Connections())
})

// runAll runs scenarios one after the other in a world of their own.
func runAll(start maker, list []scenarios.Scenario) {
	var world *scenarios.World
	BeforeAll(func(ctx SpecContext) {
		var err error
		world, err = start(ctx, func(text string) { GinkgoWriter.Println(text) })
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { Expect(world.Stop()).To(Succeed()) })
	}, NodeTimeout(scenarioTimeout))

	for _, s := range list {
		labels := Label("scenario")
		if s.Story {
			labels = Label("scenario", "story")
		}
		It(s.Name, labels, func(ctx SpecContext) {
			err := s.Run(ctx, world, teller{})
			if err != nil {
				world.Env.MarkFailed()
			}
			Expect(err).NotTo(HaveOccurred())
		}, SpecTimeout(scenarioTimeout))
	}
}
