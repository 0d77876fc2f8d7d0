package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/tlsplatform/tls-platform-operator/internal/app/member"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
	"github.com/tlsplatform/tls-platform-operator/test/scenarios"
)

// children are what this program does in place of measuring when its first
// argument says so: what is measured runs in a process of its own.
var children = map[string]func(arguments []string) error{
	agentChild: agentUnderTest,
	floorChild: floorUnderTest,
}

const (
	agentChild = "agent-under-test"
	floorChild = "floor-under-test"
)

// runAgent runs the agent of the cluster of config until ctx ends. It serves
// metrics over HTTP at metricsAddress, and calls synced once everything that
// exists is in the inventory, references included.
func runAgent(ctx context.Context, config *rest.Config, metricsAddress string, synced func()) error {
	log := zap.New(zap.WriteTo(os.Stderr))
	klog.SetLogger(log)
	ctrl.SetLogger(log)
	return member.RunAgent(ctx, member.AgentOptions{
		Config: config, Namespace: scenarios.SystemNamespace, Identity: "bench",
		MetricsAddress: metricsAddress, ProbeAddress: "0", Log: log, Synced: synced,
	})
}

// Words that a child prints, each with what follows it, one line each.
const (
	wordSynced = "synced" // seconds since its start
	wordHeap   = "heap"   // bytes of live objects
	wordDumped = "dumped" // the file
)

// agentUnderTest runs the agent, and does what lines of standard input ask:
//
//	heap         collect garbage and print the size of what is left
//	dump FILE    the same, and write a heap dump
//
// It ends with standard input.
func agentUnderTest(arguments []string) error {
	started := time.Now()
	flags := flag.NewFlagSet(agentChild, flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig of the cluster")
	metrics := flags.String("metrics", "", "address of the metrics")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	config, err := harness.LoadConfig(*kubeconfig)
	if err != nil {
		return err
	}
	planted[0] = plant(plantedLive)
	plantAndDrop()
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() { cancel(obey(os.Stdin, os.Stdout)) }()
	err = runAgent(ctx, config, *metrics, func() {
		fmt.Printf("%s %f\n", wordSynced, time.Since(started).Seconds())
	})
	runtime.KeepAlive(planted[0])
	switch cause := context.Cause(ctx); {
	case cause != nil && !errors.Is(cause, io.EOF):
		return cause
	case cause != nil && errors.Is(err, context.Canceled):
		return nil // its end was asked for
	}
	return err
}

// obey does what the lines of in ask for, and answers on out. It returns io.EOF
// at the end of in.
func obey(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		command, argument, _ := strings.Cut(lines.Text(), " ")
		size := collectGarbage()
		switch command {
		case wordHeap:
			_, _ = fmt.Fprintf(out, "%s %d\n", wordHeap, size) // a reader that is gone ends the input as well
		case "dump":
			if err := dump(argument); err != nil {
				return err
			}
			_, _ = fmt.Fprintf(out, "%s %s\n", wordDumped, argument)
		default:
			return fmt.Errorf("unknown command %q", command)
		}
	}
	return errors.Join(io.EOF, lines.Err())
}

// collectGarbage returns the bytes of the objects that are left. The second
// collection takes what pools keep over the first. Nothing is given back to the
// system, which would flatter the agent.
func collectGarbage() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func dump(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("creating the heap dump: %w", err)
	}
	debug.WriteHeapDump(f.Fd()) // tells nothing of failing
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing the heap dump: %w", err)
	}
	return nil
}

// What is planted proves that a search of the heap dump finds what is alive and
// only that. Both are computed, so that neither is in the program's data.
const (
	plantedLive    = "alive"
	plantedDropped = "dropped"
	plantedLength  = 32 // bytes
)

var planted [2][]byte

// plant puts what belongs to a name on the heap, and nowhere else: a dump also has
// the stacks, on which old values stay.
//
//go:noinline
func plant(name string) []byte {
	text := make([]byte, plantedLength)
	state := uint64(14695981039346656037) // FNV-1a, then its own output
	for i := range text {
		state = (state ^ uint64(name[i%len(name)])) * 1099511628211
		text[i] = byte(state >> 32)
	}
	return text
}

// plantAndDrop does so in a goroutine of its own, whose stack goes with it.
func plantAndDrop() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		planted[1] = plant(plantedDropped)
		planted[1] = nil
	}()
	<-done
}
