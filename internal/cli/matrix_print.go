package cli

import (
	"fmt"
	"io"
	"strconv"

	"github.com/tlsplatform/tls-platform-operator/internal/consistency"
)

// Bounds of the table. A wide one has no bound of lines.
const (
	// maxColumns is how many clusters get a column each.
	maxColumns = 8
	// columnWidth of a cluster, in characters.
	columnWidth = 24
	// maxLines of backends, shadow issuers and clusters that are not seen.
	maxLines = 10
	// maxNames of clusters or issuers in a cell.
	maxNames = 3
)

// Marks in cells.
const (
	markOutlier = "*"
	notKnown    = "?"
)

var matrixFormats = []format{formatTable, formatWide, formatJSON, formatYAML, formatCSV}

// printMatrix writes the matrix in a format.
func printMatrix(w io.Writer, v *matrixView, as format) error {
	return printReport(w, "the matrix", v, as, v.csv, func(wide bool) error { return printMatrixText(w, v, wide) })
}

// printMatrixText writes the table, then backends, shadow issuers and clusters
// that are not seen.
func printMatrixText(w io.Writer, v *matrixView, wide bool) error {
	rows := v.columns(wide)
	if len(v.Clusters) > maxColumns {
		rows = v.lines(wide)
	}
	if len(v.Rows) == 0 {
		rows = [][]string{{v.noRows()}}
	}
	if err := printRows(w, rows); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	for _, s := range []struct {
		title string
		rows  [][]string
	}{
		{v.backendsTitle(), v.backendRows(wide)},
		{v.shadowsTitle(), v.shadowRows(wide)},
		{v.cutTitle(), nil},
		{v.unseenTitle(), unseenRows(v.Clusters)},
	} {
		if s.title == "" {
			continue
		}
		if err := printSection(w, s.title, s.rows, wide); err != nil {
			return err
		}
	}
	return nil
}

// printSection writes a title and lines below it; all of them when it is wide.
func printSection(w io.Writer, title string, rows [][]string, wide bool) error {
	if _, err := fmt.Fprintln(w, title); err != nil {
		return err
	}
	more := len(rows) - maxLines
	if more > 0 && !wide {
		rows = rows[:maxLines]
	}
	indented := make([][]string, 0, len(rows))
	for _, row := range rows {
		indented = append(indented, append([]string{"  " + row[0]}, row[1:]...))
	}
	if err := printRows(w, indented); err != nil {
		return err
	}
	if more > 0 && !wide {
		_, err := fmt.Fprintf(w, "  and %d more: see -o wide\n", more)
		return err
	}
	return nil
}

// columns has a line for each subject and a column for each cluster.
func (v *matrixView) columns(wide bool) [][]string {
	width := columnWidth
	if wide {
		width = wideCellWidth
	}
	titles := []string{"SUBJECT", "MAJORITY"}
	for _, c := range v.Clusters {
		titles = append(titles, c.Name)
	}
	rows := [][]string{titles}
	for i := range v.Rows {
		r := &v.Rows[i]
		texts := []string{r.Majority}
		for _, c := range r.cells {
			texts = append(texts, c.Value)
		}
		texts = shortenDistinct(texts, width)
		row := []string{r.subject(wide), r.majority(texts[0])}
		for j, c := range r.cells {
			row = append(row, cellText(c, texts[j+1]))
		}
		rows = append(rows, row)
	}
	return rows
}

// lines has a line for each subject and value.
func (v *matrixView) lines(wide bool) [][]string {
	width, names := cellWidth, maxNames
	if wide {
		width, names = wideCellWidth, len(v.Clusters)
	}
	rows := [][]string{{"SUBJECT", "VALUE", "CLUSTERS", "NAMES"}}
	for i := range v.Rows {
		r := &v.Rows[i]
		texts := make([]string, 0, len(r.Values))
		for j := range r.Values {
			texts = append(texts, r.Values[j].Value)
		}
		texts = shortenDistinct(texts, width)
		for j := range r.Values {
			value := &r.Values[j]
			cell := consistency.Cell{Outlier: value.Outlier, Absent: value.Absent, Unknown: value.Unknown}
			text := cellText(cell, texts[j])
			if r.Split {
				text += " (split)"
			}
			share := strconv.Itoa(len(value.Clusters))
			if !value.NotApplicable && (!value.Unknown || value.Value != "") {
				share += "/" + strconv.Itoa(r.Compared)
			}
			rows = append(rows, []string{r.subject(wide), text, share, firstNames(value.Clusters, names)})
		}
	}
	return rows
}

// subject is what is compared, cut unless it is wide.
func (r *matrixRow) subject(wide bool) string {
	if wide {
		return r.Subject
	}
	return shorten(r.Subject, wideCellWidth)
}

// majority is what most clusters have, with their number.
func (r *matrixRow) majority(short string) string {
	switch {
	case r.Split:
		return "split"
	case r.Agreeing == 0:
		return notKnown
	default:
		return fmt.Sprintf("%s (%d/%d)", orNone(short), r.Agreeing, r.Compared)
	}
}

// cellText is a value with its mark.
func cellText(c consistency.Cell, short string) string {
	text := short
	switch {
	case c.Absent:
		text = none
	case c.Unknown && short == "":
		text = notKnown
	}
	if c.Outlier {
		text += " " + markOutlier
	}
	return text
}

func (v *matrixView) backendsTitle() string {
	if len(v.Backends) == 0 {
		return "No CA backend is known."
	}
	return plural(len(v.Backends), "distinct CA backend:", "distinct CA backends:")
}

func (v *matrixView) backendRows(wide bool) [][]string {
	width, names := wideCellWidth, maxNames
	if wide {
		width, names = 4*wideCellWidth, max(len(v.Clusters), maxNames)
	}
	texts := make([]string, 0, len(v.Backends))
	for _, b := range v.Backends {
		texts = append(texts, b.Name)
	}
	texts = shortenDistinct(texts, width)
	rows := make([][]string, 0, len(v.Backends))
	for i, b := range v.Backends {
		rows = append(rows, []string{texts[i], firstNames(b.Issuers, names), "in " + firstNames(b.Clusters, names)})
	}
	if v.UnreadIssuers > 0 {
		// First, since lines are cut at the end.
		rows = append([][]string{{
			"not known", plural(v.UnreadIssuers, "issuer", "issuers"), "in " + plural(v.UnreadClusters, "cluster", "clusters"),
		}}, rows...)
	}
	return rows
}

func (v *matrixView) shadowsTitle() string {
	if v.seen == 0 {
		return ""
	}
	if len(v.ShadowIssuers) == 0 {
		return "No shadow issuer: the platform declared every issuer that was found."
	}
	return plural(len(v.ShadowIssuers), "shadow issuer, which the platform did not declare:", "shadow issuers, which the platform did not declare:")
}

func (v *matrixView) shadowRows(wide bool) [][]string {
	width, names := wideCellWidth, maxNames
	if wide {
		width, names = 4*wideCellWidth, max(len(v.Clusters), maxNames)
	}
	rows := make([][]string, 0, len(v.ShadowIssuers))
	for _, s := range v.ShadowIssuers {
		rows = append(rows, []string{
			shorten(s.Issuer, width), shorten(firstNames(s.Backends, names), width), "in " + firstNames(s.Clusters, names),
		})
	}
	return rows
}

// noRows says why the matrix is empty.
func (v *matrixView) noRows() string {
	if v.Compared < 2 {
		return "There are no two clusters to compare."
	}
	return "The clusters that are shown do not differ from the others."
}

func (v *matrixView) cutTitle() string {
	if len(v.CutClusters) == 0 {
		return ""
	}
	return "There is more than a profile holds in " + firstNames(v.CutClusters, maxNames) +
		": what is not shown of it may exist, and there may be further backends and issuers."
}

func (v *matrixView) unseenTitle() string {
	if v.seen == len(v.Clusters) {
		return ""
	}
	return "Not seen, so not compared:"
}

// unseenRows are the clusters that are not seen, with the reason.
func unseenRows(clusters []matrixCluster) [][]string {
	var rows [][]string
	for _, c := range clusters {
		if !c.seen {
			rows = append(rows, []string{c.Name, shorten(c.Unseen, 2*wideCellWidth)})
		}
	}
	return rows
}

// csv has a line for each subject and cluster, with titles.
func (v *matrixView) csv() [][]string {
	rows := [][]string{{"subject", "group", "cluster", "value", "state", "majority", "agreeing", "compared"}}
	for i := range v.Rows {
		r := &v.Rows[i]
		for j, c := range r.cells {
			rows = append(rows, []string{
				r.Subject, r.Group, v.Clusters[j].Name, c.Value, r.state(c, v.Clusters[j].seen),
				r.Majority, strconv.Itoa(r.Agreeing), strconv.Itoa(r.Compared),
			})
		}
	}
	return rows
}

// state of a cell is Majority, Outlier, Split, Unknown, NotSeen, or NotApplicable
// for what a cluster can't have, such as the owner of a component that is not
// there.
func (r *matrixRow) state(c consistency.Cell, seen bool) string {
	switch {
	case !seen:
		return "NotSeen"
	case c.Outlier:
		return "Outlier"
	case c.Unknown:
		return "Unknown"
	case c.NotApplicable:
		return "NotApplicable"
	case r.Split:
		return "Split"
	case r.Agreeing == 0:
		return "Unknown"
	default:
		return "Majority"
	}
}
