package prober

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// Place is where TLS ends.
type Place string

// Places.
const (
	// PlaceUnknown says that the evidence does not tell.
	PlaceUnknown Place = "Unknown"
	// IngressController of the cluster.
	IngressController Place = "IngressController"
	// Gateway of the cluster.
	Gateway Place = "Gateway"
	// LoadBalancer of a cloud, with a certificate of the cloud.
	LoadBalancer Place = "LoadBalancer"
	// CDN before the cluster.
	CDN Place = "CDN"
	// Application itself.
	Application Place = "Application"
)

// Entry is what kind of object exposes an endpoint.
type Entry uint8

// Entries.
const (
	// EntryUnknown is none of the others.
	EntryUnknown Entry = iota
	// EntryIngress is an Ingress or an OpenShift Route.
	EntryIngress
	// EntryGateway is a Gateway, of the Gateway API or of Istio.
	EntryGateway
	// EntryService is a Service that is reached without either.
	EntryService
)

// Hints are what else is known of an endpoint.
type Hints struct {
	// Entry is what exposes it.
	Entry Entry
	// Passthrough says that the entry hands TLS on unopened.
	Passthrough bool
	// CloudCertificates are those that annotations of the entry or its Service
	// name.
	CloudCertificates []CloudCertificate
	// Address that was probed.
	Address netip.Addr
	// LoadBalancers are the addresses that the status of the entry or its Service
	// shows. With none, Address may be any.
	LoadBalancers []netip.Addr
	// CanonicalName is the name at the end of the CNAME records of the host,
	// empty when there is none.
	CanonicalName string
	// CDNSuffixes are domains of CDNs, such as KnownCDNSuffixes.
	CDNSuffixes []string
}

// KnownCDNSuffixes lists domains below which CDNs give names to what they serve.
// Some CDNs answer for the customer's own name without any CNAME (Cloudflare's
// usual way): those are not recognised.
func KnownCDNSuffixes() []string {
	return []string{
		"cloudfront.net",                                               // Amazon CloudFront
		"akamai.net", "akamaiedge.net", "akamaized.net", "edgekey.net", // Akamai
		"edgesuite.net",                // Akamai
		"azureedge.net", "azurefd.net", // Azure CDN, Azure Front Door
		"fastly.net", "fastlylb.net", // Fastly
		"cdn.cloudflare.net",                                                     // Cloudflare
		"b-cdn.net", "cdn77.org", "edgecastcdn.net", "incapdns.net", "kxcdn.com", // Bunny, CDN77, Edgecast, Imperva, KeyCDN
	}
}

// TerminatesAt says where TLS ends, by what is served, what is stored and what
// else is known. The strongest evidence comes first: a name at a CDN; that the
// entry hands TLS on; that what is stored is served, by what stores it; that a
// cloud certificate is configured and something else than what is stored is
// served by the load balancer. A certificate that nothing explains leaves the place unknown: it may be
// the default one of an ingress controller, or a proxy before the cluster.
func TerminatesAt(served *certificate.Bundle, stored []*certificate.Bundle, hints *Hints) Place {
	if isBelow(hints.CanonicalName, hints.CDNSuffixes) {
		return CDN
	}
	if hints.Passthrough {
		return Application
	}
	cloud := len(hints.CloudCertificates) > 0 &&
		(len(hints.LoadBalancers) == 0 || slices.Contains(hints.LoadBalancers, hints.Address))
	switch agreement := Compare(served, stored); {
	case agreement == Same, agreement == ChainDiffers:
		return hints.Entry.place()
	case cloud:
		return LoadBalancer
	case agreement == StoredIsNewer:
		return hints.Entry.place()
	default:
		return PlaceUnknown
	}
}

// place is where an entry ends TLS with a stored certificate.
func (e Entry) place() Place {
	switch e {
	case EntryIngress:
		return IngressController
	case EntryGateway:
		return Gateway
	case EntryService:
		return Application
	case EntryUnknown:
	}
	return PlaceUnknown
}

// isBelow says whether a DNS name is below one of the domains.
func isBelow(name string, domains []string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	for _, domain := range domains {
		if strings.HasSuffix(name, "."+domain) {
			return true
		}
	}
	return false
}
