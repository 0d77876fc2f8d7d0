package reference

import (
	"fmt"
	"slices"
	"strings"
)

const (
	// maxCopies is how far chains of copies are followed.
	maxCopies = 8
	// maxNamed in a sentence; more are counted.
	maxNamed = 3
)

// strength of the evidence that something is used.
type strength uint8

const (
	unused strength = iota
	guessed
	used
)

// evidence that something uses a target.
type evidence struct {
	strength strength
	by       Referrer
	// copied is the copy that is used, nil for a use of the target itself.
	copied *Target
	// others also use it.
	others int
}

// Judge says whether anything uses a target. Also are targets that stand for the
// same object, such as the Certificate of cert-manager that made a Secret; s is
// nil when nothing special is known of it, and c when all was read.
func (g *Graph) Judge(t Target, s *Subject, also []Target, c *Coverage) Verdict {
	if s == nil {
		s = &Subject{}
	}
	if s.Exempt != "" {
		return Verdict{Use: Exempt, Reason: s.Exempt}
	}
	visited := map[Target]struct{}{}
	found := g.evidence(t, s.Replicates, visited, 0)
	for _, other := range also {
		if e := g.evidence(other, false, visited, 0); e.strength > found.strength {
			e.others += found.others
			found = e
		} else {
			found.others += e.count()
		}
	}
	if found.strength != unused {
		return Verdict{Use: Used, Reason: found.sentence()}
	}
	v := Verdict{Use: Unreferenced, Reason: "Nothing that was read refers to it."}
	switch {
	case s.ReplicatedFrom != "":
		v.Reason = "It is a copy of " + s.ReplicatedFrom + ", and nothing that was read refers to the copy."
	case s.Replicates:
		v.Reason = "Nothing that was read refers to it or to a copy of it."
	}
	g.doubt(&v, t, also)
	cover(&v, c)
	return v
}

func (e *evidence) count() int {
	if e.strength == unused {
		return 0
	}
	return e.others + 1
}

// evidence looks for the best evidence that something uses a target. Pushed says
// that copies of it are pushed to other namespaces.
func (g *Graph) evidence(t Target, pushed bool, visited map[Target]struct{}, depth int) evidence {
	var best evidence
	if _, seen := visited[t]; seen || depth > maxCopies {
		return best
	}
	visited[t] = struct{}{}
	effective := 0
	for _, r := range g.Referrers(t) {
		if r.Ungranted {
			continue
		}
		found := evidence{strength: used, by: r}
		switch {
		case isCopy(r.Kind) && !r.Certain && !pushed:
			continue // it is a copy of another one of this name
		case isCopy(r.Kind):
			copied := Target{Kind: t.Kind, Namespace: r.Namespace, Name: r.Name}
			found = g.evidence(copied, false, visited, depth+1)
			found.copied = &copied
		case !r.Certain:
			found.strength = guessed
		}
		if found.strength == unused {
			continue
		}
		effective++
		if found.strength > best.strength || found.strength == best.strength && best.copied != nil && found.copied == nil {
			best = found
		}
	}
	best.others = max(0, effective-1)
	return best
}

// sentence says who uses it.
func (e *evidence) sentence() string {
	by := describe(&e.by.Source)
	var text string
	switch {
	case e.strength == used:
		text = fmt.Sprintf("%s names it in %s", by, e.by.Field)
	case e.by.Field == fieldVariable:
		text = fmt.Sprintf("An environment variable of %s names it, as it seems", by)
	case e.by.Field == fieldArgument || strings.HasPrefix(e.by.Field, "-"):
		text = fmt.Sprintf("A container argument of %s names it, as it seems (%s)", by, e.by.Field)
	default:
		text = fmt.Sprintf("%s names it in %s, if it means this namespace", by, e.by.Field)
	}
	if e.copied != nil {
		text = fmt.Sprintf("Its copy in %s is used: %s", e.copied.Namespace, text)
	}
	switch {
	case e.others == 1:
		text += ", and 1 more uses it"
	case e.others > 1:
		text += fmt.Sprintf(", and %d more use it", e.others)
	}
	return text + "."
}

// describe a source as Kind namespace/name.
func describe(s *Source) string {
	if s.Namespace == "" {
		return s.Kind + " " + s.Name
	}
	return s.Kind + " " + s.Namespace + "/" + s.Name
}

// doubt adds what the graph has against a verdict: references without effect,
// and selectors of labels.
func (g *Graph) doubt(v *Verdict, t Target, also []Target) {
	var ungranted, selecting []string
	for _, target := range append([]Target{t}, also...) {
		for _, r := range g.Referrers(target) {
			if r.Ungranted {
				ungranted = append(ungranted, describe(&r.Source))
			}
		}
		selected := Target{Kind: target.Kind, Namespace: target.Namespace, Name: AnyName}
		for _, r := range g.Referrers(selected) {
			selecting = append(selecting, describe(&r.Source))
		}
	}
	if len(ungranted) > 0 {
		v.Doubts = append(v.Doubts, "Named from another namespace without permission: "+enumerate(ungranted)+".")
	}
	if len(selecting) > 0 {
		v.Confidence = max(v.Confidence, Medium)
		v.Doubts = append(v.Doubts, "These choose by labels in its namespace: "+enumerate(selecting)+".")
	}
}

// cover adds what incomplete coverage has against a verdict.
func cover(v *Verdict, c *Coverage) {
	if c == nil {
		return
	}
	if len(c.Unread) > 0 {
		v.Confidence = max(v.Confidence, Low)
		v.Doubts = append(v.Doubts, "Could not be read: "+enumerate(c.Unread)+".")
	}
	if len(c.Unknown) > 0 {
		v.Confidence = max(v.Confidence, Medium)
		v.Doubts = append(v.Doubts, "Kinds that could name it and are not described: "+enumerate(c.Unknown)+".")
	}
}

// enumerate the first few of the texts, sorted, and count the others.
func enumerate(texts []string) string {
	texts = slices.Compact(slices.Sorted(slices.Values(texts)))
	shown := make([]string, 0, maxNamed)
	for _, text := range texts[:min(maxNamed, len(texts))] {
		shown = append(shown, bounded(text))
	}
	list := strings.Join(shown, ", ")
	if more := len(texts) - maxNamed; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

// maxShown bytes of one text of others in a sentence.
const maxShown = 200

func bounded(text string) string {
	if len(text) <= maxShown {
		return text
	}
	return strings.ToValidUTF8(text[:maxShown], "") + "…"
}
