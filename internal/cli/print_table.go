package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// Widths of cells in characters. A cell that is longer is cut.
const (
	cellWidth     = 40
	wideCellWidth = 80
)

// column of the table.
type column struct {
	title string
	cell  func(r *v1alpha1.CertificateRecord, now time.Time) string
}

var tableColumns = []column{
	{"NAMESPACE", func(r *v1alpha1.CertificateRecord, _ time.Time) string { return r.Namespace }},
	{"KIND/NAME", func(r *v1alpha1.CertificateRecord, _ time.Time) string { return r.Kind + "/" + r.Name }},
	{"LAYER", func(r *v1alpha1.CertificateRecord, _ time.Time) string { return string(r.Layer) }},
	{"SUBJECT", func(r *v1alpha1.CertificateRecord, _ time.Time) string { return subjectOf(r) }},
	{"ISSUER", func(r *v1alpha1.CertificateRecord, _ time.Time) string { return issuerOf(r) }},
	{"EXPIRES", expiryOf},
	{"MANAGED BY", func(r *v1alpha1.CertificateRecord, _ time.Time) string { return r.ManagedBy }},
	{"USE", func(r *v1alpha1.CertificateRecord, _ time.Time) string { return useOf(r) }},
	{"FINDINGS", func(r *v1alpha1.CertificateRecord, _ time.Time) string { return findingsOf(r) }},
}

var wideColumns = []column{
	{"KEY", func(r *v1alpha1.CertificateRecord, _ time.Time) string { return r.Key }},
	{"PUBLIC KEY", func(r *v1alpha1.CertificateRecord, _ time.Time) string { return r.PublicKey }},
	{"SERIAL", func(r *v1alpha1.CertificateRecord, _ time.Time) string { return r.Serial }},
	{"FINGERPRINT", func(r *v1alpha1.CertificateRecord, _ time.Time) string {
		return fmt.Sprintf("%.12s", r.Fingerprint)
	}},
	{"USED BY", func(r *v1alpha1.CertificateRecord, _ time.Time) string { return usersOf(r) }},
	{"OWNER", func(r *v1alpha1.CertificateRecord, _ time.Time) string { return r.Owner }},
	{"PURPOSE", func(r *v1alpha1.CertificateRecord, _ time.Time) string { return r.Purpose }},
}

// printTable writes one line for each record.
func printTable(w io.Writer, records []*v1alpha1.CertificateRecord, wide bool, now time.Time) error {
	columns, width := tableColumns, cellWidth
	if wide {
		columns, width = append(append([]column(nil), tableColumns...), wideColumns...), wideCellWidth
	}
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	cells := make([]string, len(columns))
	for i, c := range columns {
		cells[i] = c.title
	}
	if _, err := fmt.Fprintln(t, strings.Join(cells, "\t")); err != nil {
		return err
	}
	for i := range records {
		r := cleanRecord(records[i])
		for i, c := range columns {
			cells[i] = shorten(orNone(c.cell(r, now)), width)
			if c.title == "KIND/NAME" {
				// It is what people copy: never cut.
				cells[i] = c.cell(r, now)
			}
		}
		if _, err := fmt.Fprintln(t, strings.Join(cells, "\t")); err != nil {
			return err
		}
	}
	return t.Flush()
}

// subjectOf is the common name of the subject, or the first of the names: many
// certificates have an empty subject.
func subjectOf(r *v1alpha1.CertificateRecord) string {
	if r.Subject == "" && len(r.Names) > 0 {
		return r.Names[0]
	}
	return commonName(r.Subject)
}

// issuerOf is cert-manager's issuer, or the common name of the CA.
func issuerOf(r *v1alpha1.CertificateRecord) string {
	if r.IssuerRef != "" {
		return r.IssuerRef
	}
	return commonName(r.Issuer)
}

func expiryOf(r *v1alpha1.CertificateRecord, now time.Time) string {
	if r.NotAfter == nil {
		return ""
	}
	return relativeExpiry(r.NotAfter.Time, now)
}

// useOf is the use in a word.
func useOf(r *v1alpha1.CertificateRecord) string {
	if r.Orphan {
		return "Orphan"
	}
	return r.Use
}

// usersOf is the first object that uses it, and the number of others.
func usersOf(r *v1alpha1.CertificateRecord) string {
	if len(r.UsedBy) == 0 {
		return ""
	}
	first := referrerName(&r.UsedBy[0])
	if more := max(int(r.UseCount), len(r.UsedBy)) - 1; more > 0 {
		return fmt.Sprintf("%s +%d", first, more)
	}
	return first
}

// referrerName is the object as Kind namespace/name.
func referrerName(u *v1alpha1.Referrer) string {
	return objectTitle(u.Kind, u.Namespace, u.Name)
}

// objectTitle is Kind namespace/name, or Kind name for what has no namespace.
func objectTitle(kind, namespace, name string) string {
	if namespace == "" {
		return kind + " " + name
	}
	return kind + " " + namespace + "/" + name
}
