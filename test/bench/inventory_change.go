package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/scenarios"
)

const (
	// changeCount is how many Secrets are changed, one after the other.
	changeCount = 200
	// changePatience bounds the wait for one.
	changePatience = time.Minute
	// changePoll is the interval of looking at the metrics.
	changePoll = 20 * time.Millisecond
	// changeTail is how long writes are counted after the last change.
	changeTail = 10 * time.Second
)

// change is one renewed certificate. Its times are in seconds since the write of
// the Secret began: until it was in a CertificateSlice, and until it was in the
// metrics as well.
type change struct {
	started     time.Time
	slice, both float64
}

// changes renews certificates, and counts the agent's writes meanwhile.
func (w *inventoryWorld) changes(ctx context.Context, address string) ([]change, []float64, error) {
	slices, err := w.watchRecords(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer slices.Stop()
	mark, err := w.MarkAudit()
	if err != nil {
		return nil, nil, fmt.Errorf("the audit log: %w", err)
	}
	count := min(changeCount, w.loader.loaded)
	list := make([]change, 0, count)
	for k := range count {
		made, err := w.renew(ctx, slices, address, k*w.loader.loaded/count, k+1)
		if err != nil {
			return nil, nil, err
		}
		list = append(list, made)
	}
	if err := pause(ctx, changeTail); err != nil {
		return nil, nil, err
	}
	events, err := w.AuditSince(mark)
	if err != nil {
		return nil, nil, fmt.Errorf("the audit log: %w", err)
	}
	return list, writesPerChange(list, events), nil
}

// writesPerChange counts the writes from the start of each change until that of
// the next one.
func writesPerChange(list []change, events []scenarios.AuditEvent) []float64 {
	writes := make([]float64, len(list))
	for _, e := range events {
		if !e.Write() {
			continue
		}
		for i := len(list) - 1; i >= 0; i-- {
			if !e.Received.Before(list[i].started) {
				writes[i]++
				break
			}
		}
	}
	return writes
}

// watchRecords watches the CertificateSlices from now on.
func (w *inventoryWorld) watchRecords(ctx context.Context) (watch.Interface, error) {
	var now v1alpha1.CertificateSliceList
	if err := w.Client.List(ctx, &now, client.InNamespace(scenarios.SystemNamespace), client.Limit(1)); err != nil {
		return nil, fmt.Errorf("listing a CertificateSlice: %w", err)
	}
	stream, err := w.watcher.Watch(ctx, &v1alpha1.CertificateSliceList{}, &client.ListOptions{
		Namespace: scenarios.SystemNamespace, Raw: &metav1.ListOptions{ResourceVersion: now.ResourceVersion},
	})
	if err != nil {
		return nil, fmt.Errorf("watching the CertificateSlices: %w", err)
	}
	return stream, nil
}

// renew replaces the certificate of a number, and waits until its end is known
// everywhere. The metrics are asked for only once it is in a slice: scrapes of
// everything would take the machine from what is measured.
func (w *inventoryWorld) renew(ctx context.Context, slices watch.Interface, address string, i, version int) (change, error) {
	ctx, cancel := context.WithTimeout(ctx, changePatience)
	defer cancel()
	end := w.loader.end(i).Add(time.Duration(version) * time.Minute)
	secret, err := w.loader.secret(i, version, end)
	if err != nil {
		return change{}, err
	}
	c := change{started: time.Now()}
	if _, err := w.loader.client.CoreV1().Secrets(secret.Namespace).Update(ctx, secret, metav1.UpdateOptions{}); err != nil {
		return c, fmt.Errorf("renewing Secret %s/%s: %w", secret.Namespace, secret.Name, err)
	}
	if err := awaitRecord(ctx, slices, secret.Namespace, secret.Name, end); err != nil {
		return c, fmt.Errorf("waiting for Secret %s/%s in a CertificateSlice: %w", secret.Namespace, secret.Name, err)
	}
	c.slice = time.Since(c.started).Seconds()
	for {
		value, err := exported(ctx, address, secret.Namespace, secret.Name)
		if err != nil {
			return c, err
		}
		if int64(value) == end.Unix() {
			c.both = time.Since(c.started).Seconds()
			return c, nil
		}
		if err := pause(ctx, changePoll); err != nil {
			return c, fmt.Errorf("waiting for Secret %s/%s in the metrics: %w", secret.Namespace, secret.Name, err)
		}
	}
}

// awaitRecord reads slices until one has the certificate with that end.
func awaitRecord(ctx context.Context, slices watch.Interface, namespace, name string, end time.Time) error {
	for {
		select {
		case event, ok := <-slices.ResultChan():
			if !ok || event.Type == watch.Error {
				return errors.New("the watch ended")
			}
			page, ok := event.Object.(*v1alpha1.CertificateSlice)
			if ok && hasRecord(page, namespace, name, end) {
				return nil
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func hasRecord(page *v1alpha1.CertificateSlice, namespace, name string, end time.Time) bool {
	for i := range page.Records {
		r := &page.Records[i]
		if r.Kind == "Secret" && r.Namespace == namespace && r.Name == name && r.NotAfter != nil && r.NotAfter.Time.Equal(end) {
			return true
		}
	}
	return false
}
