package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

const (
	ledgerKey     = "ledger.json"
	ledgerManager = names.FieldManagerPrefix + "ledger"
)

// Ledger lists what a platform applied to a cluster. It is kept in the cluster
// itself, in the operator's namespace.
type Ledger struct {
	// Platform and UID of the TLSPlatform that the cluster belongs to.
	Platform string    `json:"platform"`
	UID      types.UID `json:"uid"`
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

func newLedger(platform string, uid types.UID) *Ledger {
	return &Ledger{
		Platform: platform, UID: uid,
		Entries:  map[desired.Ref]Entry{},
		Releases: map[desired.PartName]ReleaseState{},
	}
}

func (l *Ledger) encode() (string, error) {
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

func decodeLedger(raw string) (*Ledger, error) {
	var file ledgerFile
	if err := json.Unmarshal([]byte(raw), &file); err != nil {
		return nil, fmt.Errorf("decoding the ledger: %w", err)
	}
	l := newLedger(file.Platform, file.UID)
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

// ledgerStore reads and writes the ledger of one cluster. It remembers what it
// wrote, so that an unchanged ledger costs neither a read nor a write.
type ledgerStore struct {
	client    client.Client
	namespace string
	last      string
	version   string // resource version of the last write or read
	loaded    *Ledger
}

func ledgerRef(namespace string) desired.Ref {
	return desired.Ref{Kind: "ConfigMap", Namespace: namespace, Name: names.LedgerConfigMap}
}

// check has the ledger written again when somebody changed or deleted it.
func (s *ledgerStore) check(live *Live) {
	if s.version == "" {
		return
	}
	ref := ledgerRef(s.namespace)
	got, found, watched := live.Get(ref)
	switch {
	case !watched:
	case found && older(s.version, got.ResourceVersion):
		s.last = ""
	case !found && !older(live.Seen(ref.GroupKind()), s.version):
		s.last = ""
	}
}

// load returns the ledger, nil when there is none.
func (s *ledgerStore) load(ctx context.Context) (*Ledger, error) {
	if s.loaded != nil {
		return s.loaded, nil
	}
	var cm corev1.ConfigMap
	err := s.client.Get(ctx, types.NamespacedName{Namespace: s.namespace, Name: names.LedgerConfigMap}, &cm)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the ledger ConfigMap %s/%s: %w", s.namespace, names.LedgerConfigMap, err)
	}
	l, err := decodeLedger(cm.Data[ledgerKey])
	if err != nil {
		return nil, err
	}
	s.loaded, s.last, s.version = l, cm.Data[ledgerKey], cm.ResourceVersion
	return l, nil
}

// save writes the ledger when it differs from what the cluster has.
func (s *ledgerStore) save(ctx context.Context, l *Ledger) error {
	raw, err := l.encode()
	if err != nil {
		return err
	}
	if raw == s.last {
		s.loaded = l
		return nil
	}
	cm := corev1ac.ConfigMap(names.LedgerConfigMap, s.namespace).
		WithLabels(map[string]string{names.LabelPlatform: l.Platform}).
		WithData(map[string]string{ledgerKey: raw})
	if err := s.client.Apply(ctx, cm, client.FieldOwner(ledgerManager), client.ForceOwnership); err != nil {
		return fmt.Errorf("writing the ledger ConfigMap %s/%s: %w", s.namespace, names.LedgerConfigMap, err)
	}
	s.last, s.loaded, s.version = raw, l, ""
	if cm.ResourceVersion != nil {
		s.version = *cm.ResourceVersion
	}
	return nil
}

// forget removes the ledger from the cluster.
func (s *ledgerStore) forget(ctx context.Context) error {
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: names.LedgerConfigMap}}
	if err := client.IgnoreNotFound(s.client.Delete(ctx, cm)); err != nil {
		return fmt.Errorf("deleting the ledger ConfigMap %s/%s: %w", s.namespace, names.LedgerConfigMap, err)
	}
	s.last, s.version, s.loaded = "", "", nil
	return nil
}
