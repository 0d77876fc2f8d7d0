package cli

import (
	"fmt"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// Words of what was found at an address.
const (
	reasonServed     = "Served"
	agreementSame    = "Same"
	agreementUnknown = "NotCompared"
	agreementMissing = "StoredMissing"
)

// agreementSentences say how what is served relates to what is stored.
var agreementSentences = map[string]string{
	agreementSame:    "It is what is stored in %s.",
	"ChainDiffers":   "It is the certificate that is stored in %s, with another chain: clients may miss an intermediate.",
	"StoredIsNewer":  "It is older than what is stored in %s: the server has not reloaded.",
	"Differs":        "It is another one than what is stored in %s.",
	agreementMissing: "%s is not in the agent's list.",
}

// placeSentences say where TLS ends.
var placeSentences = map[string]string{
	"IngressController": "TLS ends at the ingress controller.",
	"Gateway":           "TLS ends at the gateway.",
	"LoadBalancer":      "TLS ends at the load balancer of the cloud, which keeps the certificate.",
	"CDN":               "TLS ends at a CDN before the cluster.",
	"Application":       "TLS ends at the application itself.",
}

// servedSentence says what was found at an address.
func servedSentence(s *v1alpha1.ServedState) string {
	if s == nil {
		return "A certificate that a server showed."
	}
	at := orNone(s.Address)
	if s.ServerName != "" {
		at += " for the name " + s.ServerName
	}
	if s.Reason != reasonServed {
		return fmt.Sprintf("An address that should serve a certificate, %s, as %s says.%s", at, orNone(s.Source), placeText(s))
	}
	text := fmt.Sprintf("A certificate that %s showed, as %s says.", at, orNone(s.Source))
	if s.Agreement == agreementSame {
		text += " " + agreementText(s)
	}
	return text + placeText(s)
}

// agreementText says how what is served relates to what is stored, empty when
// that is not known.
func agreementText(s *v1alpha1.ServedState) string {
	said, compared := agreementSentences[s.Agreement]
	switch {
	case !compared:
		return ""
	case len(s.Stored) > 0:
		return strings.Replace(said, "%s", "Secret "+strings.Join(s.Stored, " or "), 1)
	case s.Agreement == agreementMissing:
		return "No Secret that the agent reads holds it."
	default:
		return strings.Replace(said, "%s", "the object", 1)
	}
}

// servedProblem says what is wrong with what is served, empty for nothing.
func servedProblem(s *v1alpha1.ServedState) string {
	switch {
	case s == nil:
		return ""
	case s.Reason != reasonServed && s.Message != "":
		return s.Reason + ": No certificate was shown: " + sentence(s.Message)
	case s.Reason != reasonServed:
		return s.Reason + ": No certificate was shown."
	case s.Agreement == agreementSame || agreementText(s) == "":
		return ""
	default:
		return s.Agreement + ": " + agreementText(s)
	}
}

func placeText(s *v1alpha1.ServedState) string {
	if said, ok := placeSentences[s.TerminatesAt]; ok {
		return " " + said
	}
	return ""
}

// writeServed writes the facts of a handshake.
func writeServed(p *page, s *v1alpha1.ServedState) {
	if s == nil {
		return
	}
	p.line("Protocol:", strings.TrimSpace(strings.TrimSuffix(s.Protocol+", "+s.Version, ", ")))
	for i := range s.Cloud {
		c := &s.Cloud[i]
		text := c.Provider + " " + c.ID + " (" + c.Field + ")"
		if c.State != "" {
			text += ", " + c.State
		}
		p.line("Cloud:", text)
	}
}

// findingsOf is what is wrong in words: the findings, and of an address what was
// not as it should be.
func findingsOf(r *v1alpha1.CertificateRecord) string {
	list := r.Findings
	if s := r.Served; s != nil {
		switch {
		case s.Reason != reasonServed:
			list = append([]string{s.Reason}, list...)
		case s.Agreement != agreementSame && s.Agreement != agreementUnknown:
			list = append([]string{s.Agreement}, list...)
		}
	}
	return strings.Join(list, ",")
}

// cleanServed is clean of what could steer a terminal; nil stays nil.
func cleanServed(s *v1alpha1.ServedState) *v1alpha1.ServedState {
	if s == nil {
		return nil
	}
	out := s.DeepCopy()
	for _, text := range []*string{
		&out.Source, &out.Address, &out.ServerName, &out.Protocol, &out.Version, &out.Reason, &out.Message, &out.Agreement, &out.TerminatesAt,
	} {
		*text = clean(*text)
	}
	for i := range out.Stored {
		out.Stored[i] = clean(out.Stored[i])
	}
	for i := range out.Cloud {
		c := &out.Cloud[i]
		c.Provider, c.ID, c.Field, c.State = clean(c.Provider), clean(c.ID), clean(c.Field), clean(c.State)
	}
	return out
}
