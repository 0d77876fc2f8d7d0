package prober

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

func TestTerminatesAt(t *testing.T) {
	t.Parallel()
	leaf, newer, foreign := cert(1, 100, "shop.example.com"), cert(2, 200, "shop.example.com"), cert(3, 100, "a.example.com")
	cloud := []CloudCertificate{{Provider: AWS, ID: "arn:aws:acm:eu-west-1:1:certificate/a"}}
	inside, outside := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.1")
	one := []netip.Addr{inside}
	for name, test := range map[string]struct {
		served, stored *certificate.Bundle
		hints          Hints
		want           Place
	}{
		"an Ingress' Secret":         {bundle(leaf), bundle(leaf), Hints{Entry: EntryIngress}, IngressController},
		"a Gateway's Secret":         {bundle(leaf), bundle(leaf), Hints{Entry: EntryGateway}, Gateway},
		"a workload's Secret":        {bundle(leaf), bundle(leaf), Hints{Entry: EntryService}, Application},
		"a Secret of something else": {bundle(leaf), bundle(leaf), Hints{}, PlaceUnknown},
		"an Ingress' Secret without its chain": {bundle(leaf), bundle(leaf, foreign), Hints{Entry: EntryIngress},
			IngressController},
		"an Ingress that has not reloaded": {bundle(leaf), bundle(newer), Hints{Entry: EntryIngress}, IngressController},
		"an Ingress' default certificate":  {bundle(foreign), bundle(leaf), Hints{Entry: EntryIngress}, PlaceUnknown},
		"nothing is known":                 {nil, nil, Hints{Entry: EntryIngress}, PlaceUnknown},
		"an Ingress that hands TLS on":     {bundle(leaf), nil, Hints{Entry: EntryIngress, Passthrough: true}, Application},
		"a cloud certificate":              {bundle(foreign), nil, Hints{Entry: EntryService, CloudCertificates: cloud}, LoadBalancer},
		"a cloud certificate that was not probed": {nil, nil, Hints{Entry: EntryService, CloudCertificates: cloud},
			LoadBalancer},
		"a cloud certificate that the balancer serves": {bundle(foreign), bundle(leaf),
			Hints{Entry: EntryIngress, CloudCertificates: cloud, Address: inside, LoadBalancers: one}, LoadBalancer},
		"a cloud certificate, and something before the balancer": {bundle(foreign), bundle(leaf),
			Hints{Entry: EntryIngress, CloudCertificates: cloud, Address: outside, LoadBalancers: one}, PlaceUnknown},
		"a cloud certificate that is older than what is stored": {bundle(leaf), bundle(newer),
			Hints{Entry: EntryIngress, CloudCertificates: cloud}, LoadBalancer},
		"a cloud certificate that is not in force": {bundle(leaf), bundle(leaf),
			Hints{Entry: EntryIngress, CloudCertificates: cloud}, IngressController},
		"a name at a CDN": {bundle(foreign), bundle(leaf),
			Hints{Entry: EntryIngress, CanonicalName: "D1.CloudFront.net.", CDNSuffixes: KnownCDNSuffixes()}, CDN},
		"a name at a CDN with the stored certificate": {bundle(leaf), bundle(leaf),
			Hints{Entry: EntryIngress, CanonicalName: "a.cdn.cloudflare.net", CDNSuffixes: KnownCDNSuffixes()}, CDN},
		"a name that is only alike": {bundle(leaf), bundle(leaf),
			Hints{Entry: EntryIngress, CanonicalName: "notcloudfront.net", CDNSuffixes: KnownCDNSuffixes()}, IngressController},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := TerminatesAt(test.served, []*certificate.Bundle{test.stored}, &test.hints)
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestCloudCertificates(t *testing.T) {
	t.Parallel()
	const alb, nlb = "alb.ingress.kubernetes.io/certificate-arn", "service.beta.kubernetes.io/aws-load-balancer-ssl-cert"
	const first, second = "arn:aws:acm:eu-west-1:123456789012:certificate/a", "arn:aws-cn:iam::123456789012:server-certificate/b"
	for name, test := range map[string]struct {
		annotations map[string]string
		want        []CloudCertificate
	}{
		"none":    {nil, nil},
		"others":  {map[string]string{"kubernetes.io/ingress.class": "nginx", nlb + "s": first}, nil},
		"an ARN":  {map[string]string{nlb: first}, []CloudCertificate{{AWS, first, nlb}}},
		"nothing": {map[string]string{nlb: " , ,"}, nil},
		"two ARNs and a space, of two fields": {map[string]string{nlb: second, alb: first + ", " + second + ","},
			[]CloudCertificate{{AWS, first, alb}, {AWS, second, alb}, {AWS, second, nlb}}},
		"certificates of Google": {map[string]string{
			"networking.gke.io/managed-certificates":    "a,b",
			"ingress.gcp.kubernetes.io/pre-shared-cert": "c",
			"networking.gke.io/pre-shared-certs":        "d",
			"networking.gke.io/certmap":                 "e",
		}, []CloudCertificate{
			{GoogleCloud, "c", "ingress.gcp.kubernetes.io/pre-shared-cert"},
			{GoogleCloud, "e", "networking.gke.io/certmap"},
			{GoogleCloud, "a", "networking.gke.io/managed-certificates"},
			{GoogleCloud, "b", "networking.gke.io/managed-certificates"},
			{GoogleCloud, "d", "networking.gke.io/pre-shared-certs"},
		}},
		"a certificate of Azure": {map[string]string{"appgw.ingress.kubernetes.io/appgw-ssl-certificate": "shop"},
			[]CloudCertificate{{Azure, "shop", "appgw.ingress.kubernetes.io/appgw-ssl-certificate"}}},
		"hostile text": {map[string]string{nlb: "a\x1b[2J\u202e%s"}, []CloudCertificate{{AWS, "a?[2J?%s", nlb}}},
		"long text":    {map[string]string{nlb: strings.Repeat("x", 1000)}, []CloudCertificate{{AWS, strings.Repeat("x", maxMessage), nlb}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, CloudCertificates(test.annotations)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	var many []string
	for i := range 150 {
		many = append(many, fmt.Sprint("certificate", i))
	}
	got := CloudCertificates(map[string]string{alb: strings.Join(many, ",")})
	if len(got) != maxCloudCertificates || got[99].ID != "certificate99" {
		t.Errorf("got %d certificates, the last %v", len(got), got[len(got)-1])
	}
}
