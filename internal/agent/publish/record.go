package publish

import (
	"cmp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// RecordOf is a view as it is published. Lists and texts are bounded, and the
// result depends on nothing but the view. It shares no slice with the view that
// may change later.
func RecordOf(v *inventory.View) v1alpha1.CertificateRecord {
	r := v1alpha1.CertificateRecord{
		Kind:              v.Object.Kind.String(),
		Namespace:         v.Object.Namespace,
		Name:              v.Object.Name,
		Key:               text(v.Record.Key, maxName),
		Layer:             layerOf(v),
		Role:              v.Record.Role.String(),
		ManagedBy:         string(v.Manager),
		Manager:           text(v.ManagerName, maxDN),
		Renewal:           optionalTime(v.Renewal),
		Owner:             text(v.Owner, maxName),
		Purpose:           text(v.Purpose, maxName),
		UseReason:         text(v.Use.Reason, maxSentence),
		UnreferencedSince: optionalTime(v.UnreferencedSince),
		Orphan:            v.Orphan,
		Findings:          v.Findings.Strings(),
	}
	if v.Issuer != nil {
		r.IssuerRef = text(v.Issuer.Kind+"/"+v.Issuer.Name, maxDN)
	}
	setValue(&r, v.Record)
	setUse(&r, v)
	r.Served = servedOf(v.Record.Served)
	return r
}

// setValue fills in what the value holds.
func setValue(r *v1alpha1.CertificateRecord, record *inventory.Record) {
	value := record.Value
	if value == nil {
		return
	}
	r.Format = formatName(value.Format)
	r.Certificates = count(value.Count)
	r.Problem = text(problems(value.Problems), maxDN)
	if leading := record.Leading(); leading != nil {
		setCertificate(r, leading)
	}
	if record.Role == inventory.Bundle {
		if len(value.Certificates) > 0 {
			r.Digest = value.Digest.String()
		}
		return
	}
	for _, c := range value.Certificates[min(1, len(value.Certificates)):min(1+maxChain, len(value.Certificates))] {
		member := v1alpha1.ChainMember{Subject: text(c.Subject, maxDN), Fingerprint: c.Fingerprint.String()}
		if !c.Findings.Has(certificate.Unparseable) {
			member.NotAfter = clampedTime(c.NotAfter)
		}
		r.Chain = append(r.Chain, member)
	}
}

// setCertificate fills in the certificate that stands for the value. Of one that
// could not be parsed the fingerprint is all that is known.
func setCertificate(r *v1alpha1.CertificateRecord, c *certificate.Certificate) {
	r.Fingerprint = c.Fingerprint.String()
	if c.Findings.Has(certificate.Unparseable) {
		return
	}
	r.Subject = text(c.Subject, maxDN)
	r.Issuer = text(c.Issuer, maxDN)
	r.Serial = text(c.Serial, maxName)
	r.NameCount = count(c.NameCount)
	for _, name := range c.Names[:min(maxNames, len(c.Names))] {
		r.Names = append(r.Names, text(name, maxName))
	}
	r.NotBefore = clampedTime(c.NotBefore)
	r.NotAfter = clampedTime(c.NotAfter)
	r.PublicKey = text(c.PublicKey, maxName)
	r.Signature = text(c.Signature, maxName)
	r.CA = c.IsCA
}

// setUse fills in who uses the object. References without effect are no use:
// the verdict's doubts name them.
func setUse(r *v1alpha1.CertificateRecord, v *inventory.View) {
	r.Use = useName(v.Use.Use)
	if v.Use.Use == reference.Unreferenced {
		r.Confidence = confidenceName(v.Use.Confidence)
		for _, doubt := range v.Use.Doubts[:min(maxDoubts, len(v.Use.Doubts))] {
			r.Doubts = append(r.Doubts, text(doubt, maxSentence))
		}
	}
	first := make([]*reference.Referrer, 0, maxReferrers+1)
	n := 0
	for i := range v.Referrers {
		referrer := &v.Referrers[i]
		if referrer.Ungranted {
			continue
		}
		n++
		// Some objects have thousands of referrers: only the first few are
		// ever kept in order.
		at, _ := slices.BinarySearchFunc(first, referrer, compareReferrers)
		if at == maxReferrers {
			continue
		}
		first = slices.Insert(first, at, referrer)
		first = first[:min(maxReferrers, len(first))]
	}
	r.UseCount = count(n)
	for _, referrer := range first {
		r.UsedBy = append(r.UsedBy, v1alpha1.Referrer{
			Kind:      text(referrer.Kind, maxName),
			Namespace: text(referrer.Namespace, maxName),
			Name:      text(referrer.Name, maxName),
			Field:     text(referrer.Field, maxName),
			Certain:   referrer.Certain,
		})
	}
}

// compareReferrers puts certain references first.
func compareReferrers(a, b *reference.Referrer) int {
	switch {
	case a.Certain && !b.Certain:
		return -1
	case b.Certain && !a.Certain:
		return 1
	}
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Field, b.Field))
}

// compareRecords is the order of records in a page.
func compareRecords(a, b *v1alpha1.CertificateRecord) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Key, b.Key))
}

func problems(list []certificate.Problem) string {
	if len(list) == 1 {
		return list[0].Message
	}
	messages := make([]string, 0, len(list))
	for _, problem := range list {
		messages = append(messages, problem.Message)
	}
	return strings.Join(messages, "; ")
}

// Times that RFC 3339 can carry. The first second of the year 1 is left out:
// Go takes it for no time at all, and it would be published as null.
const (
	firstSecond = -62135596800 + 1 // 0001-01-01T00:00:01Z
	lastSecond  = 253402300799     // 9999-12-31T23:59:59Z
)

// clampedTime is a time in Unix seconds, moved into the range of RFC 3339.
func clampedTime(seconds int64) *metav1.Time {
	return &metav1.Time{Time: time.Unix(min(max(seconds, firstSecond), lastSecond), 0).UTC()}
}

// optionalTime is clampedTime, with 0 for no time.
func optionalTime(seconds int64) *metav1.Time {
	if seconds == 0 {
		return nil
	}
	return clampedTime(seconds)
}

// layerOf is the layer of a view. The API server refuses a page with a layer that
// it does not know, so that one record would hold up all others.
func layerOf(v *inventory.View) v1alpha1.Layer {
	switch v.Layer {
	case v1alpha1.LayerIngress, v1alpha1.LayerMesh:
		return v.Layer
	case v1alpha1.LayerApplication:
	}
	return v1alpha1.LayerApplication
}

// count is a figure as the API has it.
func count(n int) int32 { return int32(min(max(n, 0), 1<<31-1)) }

func formatName(f certificate.Format) string {
	switch f {
	case certificate.PEM:
		return "PEM"
	case certificate.DER:
		return "DER"
	case certificate.PKCS12:
		return "PKCS12"
	case certificate.JKS:
		return "JKS"
	case certificate.JCEKS:
		return "JCEKS"
	case certificate.FormatUnknown:
	}
	return ""
}

func useName(u reference.Use) string {
	switch u {
	case reference.Used:
		return "Used"
	case reference.Exempt:
		return "Exempt"
	case reference.Unreferenced:
	}
	return "Unreferenced"
}

func confidenceName(c reference.Confidence) string {
	switch c {
	case reference.High:
		return "High"
	case reference.Medium:
		return "Medium"
	case reference.Low:
	}
	return "Low"
}
