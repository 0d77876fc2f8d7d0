package publish

import "github.com/tlsplatform/tls-platform-operator/api/v1alpha1"

const (
	maxStored = 8
	maxCloud  = 8
)

// servedOf is what was found at an address, bounded; nil for what is stored.
func servedOf(s *v1alpha1.ServedState) *v1alpha1.ServedState {
	if s == nil {
		return nil
	}
	out := &v1alpha1.ServedState{
		Source:       text(s.Source, maxDN),
		Address:      text(s.Address, maxName),
		ServerName:   text(s.ServerName, maxName),
		Protocol:     text(s.Protocol, maxName),
		Version:      text(s.Version, maxName),
		Reason:       text(s.Reason, maxName),
		Message:      text(s.Message, maxSentence),
		Agreement:    text(s.Agreement, maxName),
		TerminatesAt: text(s.TerminatesAt, maxName),
	}
	for _, stored := range s.Stored[:min(maxStored, len(s.Stored))] {
		out.Stored = append(out.Stored, text(stored, maxDN))
	}
	for _, c := range s.Cloud[:min(maxCloud, len(s.Cloud))] {
		out.Cloud = append(out.Cloud, v1alpha1.CloudCertificate{
			Provider: text(c.Provider, maxName), ID: text(c.ID, maxDN), Field: text(c.Field, maxName),
			State: text(c.State, maxName), NotAfter: c.NotAfter.DeepCopy(),
		})
	}
	return out
}
