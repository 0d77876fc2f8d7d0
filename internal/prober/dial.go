package prober

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// Resolver looks up the addresses of a name; *net.Resolver is one.
type Resolver interface {
	// LookupNetIP returns the addresses of host. network is "ip".
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

const (
	// maxAddresses bounds how many addresses a name may have.
	maxAddresses = 64
	// maxDialled bounds how many of them are tried.
	maxDialled = 4
)

// addresses returns where a target may be dialled, at most maxDialled, at least
// one. A name with an address that is denied is denied as a whole: it is aimed at
// something. Addresses that are only not allowed are left out, such as those of
// an IP family that the policy does not mention.
func (p *Prober) addresses(ctx context.Context, t *target) ([]netip.Addr, *failure) {
	list := []netip.Addr{t.addr}
	if t.name != "" {
		var cause *failure
		if list, cause = p.resolve(ctx, t.name); cause != nil {
			return nil, cause
		}
	}
	var permitted []netip.Addr
	refusal := ""
	for _, addr := range list {
		ok, why := p.policy.Permits(addr)
		switch {
		case ok:
			permitted = append(permitted, addr.Unmap())
		case p.policy.denies(addr):
			return nil, failed(Denied, "%s: %s", addr, why)
		default:
			refusal = addr.String() + ": " + why
		}
	}
	if len(permitted) == 0 {
		return nil, failed(Denied, "%s", refusal)
	}
	return permitted[:min(len(permitted), maxDialled)], nil
}

// resolve looks a name up, once.
func (p *Prober) resolve(ctx context.Context, name string) ([]netip.Addr, *failure) {
	ctx, cancel := context.WithTimeout(ctx, p.timeouts.Resolve)
	defer cancel()
	// The dot keeps search domains out: they would let whoever creates the
	// Service example in the namespace com answer for example.com.
	list, err := p.resolver.LookupNetIP(ctx, "ip", name+".")
	switch {
	case err != nil:
		return nil, failed(ResolveFailed, "%v", err)
	case len(list) == 0:
		return nil, failed(ResolveFailed, "the name has no address")
	case len(list) > maxAddresses:
		return nil, failed(ResolveFailed, "the name has more than %d addresses", maxAddresses)
	}
	return list, nil
}

// connect dials the addresses in turn until one answers. Each has an equal share
// of the time. The failure is that of the last one.
func (p *Prober) connect(ctx context.Context, list []netip.Addr, port uint16) (net.Conn, netip.AddrPort, *failure) {
	share := p.timeouts.Connect / time.Duration(len(list))
	var last netip.AddrPort
	var cause *failure
	for _, addr := range list {
		last = netip.AddrPortFrom(addr, port)
		conn, err := p.dialOne(ctx, last, share)
		if err == nil {
			return conn, last, nil
		}
		if cause = connectFailure(err); cause.reason == Denied || ctx.Err() != nil {
			break
		}
	}
	return nil, last, cause
}

// dialOne dials one address within a time.
func (p *Prober) dialOne(ctx context.Context, addr netip.AddrPort, within time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return p.dial(ctx, addr)
}

// dialTCP dials an address. The policy is asked once more, about the address that
// the kernel is about to connect to.
func (p *Prober) dialTCP(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	dialer := net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: false},
		Control:         p.guard,
	}
	return dialer.DialContext(ctx, "tcp", addr.String())
}

// guard refuses sockets to addresses that the policy does not permit.
func (p *Prober) guard(_, address string, _ syscall.RawConn) error {
	addr, err := netip.ParseAddrPort(address)
	if err != nil {
		return failed(Denied, "the dialled address can't be read")
	}
	if ok, why := p.policy.Permits(addr.Addr()); !ok {
		return failed(Denied, "%s: %s", addr.Addr(), why)
	}
	return nil
}

// connectFailure tells why a connection did not come about.
func connectFailure(err error) *failure {
	if cause, ok := errors.AsType[*failure](err); ok {
		return cause
	}
	switch {
	case isTimeout(err):
		return failed(ConnectTimeout, "no connection in time")
	case errors.Is(err, syscall.ECONNREFUSED):
		return failed(ConnectRefused, "connection refused")
	default:
		return failed(ConnectFailed, "%v", err)
	}
}

// isTimeout says whether an error means that time ran out.
func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}
