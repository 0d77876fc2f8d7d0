package agent

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/profile"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
)

// scanner is one thing that is read: a kind, maybe in one namespace.
type scanner struct{ resource, namespace string }

// coverage is what is read and what is not. It is safe for concurrent use.
type coverage struct {
	now     func() time.Time
	changed func()

	mu       sync.Mutex
	states   map[scanner]tail.State
	known    map[scanner]bool              // was read once
	failing  map[scanner]time.Time         // since when
	suspects map[schema.GroupKind][]string // of custom resource definitions
	broken   map[string]int                // objects that could not be decoded, by message
}

func newCoverage(now func() time.Time) *coverage {
	return &coverage{
		now: now, changed: func() {}, states: map[scanner]tail.State{}, known: map[scanner]bool{}, failing: map[scanner]time.Time{},
		suspects: map[schema.GroupKind][]string{}, broken: map[string]int{},
	}
}

func (c *coverage) report(s scanner, state tail.State) {
	c.mu.Lock()
	same := c.states[s] == state
	c.states[s] = state
	if state.Condition == tail.Reading {
		c.known[s] = true
	}
	if state.Condition != tail.Failing {
		delete(c.failing, s)
	} else if c.failing[s].IsZero() {
		c.failing[s] = c.now()
	}
	c.mu.Unlock()
	if !same {
		c.changed()
	}
}

// answered says that a scanner was read, though it may fail in part.
func (c *coverage) answered(s scanner) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[s] = true
}

func (c *coverage) forget(s scanner) {
	c.mu.Lock()
	delete(c.states, s)
	delete(c.known, s)
	delete(c.failing, s)
	c.mu.Unlock()
	c.changed()
}

// suspect records the fields of a kind that could name a Secret; none forgets it.
func (c *coverage) suspect(gk schema.GroupKind, fields []string) {
	c.mu.Lock()
	before := c.suspects[gk]
	if len(fields) == 0 {
		delete(c.suspects, gk)
	} else {
		c.suspects[gk] = fields
	}
	c.mu.Unlock()
	if !slices.Equal(before, fields) {
		c.changed()
	}
}

// maxBroken bounds the messages about objects that could not be decoded.
const maxBroken = 32

func (c *coverage) undecodable(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := err.Error()
	if _, known := c.broken[text]; known || len(c.broken) < maxBroken {
		c.broken[text]++
	}
}

// complete says that everything that exists was tried once. A first reading that
// fails is tried again for a while: what it is to bring would be taken for gone,
// and what it refers to for unused.
func (c *coverage) complete() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for s, state := range c.states {
		if state.Condition == tail.Waiting || c.fresh(s) && !c.known[s] {
			return false
		}
	}
	return len(c.states) > 0
}

// fresh says that a scanner fails, and does so only since a short time.
func (c *coverage) fresh(s scanner) bool {
	return c.states[s].Condition == tail.Failing && c.now().Sub(c.failing[s]) < failingFor
}

// list is what the agent reports, ordered by resource and namespace. Kinds that
// are described and not served are left out: nothing is missed there.
func (c *coverage) list() []v1alpha1.Coverage {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]v1alpha1.Coverage, 0, len(c.states))
	for s, state := range c.states {
		line := v1alpha1.Coverage{Resource: s.resource, Namespace: s.namespace, State: string(state.Condition)}
		if state.Condition == tail.Forbidden || state.Condition == tail.Failing {
			line.Message = bounded(state.Message)
		}
		list = append(list, line)
	}
	slices.SortFunc(list, func(a, b v1alpha1.Coverage) int {
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Namespace, b.Namespace))
	})
	return list
}

// maxMessage bounds a message of the API server in the report.
const maxMessage = 300

func bounded(s string) string {
	if len(s) > maxMessage {
		s = strings.ToValidUTF8(s[:maxMessage-3], "") + "..."
	}
	return s
}

// failingFor is how long a kind must fail to be read before verdicts doubt it.
// What was read stays known meanwhile, and doubts that come and go with every
// restart of an API server would be written to every page.
const failingFor = 2 * time.Minute

// judgement is what verdicts about use have to know.
func (c *coverage) judgement(table *reference.Table) reference.Coverage {
	c.mu.Lock()
	defer c.mu.Unlock()
	var j reference.Coverage
	for s, state := range c.states {
		// Policies refer to nothing that could be in use.
		if c.fresh(s) && c.known[s] || profile.IsPolicyResource(s.resource) {
			continue
		}
		switch state.Condition {
		case tail.Forbidden, tail.Failing:
			where := s.resource
			if s.namespace != "" {
				where += " of namespace " + s.namespace
			}
			j.Unread = append(j.Unread, fmt.Sprintf("%s: %s", where, strings.ToLower(string(state.Condition))))
		case tail.Waiting, tail.Reading, tail.NotServed:
		}
	}
	for gk := range maps.Keys(c.suspects) {
		if !table.Describes(gk) {
			j.Unknown = append(j.Unknown, gk.String())
		}
	}
	slices.Sort(j.Unread)
	slices.Sort(j.Unknown)
	return j
}
