package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/consistency"
)

// maxDriftLines of differences between clusters, unless the table is wide.
const maxDriftLines = 32

var driftFormats = []format{formatTable, formatWide, formatJSON, formatYAML, formatCSV}

// printDrift writes the report in a format.
func printDrift(w io.Writer, v *driftView, as format, now time.Time) error {
	return printReport(w, "the drift", v, as, v.csv, func(wide bool) error { return printDriftText(w, v, wide, now) })
}

func printDriftText(w io.Writer, v *driftView, wide bool, now time.Time) error {
	if len(v.Objects) > 0 {
		if err := printRows(w, v.objectRows(wide, now)); err != nil {
			return err
		}
	}
	var b strings.Builder
	for _, u := range v.Unlisted {
		fmt.Fprintf(&b, "In %s, %s changed by others that the cluster's report has no room for.\n",
			u.Cluster, plural(int(u.Objects), "more object was", "more objects were"))
	}
	if len(v.Objects)+len(v.Unlisted) == 0 {
		b.WriteString("No object is known to be changed by others.\n")
	}
	b.WriteString("\n" + v.outliersTitle() + "\n")
	for i := range v.Outliers {
		if i == maxDriftLines && !wide {
			fmt.Fprintf(&b, "  and %d more: see -o wide\n", len(v.Outliers)-i)
			break
		}
		b.WriteString("  " + v.Outliers[i].sentence(wide) + "\n")
	}
	if _, err := io.WriteString(w, b.String()); err != nil || len(v.Unseen) == 0 {
		return err
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return printSection(w, "Not seen: what is said of these clusters is old, and they are not compared.", unseenRows(v.Unseen), wide)
}

func (v *driftView) outliersTitle() string {
	switch {
	case len(v.Outliers) > 0:
		return "Differences between clusters:"
	case v.Compared < 2:
		return "There are no two clusters to compare."
	default:
		return "The clusters that were compared do not differ."
	}
}

// objectRows are the lines of objects, with titles.
func (v *driftView) objectRows(wide bool, now time.Time) [][]string {
	width := cellWidth
	if wide {
		width = 4 * wideCellWidth
	}
	rows := [][]string{{"CLUSTER", "OBJECT", "WHAT", "FIELDS", "BY", "SINCE"}}
	for i := range v.Objects {
		o := &v.Objects[i]
		since := ""
		if o.Since != nil {
			since = span(now.Sub(o.Since.Time)) + " ago"
		}
		names := 1
		if wide {
			names = max(len(o.Fields), len(o.By))
		}
		rows = append(rows, []string{
			// The object is what people copy: never cut.
			o.Cluster, objectTitle(o.Kind, o.Namespace, o.Name), o.State,
			shorten(firstNames(o.Fields, names), width), shorten(firstNames(o.By, names), width), since,
		})
	}
	return rows
}

// sentence says what differs. Long values are cut unless it is wide.
func (o *driftOutlier) sentence(wide bool) string {
	texts := []string{o.Majority, o.Value}
	if !wide {
		texts = shortenDistinct(texts, cellWidth)
	}
	return consistency.Sentence(&v1alpha1.Outlier{
		Subject: o.Subject, Majority: texts[0], Agreeing: o.Agreeing, Of: o.Of, Value: texts[1], Clusters: o.Clusters,
	})
}

// csv has a line for each object, and one for each difference and cluster, with
// titles. Lists are joined by spaces.
func (v *driftView) csv() [][]string {
	rows := [][]string{{
		"type", "cluster", "subject", "state", "fields", "by", "since", "value", "majority", "agreeing", "of",
	}}
	for i := range v.Objects {
		o := &v.Objects[i]
		rows = append(rows, []string{
			"Object", o.Cluster, objectTitle(o.Kind, o.Namespace, o.Name), o.State,
			strings.Join(o.Fields, " "), strings.Join(o.By, " "), csvTime(o.Since), "", "", "", "",
		})
	}
	for _, u := range v.Unlisted {
		rows = append(rows, []string{"Object", u.Cluster, fmt.Sprintf("%d not listed", u.Objects), "", "", "", "", "", "", "", ""})
	}
	for i := range v.Outliers {
		o := &v.Outliers[i]
		state := "Outlier"
		if o.Agreeing == 0 {
			state = "Split"
		}
		for _, cluster := range o.Clusters {
			rows = append(rows, []string{
				"Difference", cluster, o.Subject, state, "", "", "", o.Value, o.Majority,
				strconv.Itoa(int(o.Agreeing)), strconv.Itoa(int(o.Of)),
			})
		}
	}
	for _, c := range v.Unseen {
		rows = append(rows, []string{"NotSeen", c.Name, "", "", "", "", "", c.Unseen, "", "", ""})
	}
	return rows
}
