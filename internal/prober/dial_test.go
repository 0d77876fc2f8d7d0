package prober

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProbeDialsOnlyWhatWasChecked(t *testing.T) {
	t.Parallel()
	unreachable := func(string) error { return syscall.EHOSTUNREACH }
	for name, test := range map[string]struct {
		host     string
		resolver resolverFunc
		answer   func(address string) error
		want     Reason
		dialled  []string
	}{
		"an address that is not allowed": {"93.184.216.34", nil, unreachable, Denied, nil},
		"metadata as an address":         {"169.254.169.254", nil, unreachable, Denied, nil},
		"metadata as a mapped address":   {"::ffff:169.254.169.254", nil, unreachable, Denied, nil},
		"an address with a zone":         {"fe80::1%eth0", nil, unreachable, Denied, nil},
		"a name of an allowed address":   {"a.example.com", fixed("10.0.0.1"), unreachable, ConnectFailed, []string{"10.0.0.1:443"}},
		"a name of a mapped address":     {"a.example.com", fixed("::ffff:10.0.0.1"), unreachable, ConnectFailed, []string{"10.0.0.1:443"}},
		"a name of metadata":             {"a.example.com", fixed("169.254.169.254"), unreachable, Denied, nil},
		"a name of metadata beside an allowed address": {"a.example.com", fixed("10.0.0.1", "169.254.169.254"),
			unreachable, Denied, nil},
		"a name of a denied network beside an allowed address": {"a.example.com", fixed("10.0.0.1", "10.66.0.1"),
			unreachable, Denied, nil},
		"a name whose other address is not allowed": {"a.example.com", fixed("2001:db8::1", "10.0.0.1", "93.184.216.34"),
			unreachable, ConnectFailed, []string{"10.0.0.1:443"}},
		"a name of addresses that are not allowed": {"a.example.com", fixed("2001:db8::1", "93.184.216.34"),
			unreachable, Denied, nil},
		"a name of many addresses": {"a.example.com", fixed("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"),
			unreachable, ConnectFailed, []string{"10.0.0.1:443", "10.0.0.2:443", "10.0.0.3:443", "10.0.0.4:443"}},
		"the dialler refuses": {"a.example.com", fixed("10.0.0.1", "10.0.0.2"),
			func(string) error { return &net.OpError{Op: "dial", Err: failed(Denied, "no")} }, Denied, []string{"10.0.0.1:443"}},
		"the last failure counts": {"a.example.com", fixed("10.0.0.1", "10.0.0.2"), func(address string) error {
			if address == "10.0.0.2:443" {
				return syscall.ECONNREFUSED
			}
			return context.DeadlineExceeded
		}, ConnectRefused, []string{"10.0.0.1:443", "10.0.0.2:443"}},
		"a name without addresses": {"a.example.com", fixed(), unreachable, ResolveFailed, nil},
		"a name with too many":     {"a.example.com", fixed(strings.Fields(strings.Repeat("10.0.0.1 ", 65))...), unreachable, ResolveFailed, nil},
		"a name that does not exist": {"a.example.com", func(context.Context, string) ([]netip.Addr, error) {
			return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
		}, unreachable, ResolveFailed, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var dialled []string
			p := newProber(t, test.resolver)
			p.dial = func(_ context.Context, addr netip.AddrPort) (net.Conn, error) {
				dialled = append(dialled, addr.String())
				return nil, test.answer(addr.String())
			}
			got := p.Probe(t.Context(), Endpoint{Host: test.host, Port: 443})
			if got.Reason != test.want {
				t.Errorf("got %s: %s, want %s", got.Reason, got.Message, test.want)
			}
			if diff := cmp.Diff(test.dialled, dialled); diff != "" {
				t.Errorf("dialled (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProbeResolvesOnce(t *testing.T) {
	t.Parallel()
	var asked, dialled []string
	// The resolver of an attacker: allowed when it is checked, metadata after.
	p := newProber(t, resolverFunc(func(_ context.Context, host string) ([]netip.Addr, error) {
		asked = append(asked, host)
		if len(asked) == 1 {
			return []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil
		}
		return []netip.Addr{netip.MustParseAddr("169.254.169.254")}, nil
	}))
	p.dial = func(_ context.Context, addr netip.AddrPort) (net.Conn, error) {
		dialled = append(dialled, addr.String())
		return nil, errors.New("no")
	}
	p.Probe(t.Context(), Endpoint{Host: "rebind.example.com", Port: 443})
	if diff := cmp.Diff([]string{"rebind.example.com."}, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"10.0.0.1:443"}, dialled); diff != "" {
		t.Errorf("dialled (-want +got):\n%s", diff)
	}
}

func TestMessagesOfErrorsAreClean(t *testing.T) {
	t.Parallel()
	p := newProber(t, resolverFunc(func(context.Context, string) ([]netip.Addr, error) {
		return nil, fmt.Errorf("server said %s", "\x1b[2J%s"+strings.Repeat("x", 1000))
	}))
	got := p.Probe(t.Context(), Endpoint{Host: "a.example.com", Port: 443})
	if got.Message != cleanText(got.Message) || !strings.HasPrefix(got.Message, "server said ?[2J%s") {
		t.Errorf("got %q", got.Message)
	}
}
