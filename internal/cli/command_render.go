package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/gitops"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

const renderExamples = `  # Every cluster of the platform, each reached by the context with its name
  kubectl tls render --all --directory clusters

  # Two clusters, from a file
  kubectl tls render -f platform.yaml --cluster prod-eu-1 --cluster prod-eu-2 --directory clusters

  # Apply what was rendered
  kubectl apply --server-side -k clusters/prod-eu-1`

// renderFlags are the flags of render as given.
type renderFlags struct {
	estateFlags
	clusters  []string
	all       bool
	directory string
}

func newRenderCommand(s *session) *cobra.Command {
	f := &renderFlags{}
	cmd := &cobra.Command{
		Use:   "render [PLATFORM]",
		Short: "Write what clusters shall have to files",
		Long: "Write the objects that the hub would apply to files, one folder for each cluster,\n" +
			"for a Git repository or for kubectl. The same plan gives the same bytes. Each\n" +
			"cluster is read with your own rights, since a plan depends on what it serves and\n" +
			"runs. A folder that was not rendered, or has other files, is left alone.",
		Example: renderExamples,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRender(cmd.Context(), s, f, first(args), cmd.InOrStdin())
		},
	}
	flags := cmd.Flags()
	// kubectl's flag of this name, a cluster of the kubeconfig, gives way here.
	flags.StringSliceVar(&f.clusters, "cluster", nil, "MemberCluster to render (repeatable)")
	flags.BoolVar(&f.all, "all", false, "render every MemberCluster that the platform selects")
	flags.StringVar(&f.directory, "directory", "", "folder that the clusters' folders are written to")
	f.bind(flags)
	cmd.MarkFlagsMutuallyExclusive("cluster", "all")
	cmd.MarkFlagsOneRequired("cluster", "all")
	_ = cmd.MarkFlagRequired("directory") // it exists
	return cmd
}

func runRender(ctx context.Context, s *session, f *renderFlags, platform string, stdin io.Reader) error {
	all, err := openEstates(ctx, s, &f.estateFlags, platform, stdin)
	if err != nil {
		return err
	}
	for _, n := range all.notes {
		if err := s.note("warning: " + clean(n)); err != nil {
			return err
		}
	}
	clusters := slices.Compact(slices.Sorted(slices.Values(f.clusters)))
	if f.all {
		if clusters, err = selectedClusters(ctx, all.hub, all.platform); err != nil {
			return err
		}
	}
	// Each cluster stands for itself: one that can't be rendered keeps no other
	// from it.
	var errs []error
	for _, cluster := range clusters {
		if err := renderCluster(ctx, s, all, cluster, f.directory); err != nil {
			errs = append(errs, fmt.Errorf("cluster %s: %w", cluster, err))
		}
	}
	return errors.Join(errs...)
}

func renderCluster(ctx context.Context, s *session, all *estates, cluster, directory string) error {
	asDeclared := func(*v1alpha1.TLSPlatformSpec, map[string]observed.Install) ([]string, error) { return nil, nil }
	found, err := all.of(ctx, cluster, asDeclared)
	if err != nil {
		return err
	}
	defer found.close()
	for _, n := range found.notes {
		if err := s.note("warning: " + clean(cluster+": "+n)); err != nil {
			return err
		}
	}
	files, err := gitops.Render(found.plan)
	if err != nil {
		return err
	}
	changed, err := gitops.Write(directory, cluster, files)
	if err != nil {
		return err
	}
	state := "unchanged"
	if changed {
		state = "written"
	}
	objects := 0
	for i := range found.plan.Parts {
		objects += len(found.plan.Parts[i].Objects)
	}
	_, err = fmt.Fprintf(s.Out, "%s %s (%s)\n", filepath.Join(directory, cluster), state, plural(objects, "object", "objects"))
	if err != nil {
		return fmt.Errorf("writing to standard output: %w", err)
	}
	return nil
}

// selectedClusters are the names of the MemberClusters of a platform, sorted.
func selectedClusters(ctx context.Context, hub client.Reader, platform *v1alpha1.TLSPlatform) ([]string, error) {
	var members v1alpha1.MemberClusterList
	if err := hub.List(ctx, &members); err != nil {
		return nil, fmt.Errorf("listing the MemberClusters of the hub: %w", err)
	}
	var list []string
	for i := range members.Items {
		selected, err := selects(platform, members.Items[i].Labels)
		if err != nil {
			return nil, err
		}
		if selected {
			list = append(list, members.Items[i].Name)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("TLSPlatform %s selects no MemberCluster: see spec.clusters.selector and kubectl get memberclusters", platform.Name)
	}
	slices.Sort(list)
	return list, nil
}
