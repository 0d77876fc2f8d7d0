package node

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// Ports are taken from below the range that operating systems use for outgoing
// connections, so that none of those can take a port between its choice and
// its use.
const (
	firstPort = 20000
	lastPort  = 29999
)

// ports are those in use by all nodes of this process: they share one loopback
// interface.
var ports = &portSet{taken: map[int]bool{}}

type portSet struct {
	mu    sync.Mutex
	taken map[int]bool
}

// take returns a port that is free now and that take will not return again
// until it is released.
func (p *portSet) take() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	const count = lastPort - firstPort + 1
	start := rand.IntN(count) // other programs may choose from the same range
	for i := range count {
		port := firstPort + (start+i)%count
		if !p.taken[port] && unused(port) {
			p.taken[port] = true
			return port, nil
		}
	}
	return 0, fmt.Errorf("no port from %d to %d is free", firstPort, lastPort)
}

func (p *portSet) release(port int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.taken, port)
}

// unused tries the port on all interfaces: some programs can't be told to
// listen on one only.
func unused(port int) bool {
	for _, ip := range []net.IP{nil, net.ParseIP(loopback)} {
		listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: ip, Port: port})
		if err != nil {
			return false
		}
		_ = listener.Close()
	}
	return true
}
