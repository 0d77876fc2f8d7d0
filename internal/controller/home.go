package controller

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Home is the cluster that the hub runs in.
type Home struct {
	// Client reads and writes without a cache.
	Client client.Client
	// Namespace of the operator.
	Namespace string

	mu  sync.Mutex
	uid string
}

// UID of the hub: that of the namespace kube-system of its cluster. It is asked
// for once.
func (h *Home) UID(ctx context.Context) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.uid != "" {
		return h.uid, nil
	}
	var system corev1.Namespace
	if err := h.Client.Get(ctx, types.NamespacedName{Name: metav1.NamespaceSystem}, &system); err != nil {
		return "", fmt.Errorf("reading namespace %s of the hub's own cluster: %w", metav1.NamespaceSystem, err)
	}
	h.uid = string(system.UID)
	return h.uid, nil
}
