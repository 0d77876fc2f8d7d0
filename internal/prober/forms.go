package prober

import "net/netip"

// embedding is a way to carry an IPv4 address in an IPv6 address.
type embedding struct {
	prefix netip.Prefix
	// at are the places of the four bytes.
	at [4]int
	// inverted says that the bits are flipped.
	inverted bool
}

var embeddings = [...]embedding{
	// IPv4-compatible, deprecated (RFC 4291, section 2.5.5.1).
	{prefix: netip.MustParsePrefix("::/96"), at: [4]int{12, 13, 14, 15}},
	// IPv4-translated (RFC 2765, section 2.1).
	{prefix: netip.MustParsePrefix("::ffff:0:0:0/96"), at: [4]int{12, 13, 14, 15}},
	// NAT64, the well-known prefix (RFC 6052, section 2.1).
	{prefix: netip.MustParsePrefix("64:ff9b::/96"), at: [4]int{12, 13, 14, 15}},
	// NAT64 for local use (RFC 8215), cut to prefixes of each length that
	// RFC 6052, section 2.2, has: the byte 8 is left out.
	{prefix: netip.MustParsePrefix("64:ff9b:1::/48"), at: [4]int{6, 7, 9, 10}},
	{prefix: netip.MustParsePrefix("64:ff9b:1::/48"), at: [4]int{7, 9, 10, 11}},
	{prefix: netip.MustParsePrefix("64:ff9b:1::/48"), at: [4]int{9, 10, 11, 12}},
	{prefix: netip.MustParsePrefix("64:ff9b:1::/48"), at: [4]int{12, 13, 14, 15}},
	// 6to4 (RFC 3056, section 2).
	{prefix: netip.MustParsePrefix("2002::/16"), at: [4]int{2, 3, 4, 5}},
	// Teredo: the server, and the client (RFC 4380, section 4).
	{prefix: netip.MustParsePrefix("2001::/32"), at: [4]int{4, 5, 6, 7}},
	{prefix: netip.MustParsePrefix("2001::/32"), at: [4]int{12, 13, 14, 15}, inverted: true},
}

// forms lists an address without zone as it is on the wire, and the IPv4
// addresses that it carries.
func forms(addr netip.Addr) []netip.Addr {
	addr = addr.Unmap()
	list := []netip.Addr{addr}
	if !addr.Is6() || addr == netip.IPv6Loopback() {
		return list // ::1 is within ::/96 and carries nothing
	}
	bytes := addr.As16()
	for _, e := range embeddings {
		if !e.prefix.Contains(addr) {
			continue
		}
		var carried [4]byte
		for i, at := range e.at {
			carried[i] = bytes[at]
			if e.inverted {
				carried[i] = ^carried[i]
			}
		}
		list = append(list, netip.AddrFrom4(carried))
	}
	return list
}
