package agent

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
)

var start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// counted is an empty coverage that counts its changes.
func counted() (*coverage, *int) {
	changes := 0
	c := newCoverage(func() time.Time { return start })
	c.changed = func() { changes++ }
	return c, &changes
}

func TestCoverageIsComplete(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		states map[scanner]tail.Condition
		want   bool
	}{
		"not before anything is known":       {nil, false},
		"when everything is read":            {map[scanner]tail.Condition{{"pods", ""}: tail.Reading, {"secrets", ""}: tail.Reading}, true},
		"not while one kind is still listed": {map[scanner]tail.Condition{{"pods", ""}: tail.Reading, {"secrets", ""}: tail.Waiting}, false},
		"not while one namespace is missing": {map[scanner]tail.Condition{{"secrets", "a"}: tail.Reading, {"secrets", "b"}: tail.Waiting}, false},
		"although a kind is refused":         {map[scanner]tail.Condition{{"pods", ""}: tail.Forbidden, {"secrets", ""}: tail.Reading}, true},
		"although a kind is not there":       {map[scanner]tail.Condition{{"pods", ""}: tail.Reading, {"gateways", ""}: tail.NotServed}, true},
		"not while a first listing fails":    {map[scanner]tail.Condition{{"pods", ""}: tail.Failing, {"secrets", ""}: tail.Reading}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := counted()
			for s, condition := range test.states {
				c.report(s, tail.State{Condition: condition})
			}
			if got := c.complete(); got != test.want {
				t.Errorf("complete() = %t, want %t", got, test.want)
			}
		})
	}
}

func TestAFirstListingThatGoesOnFailingHoldsUpNothing(t *testing.T) {
	t.Parallel()
	pods, secrets := scanner{"pods", ""}, scanner{"secrets", ""}
	now := start
	c := newCoverage(func() time.Time { return now })
	c.report(pods, tail.State{Condition: tail.Failing})
	c.report(secrets, tail.State{Condition: tail.Reading})
	for _, step := range []struct {
		what string
		do   func()
		want bool
	}{
		{"it is new", func() {}, false},
		{"it is not new any more", func() { now = now.Add(failingFor) }, true},
		{"another fails that was read before", func() { c.report(secrets, tail.State{Condition: tail.Failing}) }, true},
		{"one comes that never was", func() { c.report(discoveryScanner, tail.State{Condition: tail.Failing}) }, false},
		{"that one gave an answer in part", func() { c.answered(discoveryScanner) }, true},
	} {
		if step.do(); c.complete() != step.want {
			t.Errorf("when %s: complete() = %t, want %t", step.what, !step.want, step.want)
		}
	}
}

func TestCoverageTellsOfChangesAlone(t *testing.T) {
	t.Parallel()
	c, changes := counted()
	widget := schema.GroupKind{Group: "example.com", Kind: "Widget"}
	for _, step := range []struct {
		what string
		do   func()
		want int
	}{
		{"a first state", func() { c.report(scanner{"pods", ""}, tail.State{Condition: tail.Waiting}) }, 1},
		{"the same state again", func() { c.report(scanner{"pods", ""}, tail.State{Condition: tail.Waiting}) }, 1},
		{"another state", func() { c.report(scanner{"pods", ""}, tail.State{Condition: tail.Failing, Message: "a"}) }, 2},
		{"another message", func() { c.report(scanner{"pods", ""}, tail.State{Condition: tail.Failing, Message: "b"}) }, 3},
		{"a kind without suspicious fields", func() { c.suspect(widget, nil) }, 3},
		{"a kind with one", func() { c.suspect(widget, []string{".spec.secretName"}) }, 4},
		{"the same again", func() { c.suspect(widget, []string{".spec.secretName"}) }, 4},
		{"without it again", func() { c.suspect(widget, nil) }, 5},
		{"a kind that is gone", func() { c.forget(scanner{"pods", ""}) }, 6},
	} {
		if step.do(); *changes != step.want {
			t.Fatalf("after %s: %d changes, want %d", step.what, *changes, step.want)
		}
	}
}

func TestCoverageList(t *testing.T) {
	t.Parallel()
	c, _ := counted()
	long := strings.Repeat("ä", maxMessage)
	c.report(scanner{"secrets", "b"}, tail.State{Condition: tail.Reading, Message: "left from an earlier state"})
	c.report(scanner{"secrets", "a"}, tail.State{Condition: tail.Forbidden, Message: "no right"})
	c.report(scanner{"pods", ""}, tail.State{Condition: tail.Failing, Message: long})
	c.report(scanner{"gateways.gateway.networking.k8s.io", ""}, tail.State{Condition: tail.NotServed, Message: "404"})
	got := c.list()
	want := []v1alpha1.Coverage{
		{Resource: "gateways.gateway.networking.k8s.io", State: "NotServed"},
		{Resource: "pods", State: "Failing", Message: got[1].Message},
		{Resource: "secrets", Namespace: "a", State: "Forbidden", Message: "no right"},
		{Resource: "secrets", Namespace: "b", State: "Reading"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if m := got[1].Message; len(m) > maxMessage || !utf8.ValidString(m) || !strings.HasSuffix(m, "ä...") {
		t.Errorf("a message of %d bytes became %d bytes: %q", len(long), len(m), m)
	}
}

func TestCoverageJudgement(t *testing.T) {
	t.Parallel()
	table, bad := reference.NewTable([]v1alpha1.Reference{{Group: "example.com", Kind: "Known", Path: ".spec.secretName"}})
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	now := start
	c, _ := counted()
	c.now = func() time.Time { return now }
	c.report(scanner{"secrets", "b"}, tail.State{Condition: tail.Forbidden, Message: "no right"})
	c.report(scanner{"cronjobs.batch", ""}, tail.State{Condition: tail.Failing, Message: "timeout"}) // never read
	for _, resource := range []string{"pods", "services"} {
		c.report(scanner{resource, ""}, tail.State{Condition: tail.Reading})
		c.report(scanner{resource, ""}, tail.State{Condition: tail.Failing, Message: "timeout"})
	}
	c.report(scanner{"jobs.batch", ""}, tail.State{Condition: tail.Waiting})
	c.report(scanner{"ingresses.networking.k8s.io", ""}, tail.State{Condition: tail.Reading})
	c.report(scanner{"gateways.gateway.networking.k8s.io", ""}, tail.State{Condition: tail.NotServed})
	for _, kind := range []string{"Widget", "Known", "Gone"} {
		c.suspect(schema.GroupKind{Group: "example.com", Kind: kind}, []string{".spec.secretName"})
	}
	c.suspect(schema.GroupKind{Group: "example.com", Kind: "Gone"}, nil)
	for _, step := range []struct {
		what string
		do   func()
		want []string
	}{
		{"a failure is new", func() {}, []string{"cronjobs.batch: failing", "secrets of namespace b: forbidden"}},
		{"it lasts", func() {
			now = now.Add(failingFor - time.Second)
			c.report(scanner{"pods", ""}, tail.State{Condition: tail.Failing, Message: "another reason"})
			c.report(scanner{"services", ""}, tail.State{Condition: tail.Reading})
			c.report(scanner{"services", ""}, tail.State{Condition: tail.Failing, Message: "timeout"})
			now = now.Add(time.Second)
		}, []string{"cronjobs.batch: failing", "pods: failing", "secrets of namespace b: forbidden"}},
		{"it is over", func() { c.report(scanner{"pods", ""}, tail.State{Condition: tail.Reading}) }, []string{"cronjobs.batch: failing", "secrets of namespace b: forbidden"}},
	} {
		step.do()
		want := reference.Coverage{Unread: step.want, Unknown: []string{"Widget.example.com"}}
		if diff := cmp.Diff(want, c.judgement(table)); diff != "" {
			t.Errorf("when %s: %s", step.what, diff)
		}
	}
}

func TestCoverageBoundsWhatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	c, _ := counted()
	for i := range 2 * maxBroken {
		c.undecodable(fmt.Errorf("object %d", i))
	}
	c.undecodable(errors.New("object 0"))
	if len(c.broken) != maxBroken || c.broken["object 0"] != 2 {
		t.Errorf("%d messages, the first one %d times; want %d and 2", len(c.broken), c.broken["object 0"], maxBroken)
	}
}
