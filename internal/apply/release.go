package apply

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// maxRelease bounds what a stored release may expand to, in bytes.
const maxRelease = 64 << 20

// releaseStore keeps the rendered releases of components, compressed, in one
// Secret for each component: that in force and the last healthy one. It makes
// steady state independent of the registry, and a rollback possible. It is a
// Secret since values may end up in it.
type releaseStore struct {
	client    client.Client // reads by name, under the hub's identity
	namespace string
	cached    map[desired.PartName]map[string][]byte
}

// get returns the objects of a stored release; found is false when it is not
// stored.
func (s *releaseStore) get(ctx context.Context, part desired.PartName, key string) (objects []*unstructured.Unstructured, found bool, err error) {
	data, err := s.data(ctx, part)
	if err != nil {
		return nil, false, err
	}
	raw, ok := data[key]
	if !ok {
		return nil, false, nil
	}
	objects, err = unpack(raw)
	if err != nil {
		return nil, false, fmt.Errorf("reading release %s of %s: %w", key, part, err)
	}
	return objects, true, nil
}

func (s *releaseStore) data(ctx context.Context, part desired.PartName) (map[string][]byte, error) {
	if data, ok := s.cached[part]; ok {
		return data, nil
	}
	var secret corev1.Secret
	name := names.ReleaseSecret(string(part))
	err := s.client.Get(ctx, types.NamespacedName{Namespace: s.namespace, Name: name}, &secret)
	if client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("reading release Secret %s/%s: %w", s.namespace, name, err)
	}
	if apierrors.IsNotFound(err) || secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	s.cached[part] = secret.Data
	return secret.Data, nil
}

// put stores a release under the installer's identity and drops those that are
// not in keep.
func (s *releaseStore) put(ctx context.Context, installer client.Client, part desired.PartName, key string, objects []*unstructured.Unstructured, keep ...string) error {
	old, err := s.data(ctx, part)
	if err != nil {
		return err
	}
	raw, err := pack(objects)
	if err != nil {
		return fmt.Errorf("storing release %s of %s: %w", key, part, err)
	}
	data := map[string][]byte{key: raw}
	for _, k := range keep {
		if v, ok := old[k]; ok && k != key {
			data[k] = v
		}
	}
	secret := corev1ac.Secret(names.ReleaseSecret(string(part)), s.namespace).
		WithType("tlsplatform.io/release").
		WithData(data)
	if err := installer.Apply(ctx, secret, client.FieldOwner(ledgerManager), client.ForceOwnership); err != nil {
		return fmt.Errorf("writing release Secret %s/%s: %w", s.namespace, names.ReleaseSecret(string(part)), err)
	}
	s.cached[part] = data
	return nil
}

// forget removes the stored releases of a part.
func (s *releaseStore) forget(ctx context.Context, installer client.Client, part desired.PartName) error {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: names.ReleaseSecret(string(part))}}
	if err := client.IgnoreNotFound(installer.Delete(ctx, secret)); err != nil {
		return fmt.Errorf("deleting release Secret %s/%s: %w", s.namespace, secret.Name, err)
	}
	delete(s.cached, part)
	return nil
}

func pack(objects []*unstructured.Unstructured) ([]byte, error) {
	var buf bytes.Buffer
	zw, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	if err := json.NewEncoder(zw).Encode(objects); err != nil {
		return nil, fmt.Errorf("encoding objects: %w", err)
	}
	if err := zw.Close(); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	return buf.Bytes(), nil
}

func unpack(raw []byte) ([]*unstructured.Unstructured, error) {
	zr, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("decompressing: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(zr, maxRelease))
	if err != nil {
		return nil, fmt.Errorf("decompressing: %w", err)
	}
	var items []json.RawMessage
	if err := json.Unmarshal(text, &items); err != nil {
		return nil, fmt.Errorf("decoding objects: %w", err)
	}
	objects := make([]*unstructured.Unstructured, 0, len(items))
	for _, item := range items {
		o := &unstructured.Unstructured{}
		if err := o.UnmarshalJSON(item); err != nil {
			return nil, fmt.Errorf("decoding object: %w", err)
		}
		objects = append(objects, o)
	}
	return objects, nil
}
