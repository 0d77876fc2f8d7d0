package controller

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/consistency"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/override"
	"github.com/tlsplatform/tls-platform-operator/internal/rollout"
)

// rolled is a decision about a rollout, and what is told of it.
type rolled struct {
	rollout.Decision
	status *v1alpha1.RolloutStatus
}

// invalid says what is wrong with the overrides of a platform; empty for nothing.
// The API server itself is asked whether what comes of them is a valid spec.
func (r *PlatformReconciler) invalid(ctx context.Context, platform *v1alpha1.TLSPlatform, members []v1alpha1.MemberCluster) (string, error) {
	if len(platform.Spec.Overrides) == 0 {
		return "", nil
	}
	seen := map[string]bool{}
	for i := range members {
		merged, applied, broken := merge(platform, members[i].Labels)
		if broken != "" {
			return broken, nil
		}
		key := strings.Join(applied, ",")
		if len(applied) == 0 || seen[key] {
			continue
		}
		seen[key] = true
		if r.checked(platform, key) {
			continue
		}
		whole := platform.DeepCopy()
		whole.Spec = *merged
		err := r.Client.Update(ctx, whole, client.DryRunAll)
		switch {
		case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
			return fmt.Sprintf("with the overrides %s, as for cluster %s, the spec is not valid: %v; what is in the clusters stays", key, members[i].Name, err), nil
		case err != nil && !apierrors.IsConflict(err):
			return "", fmt.Errorf("checking the overrides %s of TLSPlatform %s: %w", key, platform.Name, err)
		case err == nil:
			r.valid[platform.UID][key] = true
		}
	}
	return "", nil
}

// merge the overrides for a cluster. That they can't be merged is a fact about
// the spec, and no failure of ours.
func merge(platform *v1alpha1.TLSPlatform, labels map[string]string) (merged *v1alpha1.TLSPlatformSpec, applied []string, broken string) {
	merged, applied, err := override.For(&platform.Spec, labels)
	if err != nil {
		return nil, nil, err.Error() + "; what is in the clusters stays"
	}
	return merged, applied, ""
}

// checked says whether a set of overrides of this generation is known to be
// valid.
func (r *PlatformReconciler) checked(platform *v1alpha1.TLSPlatform, key string) bool {
	if r.generation[platform.UID] != platform.Generation {
		r.generation[platform.UID], r.valid[platform.UID] = platform.Generation, map[string]bool{}
	}
	return r.valid[platform.UID][key]
}

// roll decides which cluster has which revision, writes that down, and then tells
// the clusters.
func (r *PlatformReconciler) roll(ctx context.Context, platform *v1alpha1.TLSPlatform, members []v1alpha1.MemberCluster) (*rolled, error) {
	target, err := r.revisions.target(ctx, platform)
	if err != nil {
		return nil, err
	}
	spec, err := rollout.SpecFrom(platform.Spec.Delivery.Rollout)
	if err != nil {
		return nil, fmt.Errorf("reading TLSPlatform %s: %w", platform.Name, err)
	}
	in := rollout.Input{Target: target, Spec: spec, Now: r.Now()}
	before := platform.Status.Rollout
	if before != nil && r.revisions.exists(before.Stable, platform.UID) {
		in.Stable = before.Stable
	}
	for i := range members {
		in.Members = append(in.Members, r.standing(platform, &members[i]))
	}
	d := &rolled{Decision: rollout.Decide(in)}
	d.status = &v1alpha1.RolloutStatus{
		Revision: target, Stable: d.Stable, Phase: d.Phase, Wave: d.Wave, Updated: d.Updated, Total: d.Total, Message: bounded(d.Message),
	}
	have, unwritten := r.haves(platform, members, &in, d.Assign)
	if err := r.assignAll(ctx, members, unwritten); err != nil {
		return nil, err
	}
	waiting := map[string]bool{}
	for _, name := range d.Waiting {
		waiting[name] = true
	}
	used := map[string]bool{target: true, d.Stable: true}
	for i := range in.Members {
		used[in.Members[i].Revision] = true
	}
	for i := range members {
		m := &members[i]
		name := have[m.Name]
		if name == "" {
			continue
		}
		used[name] = true
		a, err := r.revisions.assignment(platform, name, m.Labels)
		if err != nil {
			return nil, err
		}
		a.Since, a.TakeOverFrom = assignedAt(m), m.Spec.TakeOverFrom
		if waiting[m.Name] {
			a.Waiting = fmt.Sprintf("it keeps revision %s until its turn for %s comes", name, target)
		}
		r.Fleet.Assign(m.Name, a)
	}
	return d, r.revisions.prune(ctx, platform.UID, used)
}

// haves are the revisions that clusters shall have from now on, and those of them
// that are not written down. A cluster that belongs to another platform is not
// told: its status is about what that one asks for.
func (r *PlatformReconciler) haves(
	platform *v1alpha1.TLSPlatform, members []v1alpha1.MemberCluster, in *rollout.Input, assign map[string]string,
) (have, unwritten map[string]string) {
	have, unwritten = make(map[string]string, len(members)), map[string]string{}
	for i := range members {
		m := &members[i]
		if r.Fleet.Known(m.Name, platform.UID).Other != nil {
			continue
		}
		next, changes := assign[m.Name]
		have[m.Name] = cmp.Or(next, in.Members[i].Revision)
		written := m.Status.Revision != nil && r.revisions.exists(m.Status.Revision.Name, platform.UID)
		if have[m.Name] != "" && (changes || !written) {
			unwritten[m.Name] = have[m.Name]
		}
	}
	return have, unwritten
}

// suspend has the clusters only looked at. Nothing is decided meanwhile.
func (r *PlatformReconciler) suspend(ctx context.Context, platform *v1alpha1.TLSPlatform, members []v1alpha1.MemberCluster) error {
	target, err := r.revisions.target(ctx, platform)
	if err != nil {
		return err
	}
	for i := range members {
		m := &members[i]
		have := r.standing(platform, m).Revision
		a, err := r.revisions.assignment(platform, cmp.Or(have, target), m.Labels)
		if err != nil {
			return err
		}
		// One that has nothing was not given anything: its turn comes later.
		a.Revision, a.Since, a.TakeOverFrom = have, assignedAt(m), m.Spec.TakeOverFrom
		r.Fleet.Assign(m.Name, a)
	}
	return nil
}

// maxDecision bounds what is told of a rollout, in bytes.
const maxDecision = 1024

func bounded(s string) string {
	if len(s) <= maxDecision {
		return s
	}
	return strings.ToValidUTF8(s[:maxDecision-3], "") + "..."
}

// parallelWrites bounds how many statuses are written at the same time.
const parallelWrites = 16

// assignAll writes down who shall have what.
func (r *PlatformReconciler) assignAll(ctx context.Context, members []v1alpha1.MemberCluster, assign map[string]string) error {
	var group errgroup.Group
	group.SetLimit(parallelWrites)
	for i := range members {
		m := &members[i]
		if next, changes := assign[m.Name]; changes {
			group.Go(func() error { return r.assign(ctx, m, next) })
		}
	}
	return group.Wait()
}

// assign writes down that a cluster shall have a revision, before it is told: a
// hub that is restarted goes on where it was.
func (r *PlatformReconciler) assign(ctx context.Context, m *v1alpha1.MemberCluster, revision string) error {
	if have := m.Status.Revision; have != nil && have.Name == revision {
		return nil
	}
	before := m.DeepCopy()
	m.Status.Revision = &v1alpha1.RevisionStatus{Name: revision, Since: r.clock()}
	if err := r.Client.Status().Patch(ctx, m, client.MergeFrom(before)); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("writing revision %s into the status of MemberCluster %s: %w", revision, m.Name, err)
	}
	return nil
}

// standing is a cluster as the rollout sees it.
func (r *PlatformReconciler) standing(platform *v1alpha1.TLSPlatform, m *v1alpha1.MemberCluster) rollout.Member {
	known := r.Fleet.Known(m.Name, platform.UID)
	s := rollout.Member{Name: m.Name, Labels: m.Labels, State: rollout.Progressing}
	if have := m.Status.Revision; have != nil && r.revisions.exists(have.Name, platform.UID) {
		s.Revision, s.Since, s.WasReady = have.Name, have.Since.Time, have.Ready
	}
	// The cache may be behind what was told last.
	if known.Mine != nil && known.Mine.Revision != "" && known.Mine.Revision != s.Revision {
		s.Revision, s.Since, s.WasReady = known.Mine.Revision, known.Mine.Since, false
	}
	s.Reachable = known.Outcome != nil && !known.Outcome.Unreachable
	c := meta.FindStatusCondition(m.Status.Conditions, v1alpha1.ConditionConnected)
	switch {
	case c != nil && (c.Status == metav1.ConditionTrue) == s.Reachable:
		s.ReachabilitySince = c.LastTransitionTime.Time
	case s.Reachable: // it is back, and the cache does not say so yet
		s.ReachabilitySince = r.Now()
	}
	if o := known.Outcome; known.Other != nil || o != nil && o.Err != nil && o.Err.Terminal {
		// The cluster is another's, or refused for what it is: no change can fail there.
		s.Reachable, s.ReachabilitySince = false, m.CreationTimestamp.Time
	}
	if known.Current {
		s.State, s.Message = stateOf(known.Outcome)
	}
	return s
}

// stateOf a cluster with the revision that its outcome is about.
func stateOf(o *observed.Outcome) (state rollout.State, message string) {
	if o.Err != nil {
		if o.Err.Terminal {
			return rollout.Failed, o.Err.Message
		}
		return rollout.Progressing, o.Err.Message
	}
	state = rollout.Ready
	for i := range o.Parts {
		p := &o.Parts[i]
		switch {
		case p.Terminal:
			return rollout.Failed, p.Reason + ": " + p.Message
		case p.State == observed.PartReady, p.State == observed.PartEmpty:
		case state == rollout.Ready:
			state, message = rollout.Progressing, p.Reason+": "+p.Message
		}
	}
	if len(o.Parts) == 0 {
		state = rollout.Progressing
	}
	return state, message
}

// outcomes of the clusters of a platform, and how many have not been visited
// since they were told what to have.
func (r *PlatformReconciler) outcomes(platform *v1alpha1.TLSPlatform, members []v1alpha1.MemberCluster) (list []observed.Outcome, pending int) {
	for i := range members {
		name := members[i].Name
		known := r.Fleet.Known(name, platform.UID)
		o := observed.Outcome{Cluster: name}
		switch {
		case known.Outcome == nil:
			o.Unreachable = true
			o.Err = &observed.Failure{Reason: v1alpha1.ReasonConnecting, Message: "it has not been reached yet"}
			pending++
		case known.Other != nil:
			o = *known.Outcome
			if !o.Unreachable {
				o = observed.Outcome{Cluster: name, Err: ownedByOther(name, known.Other.Name)}
			}
		default:
			o = *known.Outcome
			if known.Mine != nil {
				o.Waiting = known.Mine.Waiting
			}
			if !known.Current && !o.Unreachable && known.Mine != nil {
				pending++
			}
			if known.Mine == nil {
				o = observed.Outcome{Cluster: name, Unreachable: o.Unreachable, Err: o.Err, Waiting: "it has nothing of this platform until its turn comes"}
			}
		}
		list = append(list, o)
	}
	return list, pending
}

// comparison is the last one of a platform's clusters.
type comparison struct {
	profiles int    // sum of the counts of changes
	clusters string // that were compared
	result   *v1alpha1.Consistency
}

// consistency compares the clusters, when a profile changed.
func (r *PlatformReconciler) consistency(platform *v1alpha1.TLSPlatform, members []v1alpha1.MemberCluster) *v1alpha1.Consistency {
	var clusters []consistency.Cluster
	var compared []string
	profiles := 0
	for i := range members {
		known := r.Fleet.Known(members[i].Name, "")
		profiles += known.Profiles
		if o := known.Outcome; o == nil || o.Unreachable || o.Silent != "" || o.Agent == nil || o.Agent.Profile == nil {
			continue
		}
		compared = append(compared, members[i].Name)
		clusters = append(clusters, consistency.Cluster{
			Name: members[i].Name, Profile: known.Outcome.Agent.Profile,
		})
	}
	seen := strings.Join(compared, " ")
	last := r.compared[platform.UID]
	if last.result != nil && last.profiles == profiles && last.clusters == seen {
		return last.result
	}
	if len(clusters) == 0 {
		return nil
	}
	result := consistency.Compare(clusters)
	r.compared[platform.UID] = comparison{profiles: profiles, clusters: seen, result: &result}
	return &result
}
