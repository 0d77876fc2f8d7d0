// Command kubectl-tls is the kubectl plugin "kubectl tls": it shows the
// certificates of a cluster.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/tlsplatform/tls-platform-operator/internal/cli"
)

// version of the binary; set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, cli.Options{
		Args:     os.Args[1:],
		Out:      os.Stdout,
		Err:      os.Stderr,
		Terminal: isTerminal(os.Stdout),
		Now:      time.Now,
		Version:  version,
	})
	stop()
	os.Exit(code)
}

// isTerminal says that a file is a terminal, or a device like one.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
