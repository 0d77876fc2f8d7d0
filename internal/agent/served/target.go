package served

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
	"github.com/tlsplatform/tls-platform-operator/internal/prober"
)

// Name is the name of a namespaced object.
type Name struct{ Namespace, Name string }

// String is namespace/name.
func (n Name) String() string { return n.Namespace + "/" + n.Name }

// Source is the object that names an address.
type Source struct {
	Kind string
	Name
}

// String is Kind namespace/name, or Kind name for what has no namespace.
func (s Source) String() string {
	if s.Namespace == "" {
		return s.Kind + " " + s.Name.Name
	}
	return s.Kind + " " + s.Name.String()
}

// Cloud is a certificate that a cloud keeps, with what an object of the cluster
// says about it.
type Cloud struct {
	prober.CloudCertificate
	// State as the object says, empty when there is none.
	State string
	// NotAfter in Unix seconds, 0 when nobody says.
	NotAfter int64
}

// Target is one address that should serve a certificate, for one name.
type Target struct {
	// Source that names it.
	Source Source
	// Record is the name of its record in the inventory: kind, name and host.
	Record string
	// Endpoint to probe. Its Host is empty when there is nothing to dial; Problem
	// says why. Its Name is empty, so that equal endpoints are equal.
	Endpoint prober.Endpoint
	// Problem says why there is nothing to dial.
	Problem string
	// Stored are the Secrets whose certificate should be served. Named says that
	// the source names what it serves; else any Secret may hold it.
	Stored []Name
	Named  bool
	// Inline is a certificate that the source itself holds, nil for none.
	Inline *certificate.Bundle
	// Entry and Passthrough say how traffic comes in.
	Entry       prober.Entry
	Passthrough bool
	// Cloud certificates that the source names.
	Cloud []Cloud
	// LoadBalancers are the addresses in the status of the source.
	LoadBalancers []netip.Addr
	// Layer of the record.
	Layer v1alpha1.Layer
}

// Place of the record in the inventory.
func (t *Target) Place() inventory.Place {
	return inventory.Place{Kind: inventory.KindEndpoint, Namespace: t.Source.Namespace, Name: t.Record}
}

// Address is host:port, empty when there is nothing to dial.
func (t *Target) Address() string {
	if t.Endpoint.Host == "" {
		return ""
	}
	return net.JoinHostPort(t.Endpoint.Host, strconv.Itoa(int(t.Endpoint.Port)))
}

// Rules say how targets are derived from objects.
type Rules struct {
	// HTTPSPort is where Ingresses and Routes are served, which do not say it.
	HTTPSPort uint16
	// Chains reads certificates that Routes hold.
	Chains prober.ChainReader
}

// DefaultRules returns the rules of every cluster.
func DefaultRules(chains prober.ChainReader) Rules { return Rules{HTTPSPort: 443, Chains: chains} }

// Bounds of what one object may name.
const (
	// maxTargets bounds the targets of one object.
	maxTargets = 128
	// maxAddresses bounds the addresses of one object.
	maxAddresses = 8
)

// noAddress says why there is nothing to dial.
const noAddress = "its status has no address yet"

// host is a name that is served, with what should be.
type host struct {
	name   string
	stored []Name
}

// hosts collects names in the order in which they come.
type hosts struct {
	list []host
	at   map[string]int
}

// add a name; one that comes twice may serve either certificate.
func (h *hosts) add(name string, stored ...Name) {
	name = strings.ToLower(name)
	if at, known := h.at[name]; known {
		h.list[at].stored = append(h.list[at].stored, stored...)
		return
	}
	if h.at == nil {
		h.at = map[string]int{}
	}
	h.at[name] = len(h.list)
	h.list = append(h.list, host{name, stored})
}

// expand makes targets of every name at every address. base is what they share;
// its Record is the start of their names.
func expand(base *Target, names []host, addresses []string, port uint16, protocol prober.Protocol) []Target {
	var list []Target
	base.LoadBalancers = parseAddresses(addresses)
	for _, h := range names {
		t := *base
		t.Stored = h.stored
		server := serverName(h.name)
		if server != "" {
			t.Record += "." + server
		}
		t.Endpoint = prober.Endpoint{Port: port, ServerName: server, Protocol: protocol}
		if len(addresses) == 0 {
			t.Problem = noAddress
			list = append(list, t)
		}
		for _, address := range addresses[:min(maxAddresses, len(addresses))] {
			t.Endpoint.Host = strings.TrimSuffix(address, ".")
			list = append(list, t)
		}
		if len(list) >= maxTargets {
			return list[:maxTargets]
		}
	}
	return list
}

// serverName is the name to ask for. Nobody asks for a wildcard, so one of the
// names that it stands for is taken.
func serverName(name string) string {
	if rest, wildcard := strings.CutPrefix(name, "*."); wildcard {
		return "probe." + rest
	}
	return name
}

// parseAddresses are those that are IP addresses.
func parseAddresses(list []string) []netip.Addr {
	var parsed []netip.Addr
	for _, text := range list {
		if addr, err := netip.ParseAddr(text); err == nil {
			parsed = append(parsed, addr.Unmap())
		}
	}
	return parsed
}

// clouds are the cloud certificates that annotations or options name.
func clouds(from ...map[string]string) []Cloud {
	var list []Cloud
	for _, annotations := range from {
		for _, c := range prober.CloudCertificates(annotations) {
			list = append(list, Cloud{CloudCertificate: c})
		}
	}
	return list
}

// Declared is the target of an endpoint that was declared.
func Declared(e *v1alpha1.ProbedEndpoint) Target {
	t := Target{
		Source:   Source{Kind: "Declared", Name: Name{Name: e.Name}},
		Record:   "declared." + e.Name,
		Entry:    prober.EntryService,
		Layer:    v1alpha1.LayerApplication,
		Endpoint: prober.Endpoint{Host: strings.TrimSuffix(e.Host, "."), Port: uint16(e.Port), ServerName: strings.ToLower(e.ServerName)}, // the API bounds it
	}
	if ref := e.SecretRef; ref != nil {
		t.Source.Namespace = ref.Namespace
		t.Stored, t.Named = []Name{{ref.Namespace, ref.Name}}, true
	}
	if e.Protocol != "" {
		protocol, err := prober.ParseProtocol(string(e.Protocol))
		if err != nil {
			t.Endpoint.Host, t.Problem = "", err.Error()
		}
		t.Endpoint.Protocol = protocol
	}
	return t
}
