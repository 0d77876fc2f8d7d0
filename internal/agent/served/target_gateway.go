package served

import (
	"strings"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/prober"
)

// meta is the part of an object's metadata that is looked at.
type meta struct {
	Namespace   string            `json:"namespace"`
	Name        string            `json:"name"`
	Annotations map[string]string `json:"annotations"`
}

func (m *meta) id() Name { return Name{m.Namespace, m.Name} }

// gateway is the part of a Gateway of the Gateway API that is looked at.
type gateway struct {
	Metadata meta `json:"metadata"`
	Spec     struct {
		Infrastructure struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"infrastructure"`
		Listeners []listener `json:"listeners"`
	} `json:"spec"`
	Status struct {
		Addresses []struct {
			Value string `json:"value"`
		} `json:"addresses"`
	} `json:"status"`
}

// listenerSet is the part of a ListenerSet that is looked at.
type listenerSet struct {
	Metadata meta `json:"metadata"`
	Spec     struct {
		ParentRef struct {
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
		} `json:"parentRef"`
		Listeners []listener `json:"listeners"`
	} `json:"spec"`
}

// listener of a Gateway or a ListenerSet.
type listener struct {
	Name     string `json:"name"`
	Hostname string `json:"hostname"`
	Port     int32  `json:"port"`
	Protocol string `json:"protocol"`
	TLS      struct {
		Mode            string `json:"mode"`
		CertificateRefs []struct {
			Group     string `json:"group"`
			Kind      string `json:"kind"`
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
		} `json:"certificateRefs"`
		Options map[string]string `json:"options"`
	} `json:"tls"`
}

// gatewayFacts are what a ListenerSet has to know of its Gateway.
type gatewayFacts struct {
	addresses   []string
	annotations []map[string]string
}

func (g *gateway) facts() gatewayFacts {
	f := gatewayFacts{annotations: []map[string]string{g.Metadata.Annotations, g.Spec.Infrastructure.Annotations}}
	for _, address := range g.Status.Addresses {
		f.addresses = appendAddress(f.addresses, "", address.Value)
	}
	return f
}

// ofGateway are the targets of a Gateway: each of its TLS listeners at each
// address of its status.
func ofGateway(g *gateway) []Target {
	return ofListeners(Source{"Gateway", g.Metadata.id()}, "gateway.", g.Spec.Listeners, g.facts())
}

// parent is the Gateway of a ListenerSet.
func (s *listenerSet) parent() Name {
	p := Name{s.Spec.ParentRef.Namespace, s.Spec.ParentRef.Name}
	if p.Namespace == "" {
		p.Namespace = s.Metadata.Namespace
	}
	return p
}

// ofListenerSet are the targets of a ListenerSet, which is served where its
// Gateway is.
func ofListenerSet(s *listenerSet, gateways map[Name]gatewayFacts) []Target {
	return ofListeners(Source{"ListenerSet", s.Metadata.id()}, "listenerset.", s.Spec.Listeners, gateways[s.parent()])
}

func ofListeners(source Source, prefix string, listeners []listener, facts gatewayFacts) []Target {
	var list []Target
	for i := range listeners {
		l := &listeners[i]
		if l.Protocol != "HTTPS" && l.Protocol != "TLS" || l.Port < 1 || l.Port > 65535 {
			continue
		}
		protocol := prober.TLS
		if l.Protocol == "HTTPS" {
			protocol = prober.HTTPS
		}
		h := host{name: strings.ToLower(l.Hostname)}
		for _, ref := range l.TLS.CertificateRefs {
			if ref.Group != "" || ref.Kind != "" && ref.Kind != "Secret" {
				continue
			}
			stored := Name{ref.Namespace, ref.Name}
			if stored.Namespace == "" {
				stored.Namespace = source.Namespace
			}
			h.stored = append(h.stored, stored)
		}
		base := Target{
			Source:      source,
			Record:      prefix + source.Name.Name + "." + l.Name,
			Named:       len(h.stored) > 0,
			Entry:       prober.EntryGateway,
			Passthrough: l.TLS.Mode == "Passthrough",
			Cloud:       clouds(append(facts.annotations[:len(facts.annotations):len(facts.annotations)], l.TLS.Options)...),
			Layer:       v1alpha1.LayerIngress,
		}
		list = append(list, expand(&base, []host{h}, facts.addresses, uint16(l.Port), protocol)...) // checked above
	}
	return list[:min(maxTargets, len(list))]
}
