package prober

import (
	"net/netip"
	"testing"
)

func TestPolicyPermits(t *testing.T) {
	t.Parallel()
	everything, err := ParsePolicy([]string{"0.0.0.0/0", "::/0"}, []string{"10.66.0.0/16", "2001:db8:bad::/48"})
	if err != nil {
		t.Fatal(err)
	}
	private, err := ParsePolicy([]string{"10.0.0.0/8", "192.168.1.7", "::ffff:172.16.0.0/108"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	broken := Policy{Allowed: everything.Allowed, Denied: []netip.Prefix{{}}}
	for name, test := range map[string]struct {
		policy  Policy
		address string
		want    bool
	}{
		"nothing is allowed by default, private networks included": {Policy{}, "10.0.0.1", false},
		"loopback is not allowed by default":                       {Policy{}, "127.0.0.1", false},
		"an allowed network":                                       {private, "10.1.2.3", true},
		"an allowed address":                                       {private, "192.168.1.7", true},
		"the address beside an allowed one":                        {private, "192.168.1.8", false},
		"a mapped form of an allowed address":                      {private, "::ffff:10.1.2.3", true},
		"a network that is written as mapped":                      {private, "172.16.5.5", true},
		"another address when there is a mapped network":           {private, "172.32.0.1", false},
		"NAT64 of an allowed address is another address":           {private, "64:ff9b::10.1.2.3", false},
		"a public address":                                         {everything, "93.184.216.34", true},
		"a public IPv6 address":                                    {everything, "2606:2800:220:1::1", true},
		"loopback when it is allowed":                              {everything, "127.0.0.1", true},
		"IPv6 loopback when it is allowed":                         {everything, "::1", true},
		"a denied network within an allowed one":                   {everything, "10.66.1.1", false},
		"a mapped form of a denied network":                        {everything, "::ffff:10.66.1.1", false},
		"a denied IPv6 network":                                    {everything, "2001:db8:bad::1", false},
		"an invalid prefix denies everything":                      {broken, "93.184.216.34", false},
		"the zero address":                                         {everything, "0.0.0.0", false},
		"this host":                                                {everything, "0.1.2.3", false},
		"the unspecified address":                                  {everything, "::", false},
		"metadata":                                                 {everything, "169.254.169.254", false},
		"metadata, mapped":                                         {everything, "::ffff:169.254.169.254", false},
		"metadata, mapped and in hex":                              {everything, "::ffff:a9fe:a9fe", false},
		"metadata, compatible":                                     {everything, "::169.254.169.254", false},
		"metadata, translated":                                     {everything, "::ffff:0:169.254.169.254", false},
		"metadata by NAT64":                                        {everything, "64:ff9b::169.254.169.254", false},
		"metadata by local NAT64 of 96 bits":                       {everything, "64:ff9b:1::169.254.169.254", false},
		"metadata by local NAT64 of 48 bits":                       {everything, "64:ff9b:1:a9fe:a9:fe00::", false},
		"metadata by local NAT64 of 56 bits":                       {everything, "64:ff9b:1:a9:fe:a9fe::", false},
		"metadata by local NAT64 of 64 bits":                       {everything, "64:ff9b:1:0:a9:fea9:fe00:0", false},
		"metadata by 6to4":                                         {everything, "2002:a9fe:a9fe::1", false},
		"metadata as a Teredo server":                              {everything, "2001:0:a9fe:a9fe::1", false},
		"metadata as a Teredo client":                              {everything, "2001:0:4136:e378:8000:63bf:5601:5601", false},
		"a denied network by 6to4":                                 {everything, "2002:0a42:0101::1", false},
		"a public address by NAT64":                                {everything, "64:ff9b::93.184.216.34", true},
		"a public address by 6to4":                                 {everything, "2002:5db8:d822::1", true},
		"loopback by NAT64 is judged as what it carries":           {everything, "64:ff9b::0.0.0.1", false},
		"metadata of AWS by IPv6":                                  {everything, "fd00:ec2::254", false},
		"pod identity of AWS":                                      {everything, "fd00:ec2::23", false},
		"a private IPv6 address beside it":                         {everything, "fd00:ec3::254", true},
		"metadata of Alibaba Cloud":                                {everything, "100.100.100.200", false},
		"carrier-grade NAT beside it":                              {everything, "100.100.100.201", true},
		"WireServer of Azure":                                      {everything, "168.63.129.16", false},
		"metadata of Google Cloud by IPv6":                         {everything, "fd20:ce::254", false},
		"metadata of Oracle Cloud by IPv6":                         {everything, "fd00:c1::a9fe:a9fe", false},
		"link-local":                                               {everything, "169.254.1.1", false},
		"link-local IPv6":                                          {everything, "fe80::1", false},
		"link-local IPv6 with a zone":                              {everything, "fe80::1%eth0", false},
		"a zone hides nothing":                                     {everything, "2606:2800:220:1::1%1", false},
		"multicast":                                                {everything, "224.0.0.1", false},
		"multicast IPv6":                                           {everything, "ff02::1", false},
		"broadcast":                                                {everything, "255.255.255.255", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, why := test.policy.Permits(netip.MustParseAddr(test.address))
			if got != test.want {
				t.Errorf("Permits(%s) = %t (%s), want %t", test.address, got, why, test.want)
			}
			if got != (why == "") {
				t.Errorf("Permits(%s) = %t with the reason %q", test.address, got, why)
			}
		})
	}
	if ok, _ := everything.Permits(netip.Addr{}); ok {
		t.Error("an address that is none was permitted")
	}
}

func TestParsePolicyRefusesWhatIsNoNetwork(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a word":                 "everything",
		"nothing":                "",
		"too many bits":          "10.0.0.0/33",
		"an address with a zone": "fe80::1%eth0",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := ParsePolicy([]string{text}, nil); err == nil {
				t.Errorf("allowed %q was accepted", text)
			}
			if _, err := ParsePolicy(nil, []string{text}); err == nil {
				t.Errorf("denied %q was accepted", text)
			}
		})
	}
}

func FuzzPolicyJudgesFormsAlike(f *testing.F) {
	f.Add([]byte{169, 254, 169, 254})
	f.Add([]byte{93, 184, 216, 34})
	f.Add([]byte{0, 0, 0, 1})
	policy := Policy{Allowed: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) != 4 {
			t.Skip()
		}
		v4 := [4]byte(data)
		plain, _ := policy.Permits(netip.AddrFrom4(v4))
		mapped := netip.AddrFrom16([16]byte{10: 0xff, 11: 0xff, 12: v4[0], 13: v4[1], 14: v4[2], 15: v4[3]})
		if got, _ := policy.Permits(mapped); got != plain {
			t.Errorf("%s is permitted: %t; %s: %t", netip.AddrFrom4(v4), plain, mapped, got)
		}
		nat64 := netip.AddrFrom16([16]byte{1: 0x64, 2: 0xff, 3: 0x9b, 12: v4[0], 13: v4[1], 14: v4[2], 15: v4[3]})
		sixToFour := netip.AddrFrom16([16]byte{0x20, 0x02, v4[0], v4[1], v4[2], v4[3], 15: 1})
		for _, carrier := range []netip.Addr{nat64, sixToFour} {
			if got, _ := policy.Permits(carrier); got != plain {
				t.Errorf("%s is permitted: %t; %s: %t", netip.AddrFrom4(v4), plain, carrier, got)
			}
		}
	})
}
