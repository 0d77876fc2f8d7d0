package apply

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	entry := func(change func(*ledger.Entry)) *ledger.Entry {
		e := &ledger.Entry{UID: "u1", Digest: "d1", Fields: "f1"}
		if change != nil {
			change(e)
		}
		return e
	}
	live := func(change func(*LiveObject)) *LiveObject {
		l := &LiveObject{UID: "u1", Fields: "f1", ResourceVersion: "100"}
		if change != nil {
			change(l)
		}
		return l
	}
	cases := map[string]struct {
		entry *ledger.Entry
		live  *LiveObject
		fresh string
		want  Action
	}{
		"what the ledger does not know is created":                     {nil, nil, "", Create},
		"what was listed and never confirmed is created":               {entry(func(e *ledger.Entry) { e.UID = "" }), nil, "", Create},
		"what is as it was written is left alone":                      {entry(nil), live(nil), "", Skip},
		"a changed wish is an update":                                  {entry(func(e *ledger.Entry) { e.Digest = "d0" }), live(nil), "", Update},
		"a lost field is repaired":                                     {entry(nil), live(func(l *LiveObject) { l.Fields = "f2" }), "", Repair},
		"a deleted object is repaired":                                 {entry(nil), nil, "", Repair},
		"an object made anew by somebody is repaired":                  {entry(nil), live(func(l *LiveObject) { l.UID = "u2" }), "", Repair},
		"an object on its way out is waited for":                       {entry(nil), live(func(l *LiveObject) { l.Deleting = true; l.Fields = "f2" }), "", Skip},
		"our own write that the watch has not seen is no deletion":     {entry(nil), nil, "101", Skip},
		"an event older than our own write is no drift":                {entry(nil), live(func(l *LiveObject) { l.Fields = "f2" }), "101", Skip},
		"an event as new as our own write counts":                      {entry(nil), live(func(l *LiveObject) { l.Fields = "f2"; l.ResourceVersion = "101" }), "101", Repair},
		"a changed wish is written although the watch lags":            {entry(func(e *ledger.Entry) { e.Digest = "d0" }), live(nil), "101", Update},
		"resource versions are compared as numbers and not as strings": {entry(nil), live(func(l *LiveObject) { l.Fields = "f2"; l.ResourceVersion = "1000" }), "999", Repair},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Decide("d1", c.entry, c.live, c.fresh); got != c.want {
				t.Errorf("Decide() = %v, want %v", got, c.want)
			}
		})
	}
}

func TestDecideRelease(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	v1 := desired.Release{Key: "k1", Version: "v1"}
	v2 := desired.Release{Key: "k2", Version: "v2"}
	v3 := desired.Release{Key: "k3", Version: "v3"}
	upgrading := ledger.ReleaseState{Current: v2, Since: start, Healthy: &v1}
	failed := ledger.ReleaseState{Current: v1, Since: start, Healthy: &v1, Failed: "k2", FailedVersion: "v2", FailedMessage: "no pods"}
	cases := map[string]struct {
		state   ledger.ReleaseState
		want    desired.Release
		verdict releaseVerdict
		next    ledger.ReleaseState
		useWant bool
	}{
		"a first install starts": {
			ledger.ReleaseState{}, v1, releaseVerdict{now: start},
			ledger.ReleaseState{Current: v1, Since: start}, true,
		},
		"a first install that never becomes healthy has nothing to go back to": {
			ledger.ReleaseState{Current: v1, Since: start}, v1, releaseVerdict{now: start.Add(time.Hour), timeout: time.Minute},
			ledger.ReleaseState{Current: v1, Since: start}, true,
		},
		"a healthy install is remembered": {
			ledger.ReleaseState{Current: v1, Since: start}, v1, releaseVerdict{now: start, healthy: true},
			ledger.ReleaseState{Current: v1, Since: start, Healthy: &v1}, true,
		},
		"an upgrade starts and remembers the healthy one": {
			ledger.ReleaseState{Current: v1, Since: start, Healthy: &v1}, v2, releaseVerdict{now: start.Add(time.Hour)},
			ledger.ReleaseState{Current: v2, Since: start.Add(time.Hour), Healthy: &v1}, true,
		},
		"an upgrade has until the deadline": {
			upgrading, v2, releaseVerdict{now: start.Add(59 * time.Second), timeout: time.Minute},
			upgrading, true,
		},
		"an upgrade past the deadline is rolled back": {
			upgrading, v2, releaseVerdict{now: start.Add(time.Minute), timeout: time.Minute, message: "no pods"},
			ledger.ReleaseState{Current: v1, Since: start.Add(time.Minute), Healthy: &v1, Failed: "k2", FailedVersion: "v2", FailedMessage: "no pods"}, false,
		},
		"a plan that failed is not tried again": {
			failed, v2, releaseVerdict{now: start.Add(time.Hour), healthy: true},
			failed, false,
		},
		"another plan after a failed one is tried": {
			failed, v3, releaseVerdict{now: start.Add(time.Hour)},
			ledger.ReleaseState{Current: v3, Since: start.Add(time.Hour), Healthy: &v1}, true,
		},
		"a release that was healthy is not rolled back when it falls ill": {
			ledger.ReleaseState{Current: v1, Since: start, Healthy: &v1}, v1, releaseVerdict{now: start.Add(time.Hour), timeout: time.Minute},
			ledger.ReleaseState{Current: v1, Since: start, Healthy: &v1}, true,
		},
		"going back to the healthy release by hand clears the failure": {
			failed, v1, releaseVerdict{now: start.Add(time.Hour), healthy: true},
			ledger.ReleaseState{Current: v1, Since: start, Healthy: &v1}, true,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next, useWant := decideRelease(c.state, c.want, c.verdict)
			if diff := cmp.Diff(c.next, next); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
			if useWant != c.useWant {
				t.Errorf("useWant = %v, want %v", useWant, c.useWant)
			}
		})
	}
}
