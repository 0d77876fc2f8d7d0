package apply

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

const ledgerManager = names.FieldManagerPrefix + "ledger"

// ledgerStore reads and writes the ledger of one cluster. It remembers what it
// wrote, so that an unchanged ledger costs neither a read nor a write.
type ledgerStore struct {
	client    client.Client
	namespace string
	last      string
	version   string // resource version of the last write or read
	loaded    *ledger.Ledger
}

func ledgerRef(namespace string) desired.Ref {
	return desired.Ref{Kind: "ConfigMap", Namespace: namespace, Name: names.LedgerConfigMap}
}

// verify has the ledger read and written again when somebody changed or deleted
// it. Where no watch tells, one look at its metadata does.
func (s *ledgerStore) verify(ctx context.Context, view View) error {
	if s.version == "" {
		return nil
	}
	ref := ledgerRef(s.namespace)
	got, found, watched := view.Get(ref)
	switch {
	case watched && found && older(s.version, got.ResourceVersion):
		s.last = ""
	case watched && !found && !older(view.Seen(ref.GroupKind()), s.version):
		s.last = ""
	case !watched:
		m := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: ref.Kind}}
		err := s.client.Get(ctx, types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name}, m)
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("looking at the ledger ConfigMap %s/%s: %w", ref.Namespace, ref.Name, err)
		}
		if err != nil || m.ResourceVersion != s.version {
			s.last = ""
		}
	}
	return nil
}

// load returns the ledger, nil when there is none.
func (s *ledgerStore) load(ctx context.Context) (*ledger.Ledger, error) {
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
	l, err := ledger.Decode(cm.Data[ledger.Key])
	if err != nil {
		return nil, err
	}
	s.loaded, s.last, s.version = l, cm.Data[ledger.Key], cm.ResourceVersion
	return l, nil
}

// save writes the ledger when it differs from what the cluster has.
func (s *ledgerStore) save(ctx context.Context, l *ledger.Ledger) error {
	raw, err := l.Encode()
	if err != nil {
		return err
	}
	if raw == s.last {
		s.loaded = l
		return nil
	}
	cm := corev1ac.ConfigMap(names.LedgerConfigMap, s.namespace).
		WithLabels(map[string]string{names.LabelPlatform: l.Platform}).
		WithData(map[string]string{ledger.Key: raw})
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
