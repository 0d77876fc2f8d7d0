package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// refuse says why the pod can't run here at all.
func (w *worker) refuse() *waitingError {
	if what := unsupported(w.base); len(what) > 0 {
		return &waitingError{reason: reasonConfig, message: "not supported by this node: " + strings.Join(what, ", ")}
	}
	return nil
}

// volumes brings the folders of the pod's volumes up to date. All are tried;
// the first error is returned.
func (w *worker) volumes(ctx context.Context, now time.Time) error {
	source := volumeSource{
		pod: w.placed(), objects: w.lookups(),
		token: func(p *corev1.ServiceAccountTokenProjection) (string, error) {
			return w.tokens.get(ctx, w.base, p, now)
		},
	}
	var first error
	if err := os.MkdirAll(w.dir, 0o755); err != nil {
		return fmt.Errorf("creating the folder of the pod: %w", err)
	}
	for _, v := range w.base.Spec.Volumes {
		if err := w.volume(source, v); err != nil && first == nil {
			first = err
		}
	}
	return first
}

func (w *worker) volume(source volumeSource, v corev1.Volume) error {
	content, err := source.payload(v)
	if err != nil {
		return err
	}
	if content == nil {
		if err := os.MkdirAll(w.volumeDir(v.Name), 0o755); err != nil {
			return fmt.Errorf("creating the folder of volume %q: %w", v.Name, err)
		}
		return nil
	}
	if err := publish(w.volumeDir(v.Name), content); err != nil {
		return fmt.Errorf("filling volume %q: %w", v.Name, err)
	}
	return nil
}

func (w *worker) volumeDir(name string) string { return filepath.Join(w.dir, "volumes", name) }

func (w *worker) lookups() lookups {
	return lookups{namespace: w.base.Namespace, get: w.node.sources.get}
}

// placed is the pod with the addresses that it is about to have, for references
// to them.
func (w *worker) placed() *corev1.Pod {
	pod := w.base.DeepCopy()
	pod.Status.PodIP, pod.Status.HostIP = w.ip, loopback
	return pod
}

func (w *worker) site() site {
	writable := map[string]bool{}
	for _, v := range w.base.Spec.Volumes {
		writable[v.Name] = v.EmptyDir != nil
	}
	return site{
		pod: w.placed(), objects: w.lookups(), cluster: w.node.cluster,
		podDir: w.dir, volumeDir: w.volumeDir, writable: writable, free: ports.take,
	}
}
