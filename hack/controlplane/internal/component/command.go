package component

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/pflag"
	"k8s.io/component-base/featuregate"
	logsapi "k8s.io/component-base/logs/api/v1"

	"github.com/cert-manager/cert-manager/pkg/util/configfile"
	utilfeature "github.com/cert-manager/cert-manager/pkg/util/feature"
)

// Command describes how one program turns its command line into a configuration
// of type C, in the manner of the upstream binaries: defaults, then the file that
// --config names, then flags, which win over the file.
type Command[C any] struct {
	// Name is the program's name in help and error texts.
	Name string
	// Gates are the feature gates that this program knows. All programs of the
	// binary register theirs in one place, and upstream's refuse those of others.
	Gates []featuregate.Feature
	// Defaults returns a new configuration with cert-manager's defaults.
	Defaults func() (*C, error)
	// AddFlags registers all flags but --config on the set, bound to the configuration.
	AddFlags func(*pflag.FlagSet, *C)
	// File returns the decoder for the file that --config names, and the
	// configuration that it fills.
	File func() (configfile.ConfigFile, func() *C)
	// FeatureGates returns where the configuration keeps its feature gates.
	FeatureGates func(*C) *map[string]bool
	// Logging returns where the configuration keeps its logging options.
	Logging func(*C) *logsapi.LoggingConfiguration
	// Validate returns what is wrong with the configuration, or nil.
	Validate func(*C) error
}

// Run parses args, which exclude the program's name, applies logging and feature
// gates to the process and calls run. For --help it prints the flags to out and
// returns nil without calling run.
func (c Command[C]) Run(ctx context.Context, args []string, out io.Writer, run func(context.Context, *C) error) error {
	cfg, err := c.Parse(args, out)
	if errors.Is(err, pflag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := logsapi.ValidateAndApply(c.Logging(cfg), nil); err != nil {
		return fmt.Errorf("applying the logging options of %s: %w", c.Name, err)
	}
	return run(ctx, cfg)
}

// Parse returns the validated configuration that args ask for and sets the
// process' feature gates. It returns pflag.ErrHelp after printing the flags to out
// if args ask for help, and an error for a flag, gate or file that upstream would
// refuse.
func (c Command[C]) Parse(args []string, out io.Writer) (*C, error) {
	cfg, err := c.Defaults()
	if err != nil {
		return nil, fmt.Errorf("making the default configuration of %s: %w", c.Name, err)
	}
	path, err := c.parseFlags(args, cfg, out)
	if err != nil {
		return nil, err
	}
	if path != "" {
		// a gate may change how the file is read, so the flags' gates come first
		if err := setGates(*c.FeatureGates(cfg), c.Gates); err != nil {
			return nil, fmt.Errorf("setting the feature gates of %s: %w", c.Name, err)
		}
		if cfg, err = c.loadFile(path, args, out); err != nil {
			return nil, err
		}
	}
	if err := setGates(*c.FeatureGates(cfg), c.Gates); err != nil {
		return nil, fmt.Errorf("setting the feature gates of %s: %w", c.Name, err)
	}
	if err := c.Validate(cfg); err != nil {
		return nil, fmt.Errorf("validating the configuration of %s: %w", c.Name, err)
	}
	return cfg, nil
}

// loadFile reads the file, and parses the flags again over what it says.
func (c Command[C]) loadFile(path string, args []string, out io.Writer) (*C, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("finding configuration file %s: %w", path, err)
	}
	loader, err := configfile.NewConfigurationFSLoader(nil, absolute)
	if err != nil {
		return nil, fmt.Errorf("preparing to load configuration file %s: %w", absolute, err)
	}
	file, result := c.File()
	if err := loader.Load(file); err != nil {
		return nil, fmt.Errorf("loading configuration file %s: %w", absolute, err)
	}
	cfg := result()
	gates := *c.FeatureGates(cfg)
	if _, err := c.parseFlags(args, cfg, out); err != nil {
		return nil, err
	}
	// the flag replaces the map as a whole, but upstream merges gate by gate
	merged := c.FeatureGates(cfg)
	for gate, enabled := range gates {
		if _, set := (*merged)[gate]; !set {
			(*merged)[gate] = enabled
		}
	}
	return cfg, nil
}

// parseFlags parses args into cfg and returns the value of --config. The flag set
// is new each time: list flags append when one set is parsed twice.
func (c Command[C]) parseFlags(args []string, cfg *C, out io.Writer) (string, error) {
	// own set: client libraries register flags on the global ones
	flags := pflag.NewFlagSet(c.Name, pflag.ContinueOnError)
	flags.SetOutput(out)
	flags.SortFlags = true
	path := flags.String("config", "", "file with a configuration object of this program; flags win over it")
	c.AddFlags(flags, cfg)
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return "", err
		}
		return "", fmt.Errorf("parsing the flags of %s: %w", c.Name, err)
	}
	return *path, nil
}

// setGates sets the requested gates on the process, unless one is none of allowed.
func setGates(requested map[string]bool, allowed []featuregate.Feature) error {
	known := map[string]bool{"AllAlpha": true, "AllBeta": true}
	for _, gate := range allowed {
		known[string(gate)] = true
	}
	for gate := range requested {
		if !known[gate] {
			return fmt.Errorf("unrecognized feature gate: %s", gate)
		}
	}
	return utilfeature.DefaultMutableFeatureGate.SetFromMap(requested)
}
