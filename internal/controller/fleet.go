package controller

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/fleet"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// Fleet is what the hub knows of all clusters: the connections, what each shall
// have, and what the last visit found. Platforms put assignments in, visits of
// members put outcomes in; it decides nothing.
type Fleet struct {
	// Now is the clock.
	Now func() time.Time
	// Wake has a member visited; news has the platforms look at the outcomes.
	wake *waker
	news func()

	mu      sync.Mutex
	members map[string]*member
	told    map[types.UID]bool // platforms that decided since the start
}

// NewFleet returns an empty fleet. news is called when an outcome changed.
func NewFleet(now func() time.Time, news func()) *Fleet {
	return &Fleet{Now: now, wake: &waker{}, news: news, members: map[string]*member{}, told: map[types.UID]bool{}}
}

// member is one cluster.
type member struct {
	name string
	// visiting is held by the one worker that is at the cluster. What follows it
	// belongs to that worker.
	visiting sync.Mutex
	cluster  *Cluster
	spec     v1alpha1.MemberClusterSpec // that the connection was made from
	done     *Assignment                // that the last run was for
	runAt    time.Time                  // when time alone asks for another run
	beatAt   time.Time                  // when the heartbeat is looked at again
	failures int
	heard    time.Time

	// What follows is guarded by the Fleet's mutex.
	suspect   bool
	dirty     bool // a run is due
	claims    claims
	owner     types.UID // of the platform that the cluster belongs to
	uid       string    // of the cluster
	created   metav1.Time
	outcome   *observed.Outcome  // of the last visit; it is never changed
	visited   *Assignment        // that the outcome is about
	lastHeard time.Time          // of the agent
	profile   int                // counts changes of the profile
	freed     map[types.UID]bool // platforms that are deleted and let go of it
}

// get returns the member of that name, which starts as a suspect: nothing is
// known of how it answers.
func (f *Fleet) get(name string) *member {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.members[name]
	if m == nil {
		m = &member{name: name, suspect: name != v1alpha1.LocalClusterName, claims: claims{}, freed: map[types.UID]bool{}, dirty: true}
		f.members[name] = m
	}
	return m
}

// AddLocal puts in the hub's own cluster, over a connection that is never given
// up.
func (f *Fleet) AddLocal(conn *fleet.Connection, o ClusterOptions) {
	m := f.get(conn.Name)
	o.Connection, o.Changed = conn, func() { f.Dirty(m.name) }
	m.cluster = NewCluster(o)
}

// forget a member whose MemberCluster is gone.
func (f *Fleet) forget(name string) {
	f.mu.Lock()
	m := f.members[name]
	delete(f.members, name)
	f.mu.Unlock()
	if m == nil {
		return
	}
	m.visiting.Lock()
	defer m.visiting.Unlock()
	if m.cluster != nil {
		m.cluster.Close()
	}
	f.news()
}

// Dirty has a member visited and everything of it applied again.
func (f *Fleet) Dirty(name string) {
	f.mu.Lock()
	if m := f.members[name]; m != nil {
		m.dirty = true
	}
	f.mu.Unlock()
	f.wake.wake(name)
}

// Assign tells a cluster what it shall have.
func (f *Fleet) Assign(name string, a *Assignment) {
	m := f.get(name)
	f.mu.Lock()
	before := m.claims[a.Platform.UID]
	if before != nil && before.same(a) {
		a.Since = before.Since
		m.claims[a.Platform.UID] = a // only what is told of it may differ
		told := before.Waiting != a.Waiting
		f.mu.Unlock()
		if told {
			f.wake.wake(name)
		}
		return
	}
	m.claims[a.Platform.UID] = a
	m.dirty = true
	f.mu.Unlock()
	f.wake.wake(name)
}

// Unassign ends the claims of a platform on all clusters but those named.
func (f *Fleet) Unassign(platform types.UID, but map[string]bool) {
	f.mu.Lock()
	var woken []string
	for name, m := range f.members {
		delete(m.freed, platform)
		if m.claims[platform] != nil && !but[name] {
			delete(m.claims, platform)
			m.dirty = true
			woken = append(woken, name)
		}
	}
	f.mu.Unlock()
	for _, name := range woken {
		f.wake.wake(name)
	}
}

// assignment of a member, nil for none.
func (f *Fleet) assignment(m *member) *Assignment {
	f.mu.Lock()
	defer f.mu.Unlock()
	return m.claims.effective(m.owner)
}

// ownerOf a member, as the last visit found it.
func (f *Fleet) ownerOf(m *member) types.UID {
	f.mu.Lock()
	defer f.mu.Unlock()
	return m.owner
}

// assignmentOf a member that belongs to a platform.
func (f *Fleet) assignmentOf(m *member, owner types.UID) *Assignment {
	f.mu.Lock()
	defer f.mu.Unlock()
	return m.claims.effective(owner)
}

// takeDirty says whether a run is due, and notes that it is being done.
func (f *Fleet) takeDirty(m *member) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	dirty := m.dirty
	m.dirty = false
	return dirty
}

func (f *Fleet) suspected(m *member) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return m.suspect
}

func (f *Fleet) setSuspect(m *member, suspect bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m.suspect = suspect
}

// identify notes which cluster a member is, and returns the name of an older
// member that is the same one; empty for none.
func (f *Fleet) identify(m *member, uid string, created metav1.Time) (other string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m.uid, m.created = uid, created
	first := m
	for _, o := range f.members {
		if uid != "" && o.uid == uid && o.precedes(first) {
			first = o
		}
	}
	if first == m {
		return ""
	}
	return first.name
}

// precedes says which of two members that are the same cluster keeps it: the
// hub's own, else the older one.
func (m *member) precedes(o *member) bool {
	switch {
	case m.name == v1alpha1.LocalClusterName || o.name == v1alpha1.LocalClusterName:
		return m.name == v1alpha1.LocalClusterName && o.name != m.name
	case m.created.Equal(&o.created):
		return m.name < o.name
	}
	return m.created.Before(&o.created)
}

// store keeps what a visit found, and says whether it is news: another outcome,
// or the first one about an assignment.
func (f *Fleet) store(m *member, o *observed.Outcome, a *Assignment, owner types.UID) (news bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	news = m.outcome == nil || (a == nil) != (m.visited == nil) || a != nil && !a.same(m.visited) || m.owner != owner ||
		!reflect.DeepEqual(m.outcome, o)
	if o.Agent != nil && (m.outcome == nil || m.outcome.Agent == nil || m.outcome.Agent.Profile != o.Agent.Profile) {
		m.profile++
	}
	m.outcome, m.visited, m.owner, m.lastHeard = o, a, owner, m.heard
	return news
}

// released notes that a platform that is being deleted has let go of a cluster.
func (f *Fleet) released(m *member, platform types.UID) {
	f.mu.Lock()
	m.free(platform)
	f.mu.Unlock()
	f.news()
}

// Known is what a platform sees of a cluster.
type Known struct {
	// Outcome of the last visit; nil when there was none.
	Outcome *observed.Outcome
	// Current says that the outcome is about what the platform asks for now.
	Current bool
	// Mine is what the platform asks for; nil for nothing.
	Mine *Assignment
	// Other is the platform that the cluster belongs to instead; nil for this one.
	Other *v1alpha1.TLSPlatform
	// Profiles counts changes of the profile.
	Profiles int
}

// Known returns what is known of a cluster, from the point of view of a platform.
func (f *Fleet) Known(name string, platform types.UID) Known {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.members[name]
	if m == nil {
		return Known{}
	}
	k := Known{Outcome: m.outcome, Profiles: m.profile}
	effective := m.claims.effective(m.owner)
	mine := m.claims[platform]
	k.Mine = mine
	switch {
	case mine == nil:
		if a := m.claims[m.owner]; a != nil {
			k.Other = a.Platform
		}
	case effective != mine:
		k.Other = effective.Platform
	default:
		k.Current = m.outcome != nil && m.visited != nil && m.visited.same(mine)
	}
	return k
}

// Decided notes that a platform has told its clusters what they shall have.
func (f *Fleet) Decided(platform types.UID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told[platform] = true
}

// Forget a platform that is gone.
func (f *Fleet) Forget(platform types.UID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.told, platform)
}

func (f *Fleet) decided(platform types.UID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.told[platform]
}

// Released says whether a cluster has let go of a platform.
func (f *Fleet) Released(name string, platform types.UID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.members[name]
	return m != nil && m.freed[platform]
}

// Drop ends the hold of a platform on a cluster that can't be asked.
func (f *Fleet) Drop(name string, platform types.UID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m := f.members[name]; m != nil {
		m.free(platform)
	}
}

func (m *member) free(platform types.UID) {
	delete(m.claims, platform)
	if m.owner == platform {
		m.owner = ""
	}
	m.freed[platform] = true
}

// sight is what metrics say of a member.
type sight struct {
	name    string
	outcome *observed.Outcome
	heard   time.Time
}

// sights of all members, by name.
func (f *Fleet) sights() []sight {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]sight, 0, len(f.members))
	for name, m := range f.members {
		list = append(list, sight{name, m.outcome, m.lastHeard})
	}
	slices.SortFunc(list, func(a, b sight) int { return strings.Compare(a.name, b.name) })
	return list
}
