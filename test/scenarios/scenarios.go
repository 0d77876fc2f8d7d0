package scenarios

import "context"

// Teller hears a scenario while it runs.
type Teller interface {
	// Say tells in a sentence what happens next.
	Say(format string, args ...any)
	// Show shows a command and what it printed.
	Show(command, output string)
}

// Scenario is one thing that the platform is shown to do.
type Scenario struct {
	// Name is a sentence.
	Name string
	// Story scenarios are told by the demo, in this order.
	Story bool
	// Run acts and checks. What it changes it puts back, but for the first ones
	// of a list, which build on one another.
	Run func(ctx context.Context, w *World, t Teller) error
}

// All scenarios, in the order in which they run on one cluster.
func All() []Scenario {
	var all []Scenario
	for _, list := range [][]Scenario{
		story, inventoryStory, inventoryChecks, refused, backends, held, failing, delivery, permissions, leaving, inventoryLeaving,
	} {
		all = append(all, list...)
	}
	return all
}

// Story are the scenarios that the demo tells, in a world of NewFleet.
func Story() []Scenario { return fleetStory }
