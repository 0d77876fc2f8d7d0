package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/consistency"
)

// memberPageLimit is how many MemberClusters are asked for at once. One is at
// most some tens of KiB.
const memberPageLimit = 50

// fleetFlags choose clusters.
type fleetFlags struct {
	clusters []string
	selector string
}

// bind adds the flags to a command. purpose says what --cluster and --selector
// are for there.
func (f *fleetFlags) bind(flags *pflag.FlagSet, cluster, selector string) {
	flags.StringSliceVar(&f.clusters, "cluster", nil, cluster+" (repeatable)")
	flags.StringVarP(&f.selector, "selector", "l", "", selector)
}

// fleetView is what a command looks at.
type fleetView struct {
	// members that the selector chose, ordered by name.
	members []*v1alpha1.MemberCluster
	// chosen are the names that were asked for; nil when all are.
	chosen map[string]bool
}

// shows says that a cluster is to be shown.
func (f *fleetView) shows(name string) bool { return f.chosen == nil || f.chosen[name] }

// shown are the members to show.
func (f *fleetView) shown() []*v1alpha1.MemberCluster {
	var list []*v1alpha1.MemberCluster
	for _, m := range f.members {
		if f.shows(m.Name) {
			list = append(list, m)
		}
	}
	return list
}

// compared are the clusters that are compared with each other.
func (f *fleetView) compared() []consistency.Cluster {
	list := make([]consistency.Cluster, 0, len(f.members))
	for _, m := range f.members {
		list = append(list, consistency.FromMember(m))
	}
	return list
}

// load reads the MemberClusters and applies the flags.
func (f *fleetFlags) load(ctx context.Context, c client.Reader) (*fleetView, error) {
	selector, err := labels.Parse(f.selector)
	if err != nil {
		return nil, fmt.Errorf("--selector: %w", err)
	}
	members, err := loadMembers(ctx, c)
	if err != nil {
		return nil, err
	}
	return f.choose(members, selector)
}

// choose applies the flags to all members of the hub.
func (f *fleetFlags) choose(members []*v1alpha1.MemberCluster, selector labels.Selector) (*fleetView, error) {
	view := &fleetView{}
	byName := map[string]*v1alpha1.MemberCluster{}
	names := make([]string, 0, len(members))
	for _, m := range members {
		byName[m.Name] = m
		names = append(names, m.Name)
		if selector.Matches(labels.Set(m.Labels)) {
			view.members = append(view.members, m)
		}
	}
	for _, name := range f.clusters {
		m, ok := byName[name]
		switch {
		case !ok && len(names) == 0:
			return nil, fmt.Errorf("--cluster: there is no cluster %q: the hub has no MemberCluster", name)
		case !ok:
			return nil, fmt.Errorf("--cluster: there is no cluster %q: use one of %s", name, firstNames(names, maxNear))
		case !selector.Matches(labels.Set(m.Labels)):
			return nil, fmt.Errorf("--cluster: cluster %q does not have the labels of --selector %s", name, f.selector)
		}
		if view.chosen == nil {
			view.chosen = map[string]bool{}
		}
		view.chosen[name] = true
	}
	return view, nil
}

// firstNames are some names and the number of further ones.
func firstNames(names []string, limit int) string {
	if len(names) <= limit {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:limit], ", "), len(names)-limit)
}

// loadMembers reads all MemberClusters, ordered by name.
func loadMembers(ctx context.Context, c client.Reader) ([]*v1alpha1.MemberCluster, error) {
	members, err := readMembers(ctx, c, memberPageLimit)
	if apierrors.IsResourceExpired(err) {
		// As in loadRecords.
		members, err = readMembers(ctx, c, 0)
	}
	switch {
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return nil, errors.New("the cluster of this context is no hub: it does not know the kind MemberCluster; --context chooses another one")
	case apierrors.IsForbidden(err):
		return nil, fmt.Errorf("you need the right to list memberclusters.tlsplatform.io: %w", err)
	case err != nil:
		return nil, fmt.Errorf("reading MemberClusters: %w", err)
	}
	slices.SortFunc(members, func(a, b *v1alpha1.MemberCluster) int { return strings.Compare(a.Name, b.Name) })
	return members, nil
}

// readMembers reads all MemberClusters, limit of them at a time; 0 for all at
// once.
func readMembers(ctx context.Context, c client.Reader, limit int64) ([]*v1alpha1.MemberCluster, error) {
	var members []*v1alpha1.MemberCluster
	for token := ""; ; {
		var page v1alpha1.MemberClusterList
		if err := c.List(ctx, &page, client.Limit(limit), client.Continue(token)); err != nil {
			return nil, err
		}
		for i := range page.Items {
			members = append(members, &page.Items[i])
		}
		if token = page.Continue; token == "" {
			return members, nil
		}
	}
}

// loadRollouts describes the rollouts that are not complete, one line each.
func loadRollouts(ctx context.Context, c client.Reader) ([]string, error) {
	var platforms v1alpha1.TLSPlatformList
	if err := c.List(ctx, &platforms); err != nil {
		return nil, fmt.Errorf("reading TLSPlatforms: %w", err)
	}
	var lines []string
	for i := range platforms.Items {
		p := &platforms.Items[i]
		r := p.Status.Rollout
		if r == nil || r.Phase == v1alpha1.RolloutComplete {
			continue
		}
		line := fmt.Sprintf("TLSPlatform %s: rollout of %s is %s in wave %d, %d of %d clusters have it",
			p.Name, r.Revision, strings.ToLower(string(r.Phase)), r.Wave, r.Updated, r.Total)
		if r.Message != "" {
			line += ": " + r.Message
		}
		lines = append(lines, clean(line))
	}
	slices.Sort(lines)
	return lines, nil
}
