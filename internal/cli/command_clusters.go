package cli

import (
	"context"

	"github.com/spf13/cobra"
)

const clustersExamples = `  # The fleet at a glance
  kubectl tls clusters

  # One region, with the whole messages
  kubectl tls clusters -l region=eu -o wide`

func newClustersCommand(s *session) *cobra.Command {
	f := &fleetFlags{}
	var output string
	cmd := &cobra.Command{
		Use:     "clusters",
		Aliases: []string{"cluster"},
		Short:   "List the clusters of a hub",
		Long: "List the clusters that a hub knows, one line each: whether they are reached, whether\n" +
			"they have what they shall have, what runs there, and what is wrong. The context is\n" +
			"that of the hub.",
		Example: clustersExamples,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			as, err := parseFormat(output, clustersFormats)
			if err != nil {
				return err
			}
			return runClusters(cmd.Context(), s, f, as)
		},
	}
	f.bind(cmd.Flags(), "only this cluster", "only clusters with these labels, as in kubectl get -l")
	cmd.Flags().StringVarP(&output, "output", "o", string(formatTable), "format: table, wide, json, yaml, csv, name")
	return cmd
}

func runClusters(ctx context.Context, s *session, f *fleetFlags, as format) error {
	reader, _, err := s.open()
	if err != nil {
		return err
	}
	view, err := f.load(ctx, reader)
	if err != nil {
		return err
	}
	var list []clusterSummary
	for _, m := range view.shown() {
		list = append(list, summarize(m))
	}
	if len(list) > 0 || !as.forPeople() {
		if err := printClusters(s.Out, list, as, s.Now()); err != nil {
			return err
		}
	}
	if len(list) == 0 {
		return s.note(noCluster)
	}
	if !as.forPeople() {
		return nil
	}
	if err := s.note(clustersFooter(list)); err != nil {
		return err
	}
	rollouts, err := loadRollouts(ctx, reader)
	if err != nil {
		return s.note("warning: whether a rollout is under way can't be told: " + clean(err.Error()))
	}
	for _, line := range rollouts {
		if err := s.note(line); err != nil {
			return err
		}
	}
	return nil
}

// noCluster is said when nothing is chosen.
const noCluster = "no cluster matches"
