package cli

import (
	"context"

	"github.com/spf13/cobra"
)

const matrixExamples = `  # What all clusters have
  kubectl tls matrix

  # Only that in which they differ
  kubectl tls matrix --differences

  # Where one cluster differs from the others of its stage
  kubectl tls matrix --differences --cluster prod-eu-2 -l stage=prod

  # For a spreadsheet
  kubectl tls matrix -o csv`

func newMatrixCommand(s *session) *cobra.Command {
	f := &fleetFlags{}
	var output string
	var differences bool
	cmd := &cobra.Command{
		Use:   "matrix",
		Short: "Compare the clusters of a hub with each other",
		Long: "Compare the clusters of a hub with each other, also in what nobody declared: versions\n" +
			"and owners of components, settings, ClusterIssuers and the CAs behind them, policies\n" +
			"and bundles. Who differs from more than half of the clusters has the mark *. Below,\n" +
			"the distinct CA backends are listed, and the issuers that the platform did not\n" +
			"declare. The context is that of the hub.",
		Example: matrixExamples,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			as, err := parseFormat(output, matrixFormats)
			if err != nil {
				return err
			}
			return runMatrix(cmd.Context(), s, f, differences, as)
		},
	}
	f.bind(cmd.Flags(), "show only this cluster, compared with all", "compare only clusters with these labels, as in kubectl get -l")
	cmd.Flags().BoolVar(&differences, "differences", false, "only that in which clusters differ")
	cmd.Flags().StringVarP(&output, "output", "o", string(formatTable), "format: table, wide, json, yaml, csv")
	return cmd
}

func runMatrix(ctx context.Context, s *session, f *fleetFlags, differences bool, as format) error {
	reader, _, err := s.open()
	if err != nil {
		return err
	}
	fleet, err := f.load(ctx, reader)
	if err != nil {
		return err
	}
	v := newMatrixView(fleet, differences)
	if len(v.Clusters) > 0 || !as.forPeople() {
		if err := printMatrix(s.Out, v, as); err != nil {
			return err
		}
	}
	switch {
	case len(v.Clusters) == 0:
		return s.note(noCluster)
	case !as.forPeople():
		return nil
	default:
		return s.note(comparison(v.Compared, len(fleet.members)))
	}
}

// comparison says how many clusters were compared.
func comparison(compared, of int) string {
	text := plural(compared, "cluster", "clusters") + " compared"
	if compared < 2 {
		text = plural(compared, "cluster is", "clusters are") + " seen, so there is nothing to compare"
	}
	if unseen := of - compared; unseen > 0 {
		text += ", " + plural(unseen, "cluster", "clusters") + " not seen"
	}
	return text
}
