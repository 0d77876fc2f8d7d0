// Command tls-platform-agent is what the TLS platform operator runs in every
// cluster: the agent, which finds every certificate, and the prober.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/tlsplatform/tls-platform-operator/internal/app/member"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := member.NewCommand().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tls-platform-agent:", err)
		os.Exit(1)
	}
}
