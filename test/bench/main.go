// Command bench measures the platform on real clusters and prints figures: a
// table for people, and for scripts one line each,
//
//	figure NAME VALUE UNIT [floor=V ratio=R]
//
// Floors are measured in the same run, in turn with what they are compared to.
// A figure over its budget is printed as what it is and is no failure: seconds
// depend on the machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tlsplatform/tls-platform-operator/test/harness"
)

// figure is one measurement.
type figure struct {
	name   string
	value  float64
	unit   string
	floor  float64 // of the same unit; zero for none
	budget string
	note   string
}

// groups of figures, one for each area of the product.
var groups = map[string]func(context.Context) ([]figure, error){
	"fleet":     fleetGroup,
	"inventory": inventoryGroup,
	"main":      mainGroup,
}

func main() {
	if len(os.Args) > 1 {
		if run, ok := children[os.Args[1]]; ok {
			exit(run(os.Args[2:]))
		}
	}
	group := flag.String("group", "main", "group of figures: "+strings.Join(slices.Sorted(maps.Keys(groups)), ", "))
	flag.Parse()
	ctx, stop := harness.SignalContext(context.Background())
	err := run(ctx, *group)
	stop()
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, group string) error {
	measure, ok := groups[group]
	if !ok {
		return fmt.Errorf("there is no group %q; expected one of %v", group, slices.Sorted(maps.Keys(groups)))
	}
	figures, err := measure(ctx)
	report(figures)
	return err
}

func report(figures []figure) {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 4, 2, ' ', 0)
	row := func(cells ...string) { _, _ = w.Write([]byte(strings.Join(cells, "\t") + "\n")) } // a Builder takes all
	row("FIGURE", "VALUE", "UNIT", "FLOOR", "RATIO", "BUDGET", "NOTE")
	var lines strings.Builder
	for _, f := range figures {
		floor, ratio, against := "", "", ""
		if f.floor > 0 {
			floor, ratio = fmt.Sprintf("%.2f", f.floor), fmt.Sprintf("%.2f", f.value/f.floor)
			against = " floor=" + floor + " ratio=" + ratio
		}
		value := fmt.Sprintf("%.2f", f.value)
		row(f.name, value, f.unit, floor, ratio, f.budget, f.note)
		lines.WriteString("figure " + f.name + " " + value + " " + f.unit + against + "\n")
	}
	_ = w.Flush()
	fmt.Printf("\n%s\n%s", table.String(), lines.String())
}

// progress tells what is being measured.
func progress(started time.Time) func(string) {
	return func(text string) {
		fmt.Fprintf(os.Stderr, "bench: [%6.1f s] %s\n", time.Since(started).Seconds(), text)
	}
}
