package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/internal/preview"
)

// Formats of a diff.
const (
	formatDiff    format = "diff"
	formatSummary format = "summary"
)

var diffFormats = []format{formatDiff, formatSummary, formatJSON}

// remarkWidth is where the lines of remarks are broken.
const remarkWidth = 78

// printDiff writes what the hub would change.
func printDiff(w io.Writer, d *estateDiff, as format) error {
	var b strings.Builder
	switch as {
	case formatJSON:
		raw, err := marshalJSON(d, "")
		if err != nil {
			return fmt.Errorf("writing the diff as %s: %w", as, err)
		}
		b.Write(raw)
		b.WriteString("\n")
	case formatSummary:
		writeSummary(&b, d)
	case formatDiff, formatTable, formatWide, formatYAML, formatCSV, formatName, formatText:
		writeDiff(&b, d)
	default:
		return fmt.Errorf("a diff can't be written as %s", as)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the diff: %w", err)
	}
	return nil
}

// writeDiff writes everything that is not unchanged. What is no diff begins with
// a number sign, so that the rest is a patch.
func writeDiff(b *strings.Builder, d *estateDiff) {
	writeRemarks(b, d)
	for i := range d.Changes {
		c := &d.Changes[i]
		if c.Action == preview.Unchanged {
			continue
		}
		fmt.Fprintf(b, "\n# %s: %s%s\n", word(c.Action), c.Object, whose(c))
		writeWrapped(b, "#   ", c.Note)
		b.WriteString(c.Diff)
	}
	fmt.Fprintf(b, "\n# %s\n", d.summary())
}

// writeSummary writes one line for each object that is not unchanged.
func writeSummary(b *strings.Builder, d *estateDiff) {
	writeRemarks(b, d)
	part := ""
	for i := range d.Changes {
		c := &d.Changes[i]
		if c.Action == preview.Unchanged {
			continue
		}
		if string(c.Part) != part {
			part = string(c.Part)
			fmt.Fprintf(b, "\n%s\n", part)
		}
		fmt.Fprintf(b, "  %-9s %s%s\n", word(c.Action), c.Object, whose(c))
		writeWrapped(b, "            ", c.Note)
	}
	fmt.Fprintf(b, "\n%s\n", d.summary())
}

func writeRemarks(b *strings.Builder, d *estateDiff) {
	fmt.Fprintf(b, "# TLSPlatform %s in cluster %s (Kubernetes %s)\n", d.Platform, d.Cluster, orNone(d.KubernetesVersion))
	for _, n := range d.Notes {
		writeItem(b, n)
	}
	for _, p := range d.Parts {
		fmt.Fprintf(b, "#\n# %s: %s (%s)\n", p.Name, strings.ToLower(p.State), p.Reason)
		writeWrapped(b, "#   ", p.Message)
	}
}

func writeWrapped(b *strings.Builder, indent, text string) {
	for _, line := range wrap(text, remarkWidth-len(indent)) {
		b.WriteString(indent + line + "\n")
	}
}

// writeItem writes a note so that its lines are seen to belong together.
func writeItem(b *strings.Builder, text string) {
	var item strings.Builder
	writeWrapped(&item, "#   ", text)
	b.WriteString(strings.Replace(item.String(), "#   ", "# - ", 1))
}

// word for an action.
func word(a preview.Action) string {
	if a == preview.Prune {
		return "remove"
	}
	return strings.ToLower(string(a))
}

// whose an object is now, where that is not the platform itself.
func whose(c *preview.Change) string {
	if c.Owner == "" || strings.HasPrefix(c.Owner, "TLSPlatform ") {
		return ""
	}
	return " (" + c.Owner + ")"
}
