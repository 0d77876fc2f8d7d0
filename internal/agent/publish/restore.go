package publish

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

const (
	// restoreLimit bounds the pages that are read at once, which are large.
	restoreLimit = 4
	// verifyLimit bounds the pages whose metadata is read at once: the API
	// server reads them whole.
	verifyLimit = 16
)

// Restore reads the pages that an earlier process wrote, once. It returns since
// when objects are unreferenced, in Unix seconds, and remembers the pages, so
// that an unchanged inventory costs no write. A page whose records do not match
// its digest was edited by hand, and will be written again.
//
// On an error nothing is remembered, and Restore can be called again.
func (p *Publisher) Restore(ctx context.Context) (since map[inventory.Place]int64, err error) {
	var pages []*leaf
	since = map[inventory.Place]int64{}
	obsolete := map[string]struct{}{}
	next := ""
	for {
		var list v1alpha1.CertificateSliceList
		if err := p.client.List(ctx, &list, p.ours(restoreLimit, next)...); err != nil {
			return nil, fmt.Errorf("listing the CertificateSlices in namespace %s: %w", p.namespace, err)
		}
		for i := range list.Items {
			page := &list.Items[i]
			restoreSince(since, page.Records)
			x, ok := parsePrefix(p.page, page.Name)
			if !ok {
				obsolete[page.Name] = struct{}{}
				continue
			}
			size, digest, err := measure(page.Records)
			if err != nil {
				return nil, fmt.Errorf("encoding the records of page %s: %w", page.Name, err)
			}
			if digest != page.Annotations[names.AnnotationDigest] || int(page.Count) != len(page.Records) {
				digest = ""
			}
			l := &leaf{prefix: x, version: page.ResourceVersion, digest: digest, size: size, dirty: true}
			if len(page.OwnerReferences) == 1 {
				l.owner = page.OwnerReferences[0].UID
			}
			pages = append(pages, l)
		}
		if next = list.Continue; next == "" {
			break
		}
	}
	leaves, overlapping := complete(pages)
	for _, l := range overlapping {
		obsolete[l.prefix.name(p.page)] = struct{}{}
	}
	p.leaves, p.obsolete, p.status = leaves, obsolete, ""
	return since, nil
}

// Verify compares the metadata of the pages with what was written, and forgets
// what it knows of the status. Pages that somebody edited or deleted, and such
// that are none of ours although their label says so, are put right by the next
// call of Pages; drifted is their number.
func (p *Publisher) Verify(ctx context.Context) (drifted int, err error) {
	p.status = ""
	listed := map[string]string{} // resourceVersions by name
	next := ""
	for {
		var list metav1.PartialObjectMetadataList
		list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("CertificateSliceList"))
		if err := p.client.List(ctx, &list, p.ours(verifyLimit, next)...); err != nil {
			return 0, fmt.Errorf("listing the metadata of the CertificateSlices in namespace %s: %w", p.namespace, err)
		}
		for i := range list.Items {
			listed[list.Items[i].Name] = list.Items[i].ResourceVersion
		}
		if next = list.Continue; next == "" {
			break
		}
	}
	for _, l := range p.leaves {
		version := listed[l.prefix.name(p.page)]
		delete(listed, l.prefix.name(p.page))
		if version != l.version {
			l.version, l.digest, l.dirty = version, "", true
			drifted++
		}
	}
	for name := range listed {
		if _, known := p.obsolete[name]; !known {
			p.obsolete[name] = struct{}{}
			drifted++
		}
	}
	return drifted, nil
}

// Clear deletes the pages of another writer, which has nobody left to do so.
func (p *Publisher) Clear(ctx context.Context, agent string) (deleted int, err error) {
	for {
		var list metav1.PartialObjectMetadataList
		list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("CertificateSliceList"))
		if err := p.client.List(ctx, &list, client.InNamespace(p.namespace), client.MatchingLabels{names.LabelAgent: agent}, client.Limit(verifyLimit)); err != nil {
			return deleted, fmt.Errorf("listing the CertificateSlices of %s in namespace %s: %w", agent, p.namespace, err)
		}
		if len(list.Items) == 0 {
			return deleted, nil
		}
		for i := range list.Items {
			page := pageMetadata()
			page.Namespace, page.Name = p.namespace, list.Items[i].Name
			if err := p.client.Delete(ctx, page); client.IgnoreNotFound(err) != nil {
				return deleted, fmt.Errorf("deleting CertificateSlice %s/%s: %w", page.Namespace, page.Name, err)
			}
			deleted++
		}
	}
}

// ours chooses the pages of this agent.
func (p *Publisher) ours(limit int64, next string) []client.ListOption {
	return []client.ListOption{
		client.InNamespace(p.namespace), client.MatchingLabels{names.LabelAgent: p.agent}, client.Limit(limit), client.Continue(next),
	}
}

// restoreSince notes since when the objects of the records are unreferenced. An
// object may be on two pages while one is split: the later time is the newer.
func restoreSince(since map[inventory.Place]int64, records []v1alpha1.CertificateRecord) {
	for i := range records {
		r := &records[i]
		kind, ok := kindOf(r.Kind)
		if !ok || r.UnreferencedSince == nil {
			continue
		}
		place := inventory.Place{Kind: kind, Namespace: r.Namespace, Name: r.Name}
		since[place] = max(since[place], r.UnreferencedSince.Unix())
	}
}

func kindOf(name string) (inventory.Kind, bool) {
	for k := inventory.KindSecret; k <= inventory.KindCertificateRequest; k++ {
		if k.String() == name {
			return k, true
		}
	}
	return 0, false
}
