package node

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/tlsplatform/tls-platform-operator/test/harness/process"
)

// runner is a container that runs: a process, or a builtin.
type runner interface {
	Done() <-chan struct{}
	ExitCode() int
	Stop(grace time.Duration) error
	Kill() error
	Tail(lines int) string
}

var (
	_ runner = (*process.Process)(nil)
	_ runner = (*builtin)(nil)
)

// builtin is a container whose work is a function of this process.
type builtin struct {
	cancel context.CancelFunc
	done   chan struct{}
	failed atomic.Pointer[string]
}

// startBuiltin runs the function with its output going to the log file. Like a
// process, it lives until Stop, and not as long as ctx.
func startBuiltin(ctx context.Context, run func(context.Context, BuiltinArgs) error, args BuiltinArgs, logFile string) (*builtin, error) {
	if err := os.MkdirAll(filepath.Dir(logFile), 0o755); err != nil {
		return nil, fmt.Errorf("creating the folder of the log: %w", err)
	}
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	args.Log = log
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	b := &builtin{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(b.done)
		defer func() { _ = log.Close() }()
		if err := call(ctx, run, args); err != nil {
			message := err.Error()
			b.failed.Store(&message)
			_, _ = io.WriteString(log, message+"\n")
		}
	}()
	return b, nil
}

// call turns a panic of the function into an error: a process that panics
// doesn't take its node along either.
func call(ctx context.Context, run func(context.Context, BuiltinArgs) error, args BuiltinArgs) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return run(ctx, args)
}

// Done returns a channel that is closed when the function has returned.
func (b *builtin) Done() <-chan struct{} { return b.done }

// ExitCode returns 1 when the function failed, and 0 otherwise.
func (b *builtin) ExitCode() int {
	if b.failed.Load() != nil {
		return 1
	}
	return 0
}

// Stop cancels the function's context and waits for its end, at most for grace.
func (b *builtin) Stop(grace time.Duration) error {
	b.cancel()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-b.done:
		return nil
	case <-timer.C:
		return fmt.Errorf("the builtin container has not ended within %s", grace)
	}
}

// Kill is Stop: a function can't be ended by force.
func (b *builtin) Kill() error { return b.Stop(maxGrace) }

// Tail returns the function's error.
func (b *builtin) Tail(int) string {
	if message := b.failed.Load(); message != nil {
		return *message
	}
	return ""
}
