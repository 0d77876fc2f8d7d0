package node

import (
	"fmt"
	"net/netip"
	"sync"
)

// addresses gives out the virtual addresses of pods.
type addresses struct {
	mu     sync.Mutex
	prefix netip.Prefix
	last   netip.Addr
	used   map[netip.Addr]bool
}

func newAddresses(cidr string) (*addresses, error) {
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return nil, fmt.Errorf("reading the pod CIDR %q: %w", cidr, err)
	}
	prefix = prefix.Masked()
	// The first two are a network's own address and, by custom, its gateway.
	return &addresses{prefix: prefix, last: prefix.Addr().Next(), used: map[netip.Addr]bool{}}, nil
}

// take returns an address that no pod has. Addresses are not used again before
// the range has been gone through, so that a late connection to a pod that is
// gone does not reach another.
func (a *addresses) take() (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	wrapped := false
	for next := a.last.Next(); ; next = next.Next() {
		if !a.prefix.Contains(next) {
			if wrapped {
				return "", fmt.Errorf("all %d addresses of %s are in use", len(a.used), a.prefix)
			}
			wrapped = true
			next = a.prefix.Addr().Next()
			continue
		}
		if !a.used[next] {
			a.used[next], a.last = true, next
			return next.String(), nil
		}
	}
}

func (a *addresses) release(address string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if addr, err := netip.ParseAddr(address); err == nil {
		delete(a.used, addr)
	}
}
