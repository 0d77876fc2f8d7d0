package served

import (
	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/prober"
)

// route is the part of a Route of OpenShift that is looked at. Its private key is
// not: it is never decoded.
type route struct {
	Metadata meta `json:"metadata"`
	Spec     struct {
		Host string `json:"host"`
		TLS  *struct {
			Termination         string `json:"termination"`
			Certificate         string `json:"certificate"`
			CACertificate       string `json:"caCertificate"`
			ExternalCertificate struct {
				Name string `json:"name"`
			} `json:"externalCertificate"`
		} `json:"tls"`
	} `json:"spec"`
	Status struct {
		Ingress []struct {
			Host                    string `json:"host"`
			RouterCanonicalHostname string `json:"routerCanonicalHostname"`
		} `json:"ingress"`
	} `json:"status"`
}

// ofRoute are the targets of a Route with TLS: its host at each router that
// admitted it, or at its own name where a router has none.
func ofRoute(r *route, rules Rules) []Target {
	if r.Spec.TLS == nil {
		return nil
	}
	tls := r.Spec.TLS
	base := Target{
		Source:      Source{"Route", r.Metadata.id()},
		Record:      "route." + r.Metadata.Name,
		Entry:       prober.EntryIngress,
		Passthrough: tls.Termination == "passthrough",
		Layer:       v1alpha1.LayerIngress,
	}
	var stored []Name
	if name := tls.ExternalCertificate.Name; name != "" {
		stored, base.Named = []Name{{r.Metadata.Namespace, name}}, true
	}
	if tls.Certificate != "" {
		// A chain of two values is served as one.
		base.Inline, _ = rules.Chains.Chain([]byte(tls.Certificate+"\n"+tls.CACertificate), nil)
		base.Named = true
	}
	var names hosts
	var addresses []string
	for _, at := range r.Status.Ingress {
		name := at.Host
		if name == "" {
			name = r.Spec.Host
		}
		names.add(name, stored...)
		if at.RouterCanonicalHostname != "" {
			name = at.RouterCanonicalHostname
		}
		addresses = appendAddress(addresses, "", name)
	}
	if len(names.list) == 0 {
		names.add(r.Spec.Host, stored...)
	}
	return expand(&base, names.list, addresses, rules.HTTPSPort, prober.HTTPS)
}
