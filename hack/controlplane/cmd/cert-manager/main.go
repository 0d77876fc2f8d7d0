package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"

	ctrl "sigs.k8s.io/controller-runtime"

	logf "github.com/cert-manager/cert-manager/pkg/logs"

	"github.com/cert-manager/cert-manager/tlsplatform/internal/apicheck"
	"github.com/cert-manager/cert-manager/tlsplatform/internal/cainjector"
	"github.com/cert-manager/cert-manager/tlsplatform/internal/controller"
	"github.com/cert-manager/cert-manager/tlsplatform/internal/multicall"
	"github.com/cert-manager/cert-manager/tlsplatform/internal/webhook"
)

const (
	exitFailure = 1
	exitUsage   = 2
	exitTimeout = 124 // as upstream and timeout(1)
)

var programs = map[string]func(context.Context, []string, io.Writer) error{
	apicheck.Name:   apicheck.Main,
	cainjector.Name: cainjector.Main,
	controller.Name: controller.Main,
	webhook.Name:    webhook.Main,
}

func main() {
	name, args, err := multicall.Resolve(os.Args, slices.Sorted(maps.Keys(programs)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitUsage)
	}
	os.Exit(run(programs[name], args[1:]))
}

func run(program func(context.Context, []string, io.Writer) error, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// a second signal ends the process at once
	context.AfterFunc(ctx, stop)
	logf.InitLogs()
	defer logf.FlushLogs()
	ctrl.SetLogger(logf.Log)
	ctx = logf.NewContext(ctx, logf.Log)
	err := program(ctx, args, os.Stdout)
	if err == nil || errors.Is(err, context.Canceled) {
		return 0
	}
	logf.Log.Error(err, "error executing command")
	if errors.Is(err, context.DeadlineExceeded) {
		return exitTimeout
	}
	return exitFailure
}
