package publish

import (
	"encoding/json"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// Bounds of single texts and lists about the estate.
const (
	maxDriftFields = 8
	maxDriftBy     = 4
	maxKind        = 63
	// maxUnwatched bounds a line about a kind in bytes, at least: shorter, the
	// reason would be lost.
	maxUnwatched = 96
)

// estateOf is what is known of the platform's objects with at most n of each
// list, and sentences of at most limit bytes. What identifies an object stays as
// long as a name can be.
func estateOf(e *v1alpha1.EstateReport, n, limit int) *v1alpha1.EstateReport {
	if e == nil {
		return nil
	}
	out := &v1alpha1.EstateReport{
		Version: text(e.Version, maxName), Ledger: text(e.Ledger, maxName), Objects: e.Objects, Drifted: e.Drifted, Unhealthy: e.Unhealthy,
		Kinds: text(e.Kinds, maxName), Workloads: text(e.Workloads, maxName),
	}
	for _, d := range e.Drift[:min(n, len(e.Drift))] {
		d.ObjectReference = referenceOf(d.ObjectReference)
		d.Fields = texts(d.Fields, maxDriftFields, limit)
		d.By = texts(d.By, maxDriftBy, min(limit, 128))
		d.Since = d.Since.DeepCopy()
		out.Drift = append(out.Drift, d)
	}
	for _, u := range e.UnhealthyObjects[:min(n, len(e.UnhealthyObjects))] {
		u.ObjectReference, u.Message = referenceOf(u.ObjectReference), text(u.Message, limit)
		out.UnhealthyObjects = append(out.UnhealthyObjects, u)
	}
	out.Unwatched = texts(e.Unwatched, n, max(limit, maxUnwatched))
	return out
}

// referenceOf an object, which the API server vouches for as far as it knows the
// kind.
func referenceOf(r v1alpha1.ObjectReference) v1alpha1.ObjectReference {
	return v1alpha1.ObjectReference{
		Group: text(r.Group, maxName), Kind: text(r.Kind, maxKind), Namespace: text(r.Namespace, maxKind), Name: text(r.Name, maxName),
	}
}

func texts(list []string, n, limit int) []string {
	var out []string
	for _, s := range list[:min(n, len(list))] {
		out = append(out, text(s, limit))
	}
	return out
}

// WithEstate is a status with another report of the estate, as much of it as the
// size of the status allows. The rest stays as it is.
func WithEstate(status v1alpha1.TLSAgentStatus, e *v1alpha1.EstateReport) v1alpha1.TLSAgentStatus {
	for _, step := range steps {
		status.Estate = estateOf(e, step.estate, step.text)
		if data, err := json.Marshal(status); err == nil && len(data) <= MaxReport {
			break
		}
	}
	return status
}

// profileOf is a profile with at most n of each list; what is left out counts as
// omitted.
func profileOf(p *v1alpha1.ClusterProfile, n int) *v1alpha1.ClusterProfile {
	if p == nil {
		return nil
	}
	out := *p
	omitted := cut(&out.Components, n) + cut(&out.Issuers, n) + cut(&out.Policies, n) + cut(&out.Bundles, n) + cut(&out.Settings, n)
	out.Omitted = count(int(p.Omitted) + omitted)
	return &out
}

// cut a list and return how much was left out.
func cut[T any](list *[]T, n int) int {
	rest := max(len(*list)-n, 0)
	*list = (*list)[:len(*list)-rest]
	return rest
}
