package main

import (
	"context"
	"errors"
	"fmt"
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
	watch watch.Interface

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
	p := &pages{watch: stream, names: map[string]bool{}}
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

// settle waits until pages were written and no more are for publishQuiet. It
// gives up when the writer has ended.
func (p *pages) settle(ctx context.Context, ended <-chan struct{}) error {
	return p.wait(ctx, ended, func(_, last time.Time) bool { return time.Since(last) > publishQuiet })
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
