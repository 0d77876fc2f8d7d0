package profile

import (
	"bytes"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// Key identifies an object of a cluster.
type Key struct {
	Kind            schema.GroupKind
	Namespace, Name string
}

// Record is what is kept of an object: a *WorkloadRecord, *IssuerRecord,
// *PolicyRecord or *BundleRecord. It is never changed.
type Record interface{ isRecord() }

// metadata is the part of an object's that is looked at.
type metadata struct {
	Namespace string            `json:"namespace"`
	Name      string            `json:"name"`
	Labels    map[string]string `json:"labels"`
}

func (m *metadata) declared() bool { return m.Labels[names.LabelPlatform] != "" }

// KeyOf is the key of an object of a kind in JSON.
func KeyOf(gk schema.GroupKind, raw []byte) (Key, error) {
	var o struct {
		Metadata metadata `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return Key{}, fmt.Errorf("decoding the metadata of a %s: %w", gk, err)
	}
	return Key{gk, o.Metadata.Namespace, o.Metadata.Name}, nil
}

// Reduce makes a record of an object in JSON. The record is nil for one that
// says nothing about certificates. The kind is one that is Reducible.
func Reduce(gk schema.GroupKind, raw []byte) (Key, Record, error) {
	var m metadata
	var record Record
	var err error
	switch gk {
	case ClusterIssuer, Issuer:
		m, record, err = reduceIssuer(raw)
	case Bundle, ClusterBundle:
		m, record, err = reduceBundle(raw)
	default:
		m, record, err = reducePolicy(gk, raw)
	}
	if err != nil {
		return Key{}, nil, fmt.Errorf("decoding a %s: %w", gk, err)
	}
	return Key{gk, m.Namespace, m.Name}, record, nil
}

// specified is an object of which the whole spec is looked at.
type specified struct {
	Metadata metadata       `json:"metadata"`
	Spec     map[string]any `json:"spec"`
}

// decodeSpecified decodes an object, with its numbers as they are written.
func decodeSpecified(raw []byte) (o specified, err error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	err = decoder.Decode(&o)
	return o, err
}

// BundleRecord is what is kept of a Bundle or ClusterBundle of trust-manager.
type BundleRecord struct {
	// Digest of the spec.
	Digest string
	// Declared by the platform.
	Declared bool
}

func (*BundleRecord) isRecord() {}

func reduceBundle(raw []byte) (metadata, Record, error) {
	o, err := decodeSpecified(raw)
	if err != nil {
		return o.Metadata, nil, err
	}
	d, err := digest(o.Spec)
	return o.Metadata, &BundleRecord{Digest: d, Declared: o.Metadata.declared()}, err
}
