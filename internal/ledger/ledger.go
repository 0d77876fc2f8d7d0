package ledger

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
)

// Key of the ConfigMap that holds the ledger.
const Key = "ledger.json"

// Ledger lists what a platform applied to a cluster. It is kept in the cluster
// itself, in the operator's namespace.
type Ledger struct {
	// Platform and UID of the TLSPlatform that the cluster belongs to.
	Platform string    `json:"platform"`
	UID      types.UID `json:"uid"`
	// Hub is the UID of the hub's own cluster: that of its namespace kube-system.
	Hub string `json:"hub,omitempty"`
	// Entries, one for each object.
	Entries map[desired.Ref]Entry `json:"-"`
	// Releases are the states of the components, by part.
	Releases map[desired.PartName]ReleaseState `json:"releases,omitempty"`
}

// Entry is what is known of one applied object.
type Entry struct {
	// Part that the object belongs to.
	Part desired.PartName `json:"part"`
	// Version of the API that it was applied in.
	Version string `json:"version"`
	// UID of the object; empty until the first write was confirmed.
	UID types.UID `json:"uid,omitempty"`
	// Digest of the desired content that was written.
	Digest string `json:"digest,omitempty"`
	// Fields is the hash of the fields that were owned after the write.
	Fields string `json:"fields,omitempty"`
	// Retained says why the object stays although it is no longer desired.
	Retained string `json:"retained,omitempty"`
}

// ReleaseState is how far a component's release got.
type ReleaseState struct {
	// Current is the release in force.
	Current desired.Release `json:"current"`
	// Since is when Current was first applied.
	Since time.Time `json:"since"`
	// Healthy is the last release that became healthy.
	Healthy *desired.Release `json:"healthy,omitempty"`
	// Failed is the key of a release that never became healthy, with the
	// reason; it is not tried again.
	Failed        string `json:"failed,omitempty"`
	FailedVersion string `json:"failedVersion,omitempty"`
	FailedMessage string `json:"failedMessage,omitempty"`
}

type ledgerFile struct {
	Ledger  `json:",inline"`
	Objects []ledgerItem `json:"objects,omitempty"`
}

type ledgerItem struct {
	desired.Ref `json:",inline"`
	Entry       `json:",inline"`
}

// New returns an empty ledger.
func New(platform string, uid types.UID) *Ledger {
	return &Ledger{
		Platform: platform, UID: uid,
		Entries:  map[desired.Ref]Entry{},
		Releases: map[desired.PartName]ReleaseState{},
	}
}

// Encode the ledger; an unchanged one is the same text.
func (l *Ledger) Encode() (string, error) {
	file := ledgerFile{Ledger: *l}
	for _, ref := range sortedRefs(l.Entries) {
		file.Objects = append(file.Objects, ledgerItem{Ref: ref, Entry: l.Entries[ref]})
	}
	raw, err := json.Marshal(file)
	if err != nil {
		return "", fmt.Errorf("encoding the ledger of %s: %w", l.Platform, err)
	}
	return string(raw), nil
}

// Decode what Encode wrote.
func Decode(raw string) (*Ledger, error) {
	var file ledgerFile
	if err := json.Unmarshal([]byte(raw), &file); err != nil {
		return nil, fmt.Errorf("decoding the ledger: %w", err)
	}
	l := New(file.Platform, file.UID)
	for _, item := range file.Objects {
		l.Entries[item.Ref] = item.Entry
	}
	maps.Copy(l.Releases, file.Releases)
	return l, nil
}

func sortedRefs(entries map[desired.Ref]Entry) []desired.Ref {
	return slices.SortedFunc(maps.Keys(entries), func(a, b desired.Ref) int {
		return strings.Compare(a.Group+"/"+a.String(), b.Group+"/"+b.String())
	})
}
