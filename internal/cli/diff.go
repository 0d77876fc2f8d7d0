package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
	"github.com/tlsplatform/tls-platform-operator/internal/preview"
)

// kindEstateDiff is the kind of what diff writes for programs.
const kindEstateDiff = "EstateDiff"

// estateDiff is what the hub would change in one cluster.
type estateDiff struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Platform and Cluster that are compared.
	Platform string `json:"platform"`
	Cluster  string `json:"cluster"`
	// KubernetesVersion of the cluster.
	KubernetesVersion string `json:"kubernetesVersion"`
	// Notes on the comparison itself.
	Notes []string `json:"notes"`
	// Parts of the plan of which there is something to say.
	Parts []partRemark `json:"parts"`
	// Counts of the changes, by action.
	Counts map[preview.Action]int `json:"counts"`
	// Changes in the order in which the hub makes them.
	Changes []preview.Change `json:"changes"`
}

// partRemark is what there is to say of a part as a whole.
type partRemark struct {
	// Name of the part.
	Name desired.PartName `json:"name"`
	// State is Held, Incomplete, Observed or Noted.
	State string `json:"state"`
	// Reason is that of the condition which the hub would set.
	Reason string `json:"reason"`
	// Message says what was found and what to do, as the condition would.
	Message string `json:"message"`
}

// States of a part in a remark.
const (
	remarkHeld       = "Held"       // the hub leaves the part as it is
	remarkIncomplete = "Incomplete" // the hub applies what it can of the part
	remarkObserved   = "Observed"   // somebody else runs it
	remarkNoted      = "Noted"      // the part is fine
)

func newEstateDiff(platform string, e *estate, notes []string, changes []preview.Change) *estateDiff {
	d := &estateDiff{
		APIVersion: v1alpha1.GroupVersion.String(), Kind: kindEstateDiff,
		Platform: platform, Cluster: e.cluster, KubernetesVersion: e.facts.KubernetesVersion,
		Notes: append(notes, unchecked(changes)...), Parts: remarks(e.plan, e.ledger), Counts: preview.Count(changes), Changes: changes,
	}
	d.clean()
	return d
}

// unchecked says in few words which objects the API server was not asked about.
func unchecked(changes []preview.Change) []string {
	count := map[string]int{}
	for i := range changes {
		if why := changes[i].Unchecked; why != "" {
			count[why]++
		}
	}
	var notes []string
	for _, why := range slices.Sorted(maps.Keys(count)) {
		notes = append(notes, fmt.Sprintf("%s, so the API server did not check %s", why, plural(count[why], "object", "objects")))
	}
	return notes
}

// differs says whether the hub would change anything, or might.
func (d *estateDiff) differs() bool {
	for i := range d.Changes {
		if d.Changes[i].Action.Changes() {
			return true
		}
	}
	return false
}

// remarks on the parts of a plan.
func remarks(plan *desired.Plan, l *ledger.Ledger) []partRemark {
	if l == nil {
		l = ledger.New("", "")
	}
	list := []partRemark{}
	for i := range plan.Parts {
		p := &plan.Parts[i]
		add := func(state, reason, message string) {
			list = append(list, partRemark{Name: p.Name, State: state, Reason: reason, Message: message})
		}
		if hold := preview.Held(p, l); hold != nil {
			add(remarkHeld, hold.Reason, hold.Message)
		}
		if p.External != nil && !p.External.Optional {
			add(remarkObserved, p.External.Reason, p.External.Message)
		}
		for _, n := range p.Problems {
			add(remarkIncomplete, n.Reason, n.Message)
		}
		for _, n := range p.Notes {
			add(remarkNoted, n.Reason, n.Message)
		}
	}
	return list
}

// clean replaces what a terminal would act on: names, annotations and messages
// come from the cluster.
func (d *estateDiff) clean() {
	d.Platform, d.Cluster, d.KubernetesVersion = clean(d.Platform), clean(d.Cluster), clean(d.KubernetesVersion)
	notes := make([]string, 0, len(d.Notes))
	for _, n := range d.Notes {
		notes = append(notes, clean(n))
	}
	d.Notes = notes
	for i := range d.Parts {
		d.Parts[i].Message = clean(d.Parts[i].Message)
	}
	for i := range d.Changes {
		c := &d.Changes[i]
		c.Object.Namespace, c.Object.Name = clean(c.Object.Namespace), clean(c.Object.Name)
		c.Owner, c.Note, c.Unchecked, c.Managers = clean(c.Owner), clean(c.Note), clean(c.Unchecked), cleanAll(c.Managers)
		c.Diff = cleanLines(c.Diff)
	}
}

// cleanLines is clean for a text of lines, which may have tabs.
func cleanLines(text string) string {
	if isPlain(strings.NewReplacer("\n", "", "\t", "").Replace(text)) {
		return text
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		cells := cleanAll(strings.Split(lines[i], "\t"))
		lines[i] = strings.Join(cells, "\t")
	}
	return strings.Join(lines, "\n")
}

// summary counts the changes in one line.
func (d *estateDiff) summary() string {
	words := map[preview.Action]string{
		preview.Create: "to create", preview.Update: "to update", preview.Prune: "to remove",
		preview.Conflict: "in conflict", preview.Refused: "refused", preview.Unknown: "unknown",
		preview.Keep: "kept", preview.Unchanged: "unchanged",
	}
	var parts []string
	for _, a := range preview.Actions {
		if n := d.Counts[a]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, words[a]))
		}
	}
	held := 0
	for _, p := range d.Parts {
		if p.State == remarkHeld {
			held++
		}
	}
	if held > 0 {
		parts = append(parts, plural(held, "part held", "parts held"))
	}
	if len(parts) == 0 {
		return "nothing is declared"
	}
	return strings.Join(parts, ", ")
}
