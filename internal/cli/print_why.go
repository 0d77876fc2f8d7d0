package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// Measures of the text in characters.
const (
	textWidth  = 80
	labelWidth = 14
)

// printExplanation writes an explanation in a format.
func printExplanation(w io.Writer, e *explanation, as format, now time.Time) error {
	var data []byte
	var err error
	switch as {
	case formatText:
		data = []byte(explanationText(e, now))
	case formatJSON:
		data, err = marshalJSON(e, "")
		data = append(data, '\n')
	case formatYAML:
		data, err = yaml.Marshal(e)
	case formatTable, formatWide, formatCSV, formatName:
		fallthrough
	default:
		return fmt.Errorf("an explanation can't be written as %s", as)
	}
	if err == nil {
		_, err = w.Write(data)
	}
	if err != nil {
		return fmt.Errorf("writing the explanation of %s: %w", e.Object, err)
	}
	return nil
}

// page collects wrapped text.
type page struct{ text strings.Builder }

func (p *page) write(text string) { p.text.WriteString(text) }

func (p *page) heading(text string) { p.write("\n" + text + "\n") }

// line writes a label and a text, wrapped and aligned to the label's right.
// Nothing is written for an empty text.
func (p *page) line(label, text string) {
	indent := 2
	if label != "" {
		indent += labelWidth
	}
	for i, l := range wrap(text, textWidth-indent) {
		if i == 0 && label != "" {
			fmt.Fprintf(&p.text, "  %-*s%s\n", labelWidth, label, l)
			continue
		}
		fmt.Fprintf(&p.text, "%*s%s\n", indent, "", l)
	}
}

// item writes a text after a mark, wrapped and indented.
func (p *page) item(text string) {
	for i, l := range wrap(text, textWidth-4) {
		mark := "  - "
		if i > 0 {
			mark = "    "
		}
		p.write(mark + l + "\n")
	}
}

// explanationText is an explanation for people. What surrounds the values of an
// object, such as who uses it, is written once when it is the same for all.
func explanationText(e *explanation, now time.Time) string {
	p := &page{}
	p.write(e.Object + "\n")
	shared := true
	for i := range e.Certificates {
		shared = shared && surroundings(&e.Certificates[i]) == surroundings(&e.Certificates[0])
	}
	for i := range e.Certificates {
		x := &e.Certificates[i]
		if len(e.Certificates) > 1 {
			fmt.Fprintf(&p.text, "\n=== %d of %d: %s\n", i+1, len(e.Certificates), orNone(x.Record.Key))
		}
		writeValue(p, x, now)
		if !shared {
			p.write(surroundings(x))
		}
	}
	if shared && len(e.Certificates) > 0 {
		if len(e.Certificates) > 1 {
			p.write("\n=== all of them\n")
		}
		p.write(surroundings(&e.Certificates[0]))
	}
	writeGaps(p, e)
	return p.text.String()
}

// writeValue writes what a value is, and what is wrong with it.
func writeValue(p *page, x *explained, now time.Time) {
	r := x.Record
	p.heading("What it is")
	p.line("", x.Role)
	writeFacts(p, r, now)
	writeChain(p, r)
	p.heading("What is wrong with it")
	problem := servedProblem(r.Served)
	if len(x.Findings) == 0 && r.Problem == "" && problem == "" {
		p.line("", "Nothing was found.")
	}
	if problem != "" {
		p.item(problem)
	}
	for _, f := range x.Findings {
		p.item(fmt.Sprintf("%s: %s %s", f.Name, f.Meaning, f.Action))
	}
	if r.Problem != "" {
		p.item("What could not be read: " + r.Problem)
	}
}

// surroundings are who renews and who uses a value.
func surroundings(x *explained) string {
	p, r := &page{}, x.Record
	p.heading("Who renews it")
	p.line("", x.Renewal)
	p.line("Owner:", r.Owner)
	p.line("Purpose:", r.Purpose)
	p.heading("Layer")
	p.line("", x.Layer)
	p.heading("What uses it")
	writeUsers(p, r)
	p.heading("Is it an orphan?")
	p.line("", x.Orphan)
	for _, doubt := range r.Doubts {
		p.item("Doubt: " + doubt)
	}
	return p.text.String()
}

func writeGaps(p *page, e *explanation) {
	p.heading("What the agent could not read")
	switch {
	case !e.CoverageKnown:
		p.line("", "Not known, since its report could not be read.")
	case len(e.Gaps) == 0:
		p.line("", "Nothing: it reads every kind that it knows and that exists.")
	}
	for _, gap := range e.Gaps {
		p.item(gap)
	}
}

func writeFacts(p *page, r *v1alpha1.CertificateRecord, now time.Time) {
	p.line("Key:", r.Key)
	writeServed(p, r.Served)
	p.line("Subject:", r.Subject)
	p.line("Names:", namesOf(r))
	p.line("Issuer:", r.Issuer)
	p.line("Valid:", validityOf(r, now))
	if r.PublicKey != "" {
		text := r.PublicKey
		if r.Signature != "" {
			text += ", signed with " + r.Signature
		}
		if r.CA {
			text += ", a CA"
		}
		p.line("Public key:", text)
	}
	p.line("Serial:", r.Serial)
	p.line("Fingerprint:", r.Fingerprint)
	switch {
	case r.Format != "" && r.Certificates > 0:
		p.line("Format:", r.Format+", "+plural(int(r.Certificates), "certificate", "certificates"))
	default:
		p.line("Format:", r.Format)
	}
	p.line("Digest:", r.Digest)
}

// writeChain writes what is served, in the order of the chain.
func writeChain(p *page, r *v1alpha1.CertificateRecord) {
	if len(r.Chain) == 0 {
		if r.Role == "Serving" && r.Fingerprint != "" {
			p.line("Chain:", "the certificate alone")
		}
		return
	}
	p.line("Chain:", "the certificate, then")
	for i, c := range r.Chain {
		text := fmt.Sprintf("%d. %s", i+1, orNone(c.Subject))
		if c.NotAfter != nil {
			text += ", until " + date(c.NotAfter.Time)
		}
		for _, l := range wrap(text, textWidth-labelWidth-2) {
			fmt.Fprintf(&p.text, "%*s%s\n", labelWidth+2, "", l)
		}
	}
}

func writeUsers(p *page, r *v1alpha1.CertificateRecord) {
	if r.Served != nil {
		p.line("", "Clients of "+r.Served.Source+".")
		return
	}
	if len(r.UsedBy) == 0 {
		p.line("", "Nothing that the agent can see.")
	}
	for i := range r.UsedBy {
		u := &r.UsedBy[i]
		text := referrerName(u)
		if u.Field != "" {
			text += " in " + u.Field
		}
		if !u.Certain {
			text += " (a guess)"
		}
		p.item(text)
	}
	if more := int(r.UseCount) - len(r.UsedBy); more > 0 {
		p.item(fmt.Sprintf("and %d more", more))
	}
}

func namesOf(r *v1alpha1.CertificateRecord) string {
	text := strings.Join(r.Names, ", ")
	if more := int(r.NameCount) - len(r.Names); more > 0 && text != "" {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func validityOf(r *v1alpha1.CertificateRecord, now time.Time) string {
	if r.NotAfter == nil {
		return ""
	}
	text := "until " + date(r.NotAfter.Time)
	if r.NotBefore != nil {
		text = strings.TrimSuffix(date(r.NotBefore.Time), " UTC") + " to " + date(r.NotAfter.Time)
	}
	switch {
	case isExpired(r, now):
		return text + " (" + relativeExpiry(r.NotAfter.Time, now) + ")"
	case r.NotBefore != nil && now.Before(r.NotBefore.Time):
		return text + " (not valid yet: it starts in " + span(r.NotBefore.Sub(now)) + ")"
	default:
		return text + " (" + span(r.NotAfter.Sub(now)) + " left)"
	}
}
