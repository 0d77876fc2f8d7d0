package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

const inventoryExamples = `  # Everything, what ends first on top
  kubectl tls inventory

  # What ends within 30 days and is renewed by nobody
  kubectl tls inventory --expires-within 30d --unmanaged

  # Orphans of one namespace, as CSV
  kubectl tls inventory -n shop --orphaned -o csv

  # Chains that clients can't verify
  kubectl tls inventory --finding MissingIntermediate --finding ChainNotVerifying`

func newInventoryCommand(s *session) *cobra.Command {
	f := &inventoryFlags{}
	cmd := &cobra.Command{
		Use:     "inventory",
		Aliases: []string{"inv", "ls"},
		Short:   "List certificates",
		Long: "List the certificates of the cluster, one line for each place that holds one.\n" +
			"All filters that are given must match; of a filter that is given more than once,\n" +
			"one value has to.",
		Example: inventoryExamples,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			as, err := parseFormat(f.output, inventoryFormats)
			if err != nil {
				return err
			}
			if err := f.complete(); err != nil {
				return err
			}
			return runInventory(cmd.Context(), s, f, as)
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVarP(&f.filter.namespaces, "namespace", "n", nil, "only in this namespace (repeatable)")
	flags.BoolVarP(&f.allNamespaces, "all-namespaces", "A", false, "in all namespaces, which is the default")
	flags.StringSliceVar(&f.filter.layers, "layer", nil, "only of this layer: "+strings.Join(knownLayers, ", ")+" (repeatable)")
	flags.StringSliceVar(&f.filter.kinds, "kind", nil, "only in objects of this kind: "+strings.Join(allKinds(), ", ")+" (repeatable)")
	flags.StringSliceVar(&f.filter.roles, "role", nil, "only of this role: "+strings.Join(knownRoles, ", ")+" (repeatable)")
	flags.StringSliceVar(&f.filter.findings, "finding", nil, "only with this finding: "+strings.Join(certificate.AllFindings(), ", ")+" (repeatable)")
	flags.StringSliceVar(&f.filter.managedBy, "managed-by", nil, "only renewed by this, such as cert-manager, mesh, Helm or \"by hand\" (repeatable)")
	flags.StringSliceVar(&f.filter.owners, "owner", nil, "only of this owner (repeatable)")
	flags.StringVar(&f.filter.issuer, "issuer", "", "only from this issuer: a part of the CA's name, or the whole name of a cert-manager issuer")
	flags.StringVar(&f.within, "expires-within", "", "only what ends within this time, such as 30d or 12h, expired ones included")
	flags.BoolVar(&f.filter.expired, "expired", false, "only what has expired")
	flags.BoolVar(&f.filter.orphaned, "orphaned", false, "only what nothing has used for longer than the grace period")
	flags.BoolVar(&f.filter.unreferenced, "unreferenced", false, "only what nothing is known to use, orphans included")
	flags.BoolVar(&f.filter.unmanaged, "unmanaged", false, "only what was made by hand, so that nothing renews it")
	flags.StringVar(&f.sortBy, "sort-by", string(sortByExpiry), "order: "+strings.Join(knownOrders, ", "))
	flags.StringVarP(&f.output, "output", "o", string(formatTable), "format: table, wide, json, yaml, csv, name")
	cmd.MarkFlagsMutuallyExclusive("namespace", "all-namespaces")
	return cmd
}

func runInventory(ctx context.Context, s *session, f *inventoryFlags, as format) error {
	reader, _, err := s.open()
	if err != nil {
		return err
	}
	list, err := s.read(ctx, reader)
	if err != nil {
		return err
	}
	now := s.Now()
	chosen := f.filter.choose(list.records, now)
	sortRecords(chosen, sortOrder(f.sortBy))
	if len(chosen) > 0 || !as.forPeople() {
		if err := printInventory(s.Out, chosen, as, now); err != nil {
			return err
		}
	}
	if len(chosen) == 0 {
		return s.note("no certificate matches")
	}
	if !as.forPeople() && !s.Terminal {
		return nil
	}
	return s.note(footer(chosen, len(list.records), list.renewed, now))
}
