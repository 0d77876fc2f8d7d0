package cli

import (
	"context"

	"github.com/spf13/cobra"
)

const driftExamples = `  # What others changed, and where clusters differ
  kubectl tls drift

  # One cluster
  kubectl tls drift --cluster prod-eu-2

  # In a pipeline: exit code 3 when there is any
  kubectl tls drift --exit-code`

// driftError ends a command that was asked to say by its exit code that there is
// drift.
type driftError struct{}

// Error says what the exit code says.
func (driftError) Error() string { return "there is drift" }

// exitDrift is another code than that of errors.
const exitDrift = 3

func newDriftCommand(s *session) *cobra.Command {
	f := &fleetFlags{}
	var output string
	var exitCode bool
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "List what is not as it was applied, and what is not as in most clusters",
		Long: "List both kinds of drift: objects of the platform that others changed or deleted, with\n" +
			"the fields, who did it and since when; and clusters that differ from most others,\n" +
			"also in what nobody declared. The context is that of the hub.",
		Example: driftExamples,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			as, err := parseFormat(output, driftFormats)
			if err != nil {
				return err
			}
			found, err := runDrift(cmd.Context(), s, f, as)
			if err == nil && found && exitCode {
				return driftError{}
			}
			return err
		},
	}
	f.bind(cmd.Flags(), "only drift of this cluster", "only clusters with these labels, as in kubectl get -l")
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "exit with code 3 when there is any drift")
	cmd.Flags().StringVarP(&output, "output", "o", string(formatTable), "format: table, wide, json, yaml, csv")
	return cmd
}

// runDrift says whether there is any drift.
func runDrift(ctx context.Context, s *session, f *fleetFlags, as format) (bool, error) {
	reader, _, err := s.open()
	if err != nil {
		return false, err
	}
	fleet, err := f.load(ctx, reader)
	if err != nil {
		return false, err
	}
	v := newDriftView(fleet)
	if len(fleet.members) > 0 || !as.forPeople() {
		if err := printDrift(s.Out, v, as, s.Now()); err != nil {
			return false, err
		}
	}
	switch {
	case len(fleet.members) == 0:
		return false, s.note(noCluster)
	case !as.forPeople():
		return v.any(), nil
	default:
		return v.any(), s.note(comparison(v.Compared, len(fleet.members)))
	}
}
