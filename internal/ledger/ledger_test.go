package ledger

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
)

func TestLedgerSurvivesItsEncoding(t *testing.T) {
	t.Parallel()
	healthy := desired.Release{Version: "v1.21.2", Key: "k1", Digest: "sha256:1", Namespace: "cert-manager"}
	want := New("platform", "uid")
	want.Entries[desired.Ref{Kind: "ServiceAccount", Namespace: "cert-manager", Name: "cert-manager"}] = Entry{
		Part: desired.CertManager, Version: "v1", UID: "u", Digest: "d", Fields: "f",
	}
	want.Entries[desired.Ref{Group: "cert-manager.io", Kind: "ClusterIssuer", Name: "internal"}] = Entry{Part: desired.Issuers, Version: "v1", Retained: "why"}
	want.Releases[desired.CertManager] = ReleaseState{Current: healthy, Healthy: &healthy, Since: time.Date(2026, 11, 24, 1, 2, 3, 0, time.UTC)}
	raw, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
	again, err := got.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if raw != again {
		t.Error("an unchanged ledger is not the same text, so it would be written again")
	}
}

func FuzzDecodeLedger(f *testing.F) {
	f.Add(`{"platform":"p","objects":[{"kind":"ConfigMap","name":"a","part":"issuers","version":"v1"}]}`)
	f.Add(`{"objects":[{}]}`)
	f.Fuzz(func(t *testing.T, raw string) {
		l, err := Decode(raw)
		if err != nil {
			return
		}
		if _, err := l.Encode(); err != nil {
			t.Errorf("a ledger that was read can't be written: %v", err)
		}
	})
}
