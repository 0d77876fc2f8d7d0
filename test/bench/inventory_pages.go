package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/scenarios"
)

const (
	// publishQuiet is how long no page may be written before the list counts as
	// published.
	publishQuiet = 3 * time.Second
	// publishPatience bounds the publishing of the whole list.
	publishPatience = 10 * time.Minute
)

// pages watches the writing of CertificateSlices.
type pages struct {
	watch   watch.Interface
	started time.Time

	mu          sync.Mutex
	first, last time.Time
	names       map[string]bool
}

func (w *inventoryWorld) watchPages(ctx context.Context) (*pages, error) {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("CertificateSliceList"))
	stream, err := w.watcher.Watch(ctx, list, client.InNamespace(scenarios.SystemNamespace))
	if err != nil {
		return nil, fmt.Errorf("watching the CertificateSlices: %w", err)
	}
	p := &pages{watch: stream, started: time.Now(), names: map[string]bool{}}
	go func() {
		for event := range stream.ResultChan() {
			p.note(event, time.Now())
		}
	}()
	return p, nil
}

func (p *pages) note(event watch.Event, now time.Time) {
	o, ok := event.Object.(*metav1.PartialObjectMetadata)
	if !ok {
		return // an error, which ends the watch
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch event.Type {
	case watch.Added, watch.Modified:
		p.names[o.Name] = true
	case watch.Deleted:
		delete(p.names, o.Name)
	default:
		return
	}
	if p.first.IsZero() {
		p.first = now
	}
	p.last = now
}

// seen are the times of the first and the last write, and the number of pages.
func (p *pages) seen() (first, last time.Time, count int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.first, p.last, len(p.names)
}

// settle waits until all is published, and no page was written for publishQuiet.
// It gives up when the writer has ended.
func (w *inventoryWorld) settle(ctx context.Context, p *pages, ended <-chan struct{}) error {
	for {
		quiet := func(_, last time.Time) bool { return time.Since(last) > publishQuiet }
		if err := p.wait(ctx, ended, quiet); err != nil {
			return err
		}
		records, err := w.publishedRecords(ctx)
		if err != nil {
			return err
		}
		if records >= w.loader.loaded {
			return nil
		}
		if time.Since(p.started) > publishPatience {
			return fmt.Errorf("%d of %d certificates are in CertificateSlices", records, w.loader.loaded)
		}
		if err := pause(ctx, publishQuiet); err != nil { // a page may be long in coming
			return err
		}
	}
}

// publishedRecords counts the records of what was loaded.
func (w *inventoryWorld) publishedRecords(ctx context.Context) (int, error) {
	const few = 16 // pages of 256 KiB at a time
	records, from := 0, ""
	for {
		var list v1alpha1.CertificateSliceList
		if err := w.Client.List(ctx, &list, client.InNamespace(scenarios.SystemNamespace), client.Limit(few), client.Continue(from)); err != nil {
			return 0, fmt.Errorf("listing the CertificateSlices: %w", err)
		}
		for i := range list.Items {
			for j := range list.Items[i].Records {
				r := &list.Items[i].Records[j]
				if r.Kind == "Secret" && strings.HasPrefix(r.Namespace, benchPrefix) {
					records++
				}
			}
		}
		if from = list.Continue; from == "" {
			return records, nil
		}
	}
}

// waitFirst waits for the first page.
func (p *pages) waitFirst(ctx context.Context, ended <-chan struct{}) error {
	return p.wait(ctx, ended, func(time.Time, time.Time) bool { return true })
}

// wait waits until a page was written and enough says that it is.
func (p *pages) wait(ctx context.Context, ended <-chan struct{}, enough func(first, last time.Time) bool) error {
	ctx, cancel := context.WithTimeout(ctx, publishPatience)
	defer cancel()
	for {
		if first, last, _ := p.seen(); !first.IsZero() && enough(first, last) {
			return nil
		}
		select {
		case <-ended:
			return errors.New("waiting for the CertificateSlices: the agent has ended")
		default:
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("waiting for the CertificateSlices: %w", err)
		}
	}
}
