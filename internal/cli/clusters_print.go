package cli

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// header is the start of what is written about a fleet for programs. No API
// serves these kinds.
type header struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
}

func headerOf(kind string) header {
	return header{APIVersion: v1alpha1.GroupVersion.String(), Kind: kind}
}

// printReport writes a report about the fleet in a format: itself for programs,
// and what cells and text make of it for spreadsheets and for people.
func printReport(w io.Writer, name string, report any, as format, cells func() [][]string, text func(wide bool) error) error {
	var err error
	switch as {
	case formatJSON, formatYAML:
		err = printDocument(w, report, as)
	case formatCSV:
		err = printCells(w, cells())
	case formatTable, formatWide:
		err = text(as == formatWide)
	case formatName, formatText:
		fallthrough
	default:
		return fmt.Errorf("%s can't be written as %s", name, as)
	}
	if err != nil {
		return fmt.Errorf("writing %s as %s: %w", name, as, err)
	}
	return nil
}

// printDocument writes a value as JSON or YAML.
func printDocument(w io.Writer, value any, as format) error {
	var data []byte
	var err error
	switch as {
	case formatJSON:
		data, err = marshalJSON(value, "")
		data = append(data, '\n')
	case formatYAML:
		data, err = yaml.Marshal(value)
	case formatTable, formatWide, formatCSV, formatName, formatText:
		fallthrough
	default:
		return fmt.Errorf("%s is no format for programs", as)
	}
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

// printRows writes lines of cells, aligned. A cell that is empty is marked.
func printRows(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = orNone(c)
		}
		if _, err := fmt.Fprintln(t, strings.Join(cells, "\t")); err != nil {
			return err
		}
	}
	return t.Flush()
}

// printCells writes lines of cells as CSV (RFC 4180).
func printCells(w io.Writer, rows [][]string) error {
	c := csv.NewWriter(w)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i := range row {
			cells[i] = defuse(row[i])
		}
		if err := c.Write(cells); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// shortenDistinct cuts texts to a number of characters, or to as many more as it
// takes that texts that differ still do.
func shortenDistinct(texts []string, length int) []string {
	distinct := map[string]bool{}
	for _, text := range texts {
		distinct[text] = true
	}
	short := make([]string, len(texts))
	for ; ; length *= 2 {
		left := map[string]bool{}
		for i, text := range texts {
			short[i] = shorten(text, length)
			left[short[i]] = true
		}
		if len(left) == len(distinct) {
			return short
		}
	}
}
