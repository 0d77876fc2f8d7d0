package cli

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

var csvTitles = []string{
	"namespace", "kind", "name", "key", "layer", "role", "format", "certificates", "subject", "names", "issuer",
	"issuerRef", "serial", "fingerprint", "publicKey", "signature", "ca", "notBefore", "notAfter", "renewal",
	"managedBy", "manager", "use", "orphan", "unreferencedSince", "confidence", "useCount", "usedBy", "owner",
	"purpose", "findings", "problem", "reason", "agreement", "terminatesAt",
}

// csvRow are the cells of a record, in the order of csvTitles. Lists are joined by
// spaces, times are in RFC 3339.
func csvRow(r *v1alpha1.CertificateRecord) []string {
	users := make([]string, 0, len(r.UsedBy))
	for i := range r.UsedBy {
		u := &r.UsedBy[i]
		users = append(users, objectName(place{kind: u.Kind, namespace: u.Namespace, name: u.Name}))
	}
	served := r.Served
	if served == nil {
		served = &v1alpha1.ServedState{}
	}
	return []string{
		r.Namespace, r.Kind, r.Name, r.Key, string(r.Layer), r.Role, r.Format, strconv.Itoa(int(r.Certificates)), r.Subject,
		strings.Join(r.Names, " "), r.Issuer, r.IssuerRef, r.Serial, r.Fingerprint, r.PublicKey, r.Signature,
		strconv.FormatBool(r.CA), csvTime(r.NotBefore), csvTime(r.NotAfter), csvTime(r.Renewal), r.ManagedBy, r.Manager,
		r.Use, strconv.FormatBool(r.Orphan), csvTime(r.UnreferencedSince), r.Confidence, strconv.Itoa(int(r.UseCount)),
		strings.Join(users, " "), r.Owner, r.Purpose, strings.Join(r.Findings, " "), r.Problem,
		served.Reason, served.Agreement, served.TerminatesAt,
	}
}

func csvTime(t *metav1.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// printCSV writes a line of titles and one for each record (RFC 4180).
func printCSV(w io.Writer, records []*v1alpha1.CertificateRecord) error {
	c := csv.NewWriter(w)
	if err := c.Write(csvTitles); err != nil {
		return err
	}
	for i := range records {
		r := cleanRecord(records[i])
		row := csvRow(r)
		for i := range row {
			row[i] = defuse(row[i])
		}
		if err := c.Write(row); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// defuse puts an apostrophe before a text that a spreadsheet would take for a
// formula (OWASP, CSV injection). Full-width forms count as well, and spaces in
// front do not help.
func defuse(cell string) string {
	text := strings.TrimLeft(cell, " ")
	for _, start := range []string{"=", "+", "-", "@", "＝", "＋", "－", "＠"} {
		if strings.HasPrefix(text, start) {
			return "'" + cell
		}
	}
	return cell
}
