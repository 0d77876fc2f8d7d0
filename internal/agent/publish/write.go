package publish

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// maxAttempts bounds the writes of one page while others change it.
const maxAttempts = 3

// bring makes a page what it should be, and says whether that took a write.
func (p *Publisher) bring(ctx context.Context, l *leaf, c *content) (wrote bool, err error) {
	if len(c.items) == 0 && l.prefix.length > 0 {
		p.retire(l)
		l.dirty = false
		return false, nil
	}
	digest := c.digest()
	if l.version == "" || l.digest != digest || l.owner != p.ownerUID() {
		if err := p.write(ctx, l, c, digest); err != nil {
			return false, err
		}
		wrote = true
	}
	l.dirty = false
	return wrote, nil
}

// write creates or updates a page. The whole object is replaced rather than
// patched: server-side apply would double its size by managed fields.
func (p *Publisher) write(ctx context.Context, l *leaf, c *content, digest string) error {
	page := &v1alpha1.CertificateSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   p.namespace,
			Name:        l.prefix.name(p.page),
			Labels:      map[string]string{names.LabelAgent: p.agent},
			Annotations: map[string]string{names.AnnotationDigest: digest},
		},
		Count:   count(len(c.items)),
		Records: c.records(),
	}
	if p.owner != nil {
		page.OwnerReferences = []metav1.OwnerReference{*p.owner}
	}
	var err error
	for range maxAttempts {
		page.ResourceVersion = l.version
		if l.version == "" {
			err = p.client.Create(ctx, page)
		} else {
			err = p.client.Update(ctx, page)
		}
		switch {
		case err == nil:
			l.version, l.digest, l.owner = page.ResourceVersion, digest, p.ownerUID()
			delete(p.obsolete, page.Name)
			return nil
		case apierrors.IsNotFound(err) && l.version != "":
			l.version, l.digest = "", ""
		case apierrors.IsAlreadyExists(err), apierrors.IsConflict(err):
			version, readErr := p.version(ctx, page.Name)
			if readErr != nil {
				return errors.Join(err, readErr)
			}
			l.version, l.digest = version, ""
		default:
			// Whether it was written is not known.
			l.digest = ""
			return err
		}
	}
	return err
}

// ownerUID of the pages, empty when they have none.
func (p *Publisher) ownerUID() types.UID {
	if p.owner == nil {
		return ""
	}
	return p.owner.UID
}

// version is the resourceVersion of a page, empty when it does not exist.
func (p *Publisher) version(ctx context.Context, name string) (string, error) {
	page := pageMetadata()
	err := p.client.Get(ctx, client.ObjectKey{Namespace: p.namespace, Name: name}, page)
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading its metadata: %w", err)
	}
	return page.ResourceVersion, nil
}

// sweep deletes pages that are no longer needed. One whose records are not yet
// on other pages stays, so that a reader never misses a record.
func (p *Publisher) sweep(ctx context.Context, errs *failures) (deleted int) {
	for _, name := range slices.Sorted(maps.Keys(p.obsolete)) {
		if x, ok := parsePrefix(p.page, name); ok && !p.settled(x) {
			continue
		}
		page := pageMetadata()
		page.Namespace, page.Name = p.namespace, name
		switch err := p.client.Delete(ctx, page); {
		case err == nil:
			deleted++
			delete(p.obsolete, name)
		case apierrors.IsNotFound(err):
			delete(p.obsolete, name)
		case errs.add(name, fmt.Errorf("deleting it: %w", err)):
			return deleted
		}
	}
	return deleted
}

// pageMetadata asks for the metadata of a page alone.
func pageMetadata() *metav1.PartialObjectMetadata {
	page := &metav1.PartialObjectMetadata{}
	page.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("CertificateSlice"))
	return page
}
