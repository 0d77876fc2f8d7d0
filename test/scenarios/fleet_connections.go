package scenarios

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
)

// The lean members of NewConnections. Alpha stays connected all the time.
const (
	Alpha = "alpha"
	Beta  = "beta"
)

// Connections are the scenarios of members that are API servers alone, in a world
// of NewConnections with Alpha and Beta. They build on the first one.
func Connections() []Scenario {
	return []Scenario{
		{"A member is connected by a client certificate, and belongs to no estate", false, alphaConnects},
		{"A kubeconfig that can't be used is refused by its reason, and runs nothing", false, badCredentials},
		{"An address where nothing listens is told, and the MemberCluster goes at once", false, nothingListens},
		{"A server that accepts and never answers costs the others nothing", false, memberHangs},
		{"A server that is no API server is told apart", false, notKubernetes},
		{"A member on too old a Kubernetes is refused", false, tooOld},
		{"A selector that matches no cluster is said to", false, selectsNone},
		{"Two MemberClusters of the same cluster: the second is refused", false, duplicate},
		{"The first credential is needed once, and may be withdrawn", false, credentialWithdrawn},
		{"A rotated credential is picked up without a restart", false, credentialRotated},
		{"Definitions of a newer operator are left alone", false, newerSchema},
		{"A member that another hub manages is refused until takeOverFrom names that hub", false, claimedMember},
		{"A MemberCluster that is deleted in mid-delivery goes, and writes to it end", false, deletedInDelivery},
		{"A MemberCluster that can't be reached is let go at once, whatever its policy", false, deletedUnreachable},
	}
}

func alphaConnects(ctx context.Context, w *World, t Teller) error {
	if err := w.InstallOperator(ctx); err != nil {
		return err
	}
	kubeconfig, err := w.Members[Alpha].Access.Certificate("first-contact")
	if err != nil {
		return err
	}
	if err := w.AddMember(ctx, Alpha, regionOf(Alpha), kubeconfig); err != nil {
		return err
	}
	if _, err := w.WaitMember(ctx, Alpha, v1alpha1.ConditionConnected, metav1.ConditionTrue, v1alpha1.ReasonAvailable); err != nil {
		return err
	}
	if _, err := w.WaitMember(ctx, Alpha, v1alpha1.ConditionInSync, metav1.ConditionFalse, v1alpha1.ReasonNotSelected); err != nil {
		return err
	}
	member, err := w.Member(ctx, Alpha)
	if err != nil {
		return err
	}
	identity := member.Status.Identity
	if identity == nil || identity.User != "system:serviceaccount:"+SystemNamespace+":tls-platform-hub" || identity.Expires == nil {
		return fmt.Errorf("the identity in alpha is %+v, want the hub's ServiceAccount with an end", identity)
	}
	t.Say("the hub is %s in alpha until %s", identity.User, identity.Expires.Format(time.RFC3339))
	return w.showMembers(ctx, t, "alpha: True False")
}

// stillConnected checks that alpha is not disturbed by what others do.
func (w *World) stillConnected(ctx context.Context) error {
	member, err := w.Member(ctx, Alpha)
	if err != nil {
		return err
	}
	if !isTrue(member.Status.Conditions, v1alpha1.ConditionConnected) {
		return fmt.Errorf("member alpha is disturbed: its conditions are %+v", member.Status.Conditions)
	}
	return nil
}

// refusedWith adds a member, waits until it is refused for the reason, checks the
// message and the time, and drops it again.
func (w *World) refusedWith(ctx context.Context, t Teller, name string, bad badKubeconfig) error {
	if err := w.AddMember(ctx, name, nil, bad.kubeconfig); err != nil {
		return err
	}
	c, err := w.WaitMember(ctx, name, v1alpha1.ConditionConnected, metav1.ConditionFalse, bad.reason)
	if err != nil {
		return errors.Join(err, w.DropMember(ctx, name))
	}
	t.Show("condition Connected of MemberCluster "+name, c.Reason+": "+c.Message)
	if c.LastTransitionTime.IsZero() {
		err = fmt.Errorf("member %s: the condition Connected does not say since when", name)
	}
	return errors.Join(err, contains(c.Message, bad.says...), w.DropMember(ctx, name))
}

func badCredentials(ctx context.Context, w *World, t Teller) error {
	all, err := badKubeconfigs(w, Alpha)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := w.refusedWith(ctx, t, name, all[name]); err != nil {
			return fmt.Errorf("kubeconfig %s: %w", name, err)
		}
	}
	if _, err := os.Stat(execMark(w.Env)); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the exec plugin of a kubeconfig ran: %w", err)
	}
	if err := w.Client.Create(ctx, memberCluster("no-secret", nil)); err != nil {
		return fmt.Errorf("creating a MemberCluster: %w", err)
	}
	c, err := w.WaitMember(ctx, "no-secret", v1alpha1.ConditionConnected, metav1.ConditionFalse, v1alpha1.ReasonCredentialMissing)
	if err != nil {
		return err
	}
	t.Show("condition Connected of MemberCluster no-secret", c.Reason+": "+c.Message)
	return errors.Join(contains(c.Message, SystemNamespace, secretOf("no-secret")), w.DropMember(ctx, "no-secret"), w.stillConnected(ctx))
}

func nothingListens(ctx context.Context, w *World, t Teller) error {
	beta := w.Members[Beta]
	kubeconfig, err := beta.Access.Certificate("first-contact")
	if err != nil {
		return err
	}
	if err := beta.Link.Cut(); err != nil {
		return fmt.Errorf("cutting the link to beta: %w", err)
	}
	err = w.refusedWith(ctx, t, Beta, badKubeconfig{kubeconfig, v1alpha1.ReasonUnreachable, []string{beta.Link.Addr()}})
	return errors.Join(err, beta.Link.Pass(), w.stillConnected(ctx))
}

func memberHangs(ctx context.Context, w *World, t Teller) error {
	beta := w.Members[Beta]
	kubeconfig, err := beta.Access.Certificate("first-contact")
	if err != nil {
		return err
	}
	if err := beta.Link.Hang(); err != nil {
		return fmt.Errorf("hanging the link to beta: %w", err)
	}
	if err := w.refusedWith(ctx, t, Beta, badKubeconfig{kubeconfig, v1alpha1.ReasonTimeout, []string{beta.Link.Addr()}}); err != nil {
		return errors.Join(err, beta.Link.Pass())
	}
	// One that hangs after it was connected is noticed too, and comes back.
	if err := beta.Link.Pass(); err != nil {
		return fmt.Errorf("healing the link to beta: %w", err)
	}
	if err := w.AddMember(ctx, Beta, regionOf(Beta), kubeconfig); err != nil {
		return err
	}
	if _, err := w.WaitMember(ctx, Beta, v1alpha1.ConditionConnected, metav1.ConditionTrue, ""); err != nil {
		return err
	}
	if err := beta.Link.Hang(); err != nil {
		return fmt.Errorf("hanging the link to beta: %w", err)
	}
	started := time.Now()
	c, err := w.WaitMember(ctx, Beta, v1alpha1.ConditionConnected, metav1.ConditionFalse, v1alpha1.ReasonTimeout)
	if err != nil {
		return errors.Join(err, beta.Link.Pass())
	}
	t.Say("a member that hangs after it was connected is told after %.0f s: %s", time.Since(started).Seconds(), c.Message)
	if err := errors.Join(w.stillConnected(ctx), beta.Link.Pass()); err != nil {
		return err
	}
	started = time.Now()
	if _, err := w.WaitMember(ctx, Beta, v1alpha1.ConditionConnected, metav1.ConditionTrue, ""); err != nil {
		return err
	}
	t.Say("and that it is back after %.0f s", time.Since(started).Seconds())
	return w.DropMember(ctx, Beta)
}

func notKubernetes(ctx context.Context, w *World, t Teller) error {
	server, err := serveOther(http.HandlerFunc(welcome))
	if err != nil {
		return err
	}
	defer server.Close()
	err = w.refusedWith(ctx, t, "web-server", badKubeconfig{server.Kubeconfig, v1alpha1.ReasonNotKubernetes, nil})
	return errors.Join(err, w.stillConnected(ctx))
}

func tooOld(ctx context.Context, w *World, t Teller) error {
	var wrote atomic.Int32
	server, err := serveOther(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			wrote.Add(1)
		}
		oldKubernetes(rw, r)
	}))
	if err != nil {
		return err
	}
	defer server.Close()
	const name = "museum"
	if err := w.AddMember(ctx, name, nil, server.Kubeconfig); err != nil {
		return err
	}
	c, err := w.WaitMember(ctx, name, v1alpha1.ConditionInSync, metav1.ConditionFalse, v1alpha1.ReasonKubernetesTooOld)
	if err == nil {
		t.Show("condition InSync of MemberCluster "+name, c.Reason+": "+c.Message)
		err = contains(c.Message, "1.24.17", "upgrade")
	}
	if n := wrote.Load(); n > 0 {
		err = errors.Join(err, fmt.Errorf("%d writes were tried on a cluster that is too old", n))
	}
	return errors.Join(err, w.DropMember(ctx, name))
}

// leanPlatform has nothing that needs a process in a member.
func leanPlatform(selector map[string]string) *v1alpha1.TLSPlatform {
	return &v1alpha1.TLSPlatform{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "TLSPlatform"},
		ObjectMeta: metav1.ObjectMeta{Name: PlatformName},
		Spec:       v1alpha1.TLSPlatformSpec{Clusters: v1alpha1.ClusterSelection{Selector: &metav1.LabelSelector{MatchLabels: selector}}},
	}
}

func selectsNone(ctx context.Context, w *World, t Teller) error {
	if err := w.Client.Create(ctx, leanPlatform(map[string]string{"region": "nowhere"})); err != nil {
		return fmt.Errorf("creating the platform: %w", err)
	}
	c, err := w.WaitPlatform(ctx, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNoClusters)
	if err != nil {
		return err
	}
	t.Show("condition Ready of the TLSPlatform", c.Reason+": "+c.Message)
	return errors.Join(contains(c.Message, "spec.clusters.selector", "kubectl get memberclusters"), w.deletePlatform(ctx))
}

func duplicate(ctx context.Context, w *World, t Teller) error {
	kubeconfig, err := w.Members[Alpha].Access.Token(ctx, "second-contact")
	if err != nil {
		return err
	}
	const name = "alpha-again"
	if err := w.AddMember(ctx, name, regionOf(Alpha), kubeconfig); err != nil {
		return err
	}
	c, err := w.WaitMember(ctx, name, v1alpha1.ConditionInSync, metav1.ConditionFalse, v1alpha1.ReasonDuplicateCluster)
	if err == nil {
		t.Show("condition InSync of MemberCluster "+name, c.Reason+": "+c.Message)
		err = contains(c.Message, "MemberCluster alpha ", "kube-system")
	}
	if _, werr := w.WaitMember(ctx, Alpha, v1alpha1.ConditionInSync, metav1.ConditionFalse, v1alpha1.ReasonNotSelected); werr != nil {
		err = errors.Join(err, werr)
	}
	return errors.Join(err, w.DropMember(ctx, name), w.stillConnected(ctx))
}

// deletedUnreachable is in mid-air when its object is deleted.
func deletedUnreachable(ctx context.Context, w *World, t Teller) error {
	beta := w.Members[Beta]
	for name, away := range map[string]func() error{"is cut": beta.Link.Cut, "hangs": beta.Link.Hang} {
		took, err := w.letGo(ctx, beta, away)
		if err := errors.Join(err, beta.Link.Pass()); err != nil {
			return fmt.Errorf("a member whose link %s: %w", name, errors.Join(err, w.DropMember(ctx, Beta)))
		}
		t.Say("a member whose link %s was let go after %.1f s", name, took.Seconds())
		if took > goneAtOnce {
			return fmt.Errorf("a member whose link %s was let go after %s, want at most %s", name, took, goneAtOnce)
		}
	}
	return w.stillConnected(ctx)
}

// letGo adds a member that is to be left with nothing of ours, takes its link
// away, and returns how long its object took to go.
func (w *World) letGo(ctx context.Context, m *Member, away func() error) (time.Duration, error) {
	kubeconfig, err := m.Access.Certificate("first-contact")
	if err != nil {
		return 0, err
	}
	if err := w.AddMember(ctx, m.Name, regionOf(m.Name), kubeconfig); err != nil {
		return 0, err
	}
	if _, err := w.WaitMember(ctx, m.Name, v1alpha1.ConditionConnected, metav1.ConditionTrue, ""); err != nil {
		return 0, err
	}
	err = w.changeMember(ctx, m.Name, func(s *v1alpha1.MemberClusterSpec) { s.DeletionPolicy = v1alpha1.DeletionPolicyRemove })
	if err != nil {
		return 0, err
	}
	if err := away(); err != nil {
		return 0, fmt.Errorf("taking the link away: %w", err)
	}
	if _, err := w.WaitMember(ctx, m.Name, v1alpha1.ConditionConnected, metav1.ConditionFalse, ""); err != nil {
		return 0, err
	}
	started := time.Now()
	err = w.DropMember(ctx, m.Name)
	return time.Since(started), err
}

// goneAtOnce is how long letting go of a member that can't be reached may take on
// a busy machine.
const goneAtOnce = 20 * time.Second

// hubAgain kills the hub and waits until it works again.
func (w *World) hubAgain(ctx context.Context) error {
	if err := w.killOperator(ctx); err != nil {
		return err
	}
	return w.Wait(ctx, Deployments, SystemNamespace, "tls-platform", harness.ConditionIs("Available", "True"))
}
