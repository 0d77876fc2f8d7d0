package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// format of what is printed.
type format string

// Formats of what is printed.
const (
	formatTable format = "table"
	formatWide  format = "wide"
	formatJSON  format = "json"
	formatYAML  format = "yaml"
	formatCSV   format = "csv"
	formatName  format = "name"
	formatText  format = "text"
)

// inventoryFormats are the formats of the inventory, explanationFormats those of
// an explanation.
var (
	inventoryFormats   = []format{formatTable, formatWide, formatJSON, formatYAML, formatCSV, formatName}
	explanationFormats = []format{formatText, formatJSON, formatYAML}
)

// parseFormat checks the value of the flag output.
func parseFormat(text string, known []format) (format, error) {
	if slices.Contains(known, format(text)) {
		return format(text), nil
	}
	names := make([]string, 0, len(known))
	for _, f := range known {
		names = append(names, string(f))
	}
	return "", fmt.Errorf("--output: %q is not known: use one of %s", text, strings.Join(names, ", "))
}

// forPeople says that a format is for reading rather than for programs.
func (f format) forPeople() bool { return f == formatTable || f == formatWide || f == formatText }

// printInventory writes the records in a format, in the order given.
func printInventory(w io.Writer, records []*v1alpha1.CertificateRecord, as format, now time.Time) error {
	var err error
	switch as {
	case formatJSON:
		err = printJSON(w, records)
	case formatYAML:
		err = printYAML(w, records)
	case formatCSV:
		err = printCSV(w, records)
	case formatName:
		err = printNames(w, records)
	case formatTable, formatWide:
		err = printTable(w, records, as == formatWide, now)
	case formatText:
		fallthrough
	default:
		return fmt.Errorf("an inventory can't be written as %s", as)
	}
	if err != nil {
		return fmt.Errorf("writing the inventory as %s: %w", as, err)
	}
	return nil
}

// printNames writes each object once, in the form that kubectl tls why takes.
func printNames(w io.Writer, records []*v1alpha1.CertificateRecord) error {
	written := map[place]bool{}
	for i := range records {
		r := cleanRecord(records[i])
		object := place{kind: r.Kind, namespace: r.Namespace, name: r.Name}
		if written[object] {
			continue
		}
		written[object] = true
		if _, err := fmt.Fprintln(w, objectName(object)); err != nil {
			return err
		}
	}
	return nil
}

// objectName is kind/namespace/name, or kind/name for what has no namespace.
func objectName(p place) string {
	if p.namespace == "" {
		return strings.ToLower(p.kind) + "/" + p.name
	}
	return strings.ToLower(p.kind) + "/" + p.namespace + "/" + p.name
}
