package controller

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/apply"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/fleet"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// visit is one visit of one member.
type visit struct {
	*MemberReconciler
	*member
	object *v1alpha1.MemberCluster
	// assignment that counts, nil for none.
	assignment *Assignment
	// owner is the platform that the cluster belongs to.
	owner types.UID
	// ran is true when the engine was at work.
	ran bool
	// listened is true when it is known when to look at the heartbeat again.
	listened bool
	// released is true once a platform that is deleted has let go of the cluster.
	released bool
}

// reach finds out whether a suspect answers, and connects it.
func (v *visit) reach(ctx context.Context) error {
	v.assignment = v.Fleet.assignment(v.member)
	if v.failures >= redialAfter {
		v.disconnect() // the credential or the way there may be another by now
	}
	var refused *fleet.RefusalError
	switch err := v.connect(ctx); {
	case errors.As(err, &refused):
		return nil // it answers; what it is refused for is said by a visit
	case err != nil:
		return err
	}
	if err := v.cluster.conn.Probe(ctx); err != nil {
		return err
	}
	v.cluster.Doubt() // it was away
	return nil
}

// run connects, looks and applies. What goes wrong is part of the outcome.
func (v *visit) run(ctx context.Context) *observed.Outcome {
	v.assignment = v.Fleet.assignment(v.member)
	if err := v.connect(ctx); err != nil {
		var refused *fleet.RefusalError
		if errors.As(err, &refused) {
			v.runAt = v.Fleet.Now().Add(refusedRecheck)
			return &observed.Outcome{Err: refusal(refused)}
		}
		return v.unreachable(err)
	}
	facts, err := v.cluster.Facts(ctx)
	if err == nil {
		err = v.renew(ctx)
	}
	if err != nil {
		return v.failed(err)
	}
	outcome := &observed.Outcome{Facts: facts}
	if outcome.Err = v.refused(ctx, &facts); outcome.Err != nil {
		v.runAt = v.Fleet.Now().Add(refusedRecheck)
		return outcome
	}
	owner, owned, err := v.cluster.engine.Ledger(ctx)
	if err != nil {
		return v.failed(err)
	}
	if owned {
		v.owner = owner.UID
	}
	v.assignment = v.Fleet.assignmentOf(v.member, v.owner)
	held, err := v.held(ctx, owner, owned)
	if err != nil {
		return v.failed(err)
	}
	if held != nil {
		v.runAt = v.Fleet.Now().Add(refusedRecheck)
		outcome.Err = held
		return outcome
	}
	outcome = v.act(ctx, outcome)
	if h := v.cluster.conn.Health(); !h.Reachable {
		return v.lost(h)
	}
	v.listen(ctx, outcome)
	if h := v.cluster.conn.Health(); !h.Reachable {
		return v.lost(h)
	}
	return outcome
}

// redialAfter is how many failures in a row have a suspect dialled anew.
const redialAfter = 3

// refusedRecheck is how often a cluster that is refused for what it is is looked
// at again.
const refusedRecheck = 30 * time.Second

// act does what the assignment asks for, when something asks for a run.
func (v *visit) act(ctx context.Context, outcome *observed.Outcome) *observed.Outcome {
	a := v.assignment
	switch {
	case a == nil:
		v.done, v.runAt = nil, time.Time{}
		return outcome
	case a.Release:
		v.release(ctx, a, outcome)
		return outcome
	case a.Suspended:
		v.done, v.runAt = a, time.Time{}
		outcome.Err = &observed.Failure{Reason: v1alpha1.ReasonSuspended, Message: fmt.Sprintf(
			"spec.suspend of TLSPlatform %s is set: the cluster is only looked at", a.Platform.Name)}
		return outcome
	}
	if last := v.Fleet.Known(v.name, "").Outcome; !v.due(a, last) {
		kept := *last
		kept.Facts, kept.Waiting, kept.Agent, kept.Silent = outcome.Facts, a.Waiting, nil, ""
		return &kept
	}
	result, next := v.cluster.Run(ctx, a)
	v.ran, v.done, v.runAt = true, a, time.Time{}
	v.owner = a.Platform.UID
	if result.Recheck > 0 {
		v.runAt = v.Fleet.Now().Add(result.Recheck)
	}
	if next != nil && (v.runAt.IsZero() || next.Before(v.runAt)) {
		v.runAt = *next
	}
	result.Waiting, result.Facts = a.Waiting, outcome.Facts
	return &result
}

// due says whether something asks for a run: a change of what the cluster shall
// have or of what it has, time, or that nothing is known of the last run.
func (v *visit) due(a *Assignment, last *observed.Outcome) bool {
	dirty := v.Fleet.takeDirty(v.member)
	if dirty || last == nil || last.Unreachable || v.done == nil || !v.done.same(a) {
		return true
	}
	late := !v.runAt.IsZero() && !v.Fleet.Now().Before(v.runAt)
	return late || v.cluster.News()
}

// connect makes the connection, or makes it anew when the spec asks for another.
func (v *visit) connect(ctx context.Context) error {
	if v.name == v1alpha1.LocalClusterName {
		return nil
	}
	if v.cluster != nil && !equality.Semantic.DeepEqual(v.spec.Connection, v.object.Spec.Connection) {
		v.disconnect()
		v.heard, v.beatAt = time.Time{}, time.Time{} // of another cluster, maybe
	}
	if v.cluster != nil {
		return nil
	}
	conn, err := v.Dialer.Dial(ctx, v.object)
	if err != nil {
		return err
	}
	options := v.Options
	options.Connection = conn
	options.Changed = func() { v.Fleet.wake.wake(v.name) }
	v.cluster, v.spec = NewCluster(options), *v.object.Spec.DeepCopy()
	return nil
}

func (v *visit) disconnect() {
	if v.cluster != nil && v.name != v1alpha1.LocalClusterName {
		v.cluster.Close()
		v.cluster, v.done = nil, nil
	}
}

// renew the operator's credential long before it ends.
func (v *visit) renew(ctx context.Context) error {
	if v.name == v1alpha1.LocalClusterName {
		return nil
	}
	if _, err := v.Dialer.Renew(ctx, v.cluster.conn); err != nil {
		return fmt.Errorf("renewing the operator's credential for cluster %s: %w", v.name, err)
	}
	return nil
}

// identity of the operator in the cluster.
func (v *visit) identity() *v1alpha1.IdentityStatus {
	if v.cluster == nil || v.name == v1alpha1.LocalClusterName {
		return nil
	}
	user, expires := v.cluster.conn.Identity()
	id := &v1alpha1.IdentityStatus{User: user}
	if !expires.IsZero() {
		at := metav1.NewTime(expires.Truncate(time.Second))
		id.Expires = &at
	}
	return id
}

// refused says why nothing is done to a cluster that answers, nil for no reason.
func (v *visit) refused(ctx context.Context, facts *observed.Cluster) *observed.Failure {
	if other := v.Fleet.identify(v.member, facts.UID, v.object.CreationTimestamp); other != "" {
		return &observed.Failure{Reason: v1alpha1.ReasonDuplicateCluster, Terminal: true, Message: fmt.Sprintf(
			"this is the same cluster as MemberCluster %s (its namespace kube-system has UID %s), and two would fight: delete one of them",
			other, facts.UID)}
	}
	if old := fleet.CheckVersion(facts.KubernetesVersion); old != nil {
		return refusal(old)
	}
	return v.claimed(ctx)
}

// unreachable is the outcome of a cluster that could not be reached at all.
func (v *visit) unreachable(err error) *observed.Outcome {
	var credential *fleet.CredentialError
	if errors.As(err, &credential) {
		v.disconnect()
		return v.gone(observed.Failure{Reason: credential.Reason, Message: credential.Message})
	}
	reason, message, _ := fleet.Classify(err)
	return v.gone(observed.Failure{Reason: reason, Message: message})
}

func (v *visit) lost(h fleet.Health) *observed.Outcome {
	return v.gone(observed.Failure{Reason: h.Reason, Message: h.Message})
}

// gone is an outcome without anything but what the last visit knew.
func (v *visit) gone(failure observed.Failure) *observed.Outcome {
	switch failure.Reason {
	case v1alpha1.ReasonUnauthorized, v1alpha1.ReasonUntrusted, v1alpha1.ReasonNotKubernetes:
		v.disconnect() // the first credential may make another identity, or lead elsewhere
	}
	outcome := &observed.Outcome{Unreachable: true, Err: &failure}
	if last := v.Fleet.Known(v.name, "").Outcome; last != nil {
		outcome.Facts, outcome.Agent, outcome.AgentGeneration = last.Facts, last.Agent, last.AgentGeneration
	}
	return outcome
}

// failed is the outcome of a cluster that answers, and refused to be looked at.
func (v *visit) failed(err error) *observed.Outcome {
	if h := v.cluster.conn.Health(); !h.Reachable {
		return v.lost(h)
	}
	v.runAt = v.Fleet.Now().Add(recheckAfterError)
	failure := apply.Classify(err, desired.IdentityHub)
	outcome := &observed.Outcome{Err: &failure, Facts: v.cluster.facts}
	if failure.Reason == v1alpha1.ReasonForbidden {
		v.disconnect() // the roles may be gone, which the first credential can make again
	}
	return outcome
}

// listen looks at the heartbeat of the agent, when it is time.
func (v *visit) listen(ctx context.Context, outcome *observed.Outcome) {
	v.listened = true
	now := v.Fleet.Now()
	if v.beatAt.IsZero() || !now.Before(v.beatAt) {
		renewed, _, err := v.cluster.conn.Heartbeat(ctx)
		if err == nil && !renewed.IsZero() {
			v.heard = renewed
		}
		v.beatAt = now.Add(v.nextBeat(now))
	}
	if v.assignment != nil && !v.heard.IsZero() && now.Sub(v.heard) > silentAfter {
		outcome.Silent = fmt.Sprintf(
			"the agent has not renewed its Lease since %s: what is shown of certificates and drift is from then; look at its pod (kubectl -n %s get pods -l app.kubernetes.io/component=agent)",
			v.heard.UTC().Format(time.RFC3339), v.Options.Home.Namespace)
	}
}

// nextBeat is when the heartbeat is looked at again: soon while an agent that was
// asked for has never been heard, and else not in step with other clusters.
func (v *visit) nextBeat(now time.Time) time.Duration {
	if v.heard.IsZero() && v.assignment != nil {
		return min(max(now.Sub(v.assignment.Since)/4, firstLook), beat)
	}
	return beat - beat/10 + rand.N(beat/5)
}

// silentAfter is how old a heartbeat may be.
const silentAfter = 90 * time.Second
