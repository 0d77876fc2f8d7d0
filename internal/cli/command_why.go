package cli

import (
	"context"

	"github.com/spf13/cobra"
)

const whyExamples = `  # A Secret in the current namespace, and in another one
  kubectl tls why web-tls
  kubectl tls why web-tls -n shop
  kubectl tls why shop/web-tls

  # Objects of other kinds
  kubectl tls why configmap/istio-ca-root-cert -n shop
  kubectl tls why validatingwebhookconfiguration/cert-manager-webhook

  # Every orphan
  kubectl tls inventory --orphaned -o name | xargs -n 1 kubectl tls why`

func newWhyCommand(s *session) *cobra.Command {
	var namespace, output string
	cmd := &cobra.Command{
		Use:   "why SECRET|NAMESPACE/SECRET|KIND/NAME|KIND/NAMESPACE/NAME",
		Short: "Explain the certificates of one object",
		Long: "Explain what an object holds, who renews it, what uses it, why it is or is not an\n" +
			"orphan, and what each finding means.",
		Example: whyExamples,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			as, err := parseFormat(output, explanationFormats)
			if err != nil {
				return err
			}
			return runWhy(cmd.Context(), s, args[0], namespace, as)
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "namespace of the object (default that of the current context)")
	cmd.Flags().StringVarP(&output, "output", "o", string(formatText), "format: text, json, yaml")
	return cmd
}

func runWhy(ctx context.Context, s *session, object, namespace string, as format) error {
	reader, current, err := s.open()
	if err != nil {
		return err
	}
	target, err := parseTarget(object, namespace, current)
	if err != nil {
		return err
	}
	list, err := s.read(ctx, reader)
	if err != nil {
		return err
	}
	records, err := find(list.records, target)
	if err != nil {
		return err
	}
	now := s.Now()
	return printExplanation(s.Out, explain(records, list.agent, now), as, now)
}
