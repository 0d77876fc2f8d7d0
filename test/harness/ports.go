package harness

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports are taken from below the range that Linux and macOS use for outgoing
// connections, where a free port could be gone a moment later, and from above
// that of package node.
const (
	firstPort = 30000
	lastPort  = 32700
)

// usedPorts are those that this program has handed out, since two clusters that
// start at once would both find the same port free.
var usedPorts = struct {
	sync.Mutex
	taken map[int]bool
}{taken: map[int]bool{}}

// freePorts returns n loopback ports that nobody listens on. Another program
// can still take one before its use: whoever binds must be ready to ask again.
func freePorts(n int) ([]int, error) {
	usedPorts.Lock()
	defer usedPorts.Unlock()
	var ports []int
	for range lastPort - firstPort {
		if len(ports) == n {
			return ports, nil
		}
		port := firstPort + rand.IntN(lastPort-firstPort)
		if usedPorts.taken[port] || !isFree(port) {
			continue
		}
		usedPorts.taken[port] = true
		ports = append(ports, port)
	}
	return nil, fmt.Errorf("looking for %d free loopback ports between %d and %d: found %d", n, firstPort, lastPort, len(ports))
}

// releasePorts lets ports be handed out again.
func releasePorts(ports []int) {
	usedPorts.Lock()
	defer usedPorts.Unlock()
	for _, port := range ports {
		delete(usedPorts.taken, port)
	}
}

func isFree(port int) bool {
	l, err := net.Listen("tcp", loopback(port)) //nolint:noctx // binding does not wait
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
