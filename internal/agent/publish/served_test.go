package publish

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

func TestServedIsBounded(t *testing.T) {
	t.Parallel()
	if servedOf(nil) != nil {
		t.Error("what is stored was served")
	}
	long := strings.Repeat("x", 5000) + "\x1b"
	state := &v1alpha1.ServedState{Source: long, Address: long, Message: long, Reason: "Served", Agreement: "Same", TerminatesAt: "Gateway"}
	for range 100 {
		state.Stored = append(state.Stored, "ns/\x07name")
		state.Cloud = append(state.Cloud, v1alpha1.CloudCertificate{Provider: "AWS", ID: long, Field: "f"})
	}
	before := state.DeepCopy()
	got := servedOf(state)
	if diff := cmp.Diff(before, state); diff != "" {
		t.Errorf("the state was changed:\n%s", diff)
	}
	if len(got.Source) > maxDN || len(got.Address) > maxName || len(got.Message) > maxSentence || len(got.Cloud[0].ID) > maxDN {
		t.Errorf("texts have %d, %d, %d and %d bytes", len(got.Source), len(got.Address), len(got.Message), len(got.Cloud[0].ID))
	}
	if len(got.Stored) != maxStored || len(got.Cloud) != maxCloud || got.Stored[0] != "ns/ name" {
		t.Errorf("%d Secrets, %d certificates, the first Secret %q", len(got.Stored), len(got.Cloud), got.Stored[0])
	}
	if got.Reason != "Served" || got.Agreement != "Same" || got.TerminatesAt != "Gateway" {
		t.Errorf("words were lost: %+v", got)
	}
}
