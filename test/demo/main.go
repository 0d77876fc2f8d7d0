// Command demo tells the platform's story on a fleet of real clusters: it starts a
// hub and two members, one with an older cert-manager, installs the operator in
// the hub, declares one estate for all, takes the older install over, and cuts a
// member off. It ends by itself, and leaves nothing behind unless DEMO_KEEP=1.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tlsplatform/tls-platform-operator/test/harness"
	"github.com/tlsplatform/tls-platform-operator/test/scenarios"
)

func main() {
	ctx, stop := harness.SignalContext(context.Background())
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "\ndemo: failed:", err)
		os.Exit(1)
	}
}

// teller writes to the terminal.
type teller struct{}

func (teller) Say(format string, args ...any) { fmt.Printf("  "+format+"\n", args...) }

func (teller) Show(command, output string) {
	fmt.Printf("\n  $ %s\n", command)
	for line := range strings.Lines(strings.TrimRight(output, "\n")) {
		fmt.Printf("    %s\n", strings.TrimRight(line, "\n"))
	}
	fmt.Println()
}

func run(ctx context.Context) (err error) {
	started := time.Now()
	fmt.Println("TLS platform: one object, three clusters, real components")
	world, err := scenarios.NewFleet(ctx, func(text string) {
		fmt.Printf("  [%5.1f s] %s\n", time.Since(started).Seconds(), text)
	})
	if err != nil {
		return err
	}
	defer func() {
		if serr := world.Stop(); serr != nil && err == nil {
			err = serr
		}
	}()
	for i, s := range scenarios.Story() {
		fmt.Printf("\n%d. %s\n", i+1, s.Name)
		if err := s.Run(ctx, world, teller{}); err != nil {
			world.Env.MarkFailed()
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	fmt.Printf("\nThat is the whole story, in %.0f s.\n", time.Since(started).Seconds())
	if os.Getenv("DEMO_KEEP") == "1" {
		fmt.Printf("\nThe clusters keep running. Use them from another terminal, and end them here with Ctrl-C:\n\n  export KUBECONFIG=%s    # the hub\n", world.Cluster.Kubeconfig)
		for _, name := range slices.Sorted(maps.Keys(world.Members)) {
			fmt.Printf("  export KUBECONFIG=%s    # %s\n", world.Members[name].Cluster.Kubeconfig, name)
		}
		fmt.Println()
		<-ctx.Done()
	}
	return nil
}
