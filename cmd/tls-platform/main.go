// Command tls-platform is the TLS platform operator: the hub. What it runs in
// every cluster is tls-platform-agent.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/tlsplatform/tls-platform-operator/internal/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := app.NewCommand().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tls-platform:", err)
		os.Exit(1)
	}
}
