package prober

import (
	"fmt"
	"net/netip"
)

// Policy says which addresses may be probed. The zero value permits none: not
// even private networks or loopback are allowed unless they are listed.
//
// An IPv4-mapped IPv6 address is judged as the IPv4 address that it is on the
// wire. An address that carries an IPv4 address across a translator or tunnel
// (NAT64, 6to4, Teredo and the like) must be allowed itself, and is denied as
// well when what it carries is denied. A NAT64 prefix of one's own network can't
// be recognised: list it in Denied.
type Policy struct {
	// Allowed networks.
	Allowed []netip.Prefix
	// Denied networks, whatever is allowed. A prefix that is not valid denies
	// everything. Some networks are denied in any case; see AlwaysDenied.
	Denied []netip.Prefix
}

// ParsePolicy reads networks in CIDR notation; an address alone stands for
// itself.
func ParsePolicy(allowed, denied []string) (Policy, error) {
	var policy Policy
	var err error
	if policy.Allowed, err = parsePrefixes(allowed); err != nil {
		return Policy{}, fmt.Errorf("reading allowed networks: %w", err)
	}
	if policy.Denied, err = parsePrefixes(denied); err != nil {
		return Policy{}, fmt.Errorf("reading denied networks: %w", err)
	}
	return policy, nil
}

// parsePrefixes reads a list of networks.
func parsePrefixes(texts []string) ([]netip.Prefix, error) {
	prefixes := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			addr, addrErr := netip.ParseAddr(text)
			if addrErr != nil || addr.Zone() != "" {
				return nil, fmt.Errorf("%q is no network in CIDR notation", cleanText(text))
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		prefixes = append(prefixes, prefix.Masked())
	}
	return prefixes, nil
}

// AlwaysDenied lists what is denied whatever a policy allows: networks that are
// no servers', and services that give credentials or instructions to machines
// that need not prove who they are.
func AlwaysDenied() []netip.Prefix { return append([]netip.Prefix(nil), alwaysDenied[:]...) }

var alwaysDenied = [...]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),           // this host; Linux connects 0.0.0.0 to loopback
	netip.MustParsePrefix("::/128"),              // unspecified
	netip.MustParsePrefix("169.254.0.0/16"),      // link-local, metadata of most clouds
	netip.MustParsePrefix("fe80::/10"),           // link-local
	netip.MustParsePrefix("224.0.0.0/4"),         // multicast
	netip.MustParsePrefix("ff00::/8"),            // multicast
	netip.MustParsePrefix("255.255.255.255/32"),  // broadcast
	netip.MustParsePrefix("100.100.100.200/32"),  // metadata of Alibaba Cloud
	netip.MustParsePrefix("168.63.129.16/32"),    // WireServer of Azure
	netip.MustParsePrefix("192.0.0.192/32"),      // metadata of Oracle Cloud, classic
	netip.MustParsePrefix("fd00:ec2::/32"),       // metadata, DNS, time and pod identity of AWS
	netip.MustParsePrefix("fd20:ce::254/128"),    // metadata of Google Cloud
	netip.MustParsePrefix("fd00:c1::a9fe:0/112"), // metadata of Oracle Cloud
	netip.MustParsePrefix("fd00:42::42/128"),     // metadata of Scaleway
}

// Permits says whether an address may be probed, and if not, why.
func (p *Policy) Permits(addr netip.Addr) (ok bool, why string) {
	if p.denies(addr) {
		return false, "the address is in a network that is denied"
	}
	if !contains(p.Allowed, addr.WithZone("").Unmap()) {
		return false, "the address is in no network that is allowed"
	}
	return true, ""
}

// denies says whether an address is denied whatever is allowed, in any of its
// forms.
func (p *Policy) denies(addr netip.Addr) bool {
	if !addr.IsValid() || addr.Zone() != "" {
		return true // a zone is for link-local addresses alone (RFC 4007)
	}
	for _, prefix := range p.Denied {
		if !prefix.IsValid() {
			return true
		}
	}
	for _, form := range forms(addr) {
		if contains(alwaysDenied[:], form) || contains(p.Denied, form) {
			return true
		}
	}
	return false
}

// contains says whether an address without zone is within one of the prefixes. A
// prefix of IPv4-mapped addresses stands for the IPv4 prefix.
func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, prefix := range prefixes {
		if mapped := prefix.Addr(); mapped.Is4In6() && prefix.Bits() >= 96 {
			prefix = netip.PrefixFrom(mapped.Unmap(), prefix.Bits()-96)
		}
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}
