package cli

import (
	"slices"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// cleanRecord returns a copy of the record with all of its texts clean. The record
// that was given is left as it is.
func cleanRecord(given *v1alpha1.CertificateRecord) *v1alpha1.CertificateRecord {
	r := *given
	for _, s := range []*string{
		&r.Kind, &r.Namespace, &r.Name, &r.Key, (*string)(&r.Layer), &r.Role, &r.Format, &r.Fingerprint, &r.Digest,
		&r.Subject, &r.Issuer, &r.Serial, &r.PublicKey, &r.Signature, &r.ManagedBy, &r.Manager, &r.IssuerRef, &r.Owner,
		&r.Purpose, &r.Use, &r.UseReason, &r.Confidence, &r.Problem,
	} {
		*s = clean(*s)
	}
	for _, list := range []*[]string{&r.Names, &r.Doubts, &r.Findings} {
		*list = cleanAll(*list)
	}
	if len(r.Chain) > 0 {
		r.Chain = slices.Clone(r.Chain)
		for i := range r.Chain {
			c := &r.Chain[i]
			c.Subject, c.Fingerprint = clean(c.Subject), clean(c.Fingerprint)
		}
	}
	if len(r.UsedBy) > 0 {
		r.UsedBy = slices.Clone(r.UsedBy)
		for i := range r.UsedBy {
			u := &r.UsedBy[i]
			u.Kind, u.Namespace, u.Name, u.Field = clean(u.Kind), clean(u.Namespace), clean(u.Name), clean(u.Field)
		}
	}
	r.Served = cleanServed(r.Served)
	return &r
}

// cleanAll returns the texts clean, in the same slice when all of them were.
func cleanAll(list []string) []string {
	if !slices.ContainsFunc(list, func(s string) bool { return clean(s) != s }) {
		return list
	}
	list = slices.Clone(list)
	for i := range list {
		list[i] = clean(list[i])
	}
	return list
}
