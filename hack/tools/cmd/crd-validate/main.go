package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/tlsplatform/tls-platform-operator/hack/tools/internal/crds"
)

func main() {
	definitions := flag.String("crds", "config/crd/bases", "folder of the CustomResourceDefinitions")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: crd-validate [-crds DIR] FILE...")
		flag.PrintDefaults()
	}
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *definitions, flag.Args()); err != nil {
		fmt.Fprintf(os.Stderr, "crd-validate: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, definitions string, files []string) error {
	set, err := crds.Load(ctx, definitions)
	if err != nil {
		return err
	}
	total, refused := 0, 0
	for _, file := range files {
		findings, objects, err := set.CheckFile(ctx, file)
		if err != nil {
			return err
		}
		total += objects
		for _, finding := range findings {
			refused++
			fmt.Printf("%s: %s\n", file, finding)
		}
	}
	if refused > 0 {
		return fmt.Errorf("%d findings in %d objects", refused, total)
	}
	fmt.Printf("%d definitions and %d objects are valid\n", set.Len(), total)
	return nil
}
