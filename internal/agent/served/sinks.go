package served

import (
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// sink hands the objects of one kind on. What can't be decoded is told, and what
// was known of it stays.
type sink struct {
	// decode returns what identifies an object, empty to pass over it, and what
	// to do: set when it exists, gone when it does not.
	decode func(raw []byte) (id string, set, gone func(), err error)
	// end of a listing, with the objects that it had.
	end    func(seen map[string]bool)
	broken func(error)
	seen   map[string]bool
}

// Begin implements tail.Sink.
func (s *sink) Begin() { s.seen = map[string]bool{} }

// End implements tail.Sink.
func (s *sink) End() {
	s.end(s.seen)
	s.seen = nil
}

// Object implements tail.Sink.
func (s *sink) Object(raw []byte) {
	id, set, _, err := s.decode(raw)
	switch {
	case err != nil:
		s.broken(err)
	case id != "":
		if s.seen != nil {
			s.seen[id] = true
		}
		set()
	}
}

// Deleted implements tail.Sink.
func (s *sink) Deleted(raw []byte) {
	id, _, gone, err := s.decode(raw)
	switch {
	case err != nil:
		s.broken(err)
	case id != "":
		gone()
	}
}

// sinkOf makes a sink of the objects of a kind that the board keeps.
func (b *board) sinkOf(kind string, broken func(error), read func(raw []byte) (Name, *subject, error)) *sink {
	return &sink{
		broken: broken,
		decode: func(raw []byte) (id string, set, gone func(), err error) {
			name, s, err := read(raw)
			if err != nil {
				return "", nil, nil, fmt.Errorf("decoding a %s: %w", kind, err)
			}
			source := Source{kind, name}
			return source.String(), func() { b.set(source, s) }, func() { b.set(source, nil) }, nil
		},
		end: func(seen map[string]bool) { b.retain(kind, seen) },
	}
}

// fixed is a subject whose targets depend on nothing else; most Services have
// none.
func fixed(targets []Target) *subject {
	return &subject{derive: func(*joins) []Target { return targets }}
}

func (b *board) ingresses(rules Rules, broken func(error)) *sink {
	return b.sinkOf("Ingress", broken, func(raw []byte) (Name, *subject, error) {
		o := &networkingv1.Ingress{}
		if err := o.Unmarshal(raw); err != nil {
			return Name{}, nil, err
		}
		o.ManagedFields = nil
		derive := func(j *joins) []Target { return ofIngress(o, rules, j.managed) }
		return Name{o.Namespace, o.Name}, &subject{derive: derive}, nil
	})
}

func (b *board) services(broken func(error)) *sink {
	return b.sinkOf("Service", broken, func(raw []byte) (Name, *subject, error) {
		o := &corev1.Service{}
		if err := o.Unmarshal(raw); err != nil {
			return Name{}, nil, err
		}
		return Name{o.Namespace, o.Name}, fixed(ofService(o)), nil
	})
}

func (b *board) gateways(broken func(error)) *sink {
	return b.sinkOf("Gateway", broken, func(raw []byte) (Name, *subject, error) {
		g := &gateway{}
		if err := json.Unmarshal(raw, g); err != nil {
			return Name{}, nil, err
		}
		s, facts := fixed(ofGateway(g)), g.facts()
		s.gateway = &facts
		return g.Metadata.id(), s, nil
	})
}

func (b *board) listenerSets(broken func(error)) *sink {
	return b.sinkOf("ListenerSet", broken, func(raw []byte) (Name, *subject, error) {
		s := &listenerSet{}
		if err := json.Unmarshal(raw, s); err != nil {
			return Name{}, nil, err
		}
		derive := func(j *joins) []Target { return ofListenerSet(s, j.gateways) }
		return s.Metadata.id(), &subject{derive: derive}, nil
	})
}

func (b *board) routes(rules Rules, broken func(error)) *sink {
	return b.sinkOf("Route", broken, func(raw []byte) (Name, *subject, error) {
		r := &route{}
		if err := json.Unmarshal(raw, r); err != nil {
			return Name{}, nil, err
		}
		return r.Metadata.id(), fixed(ofRoute(r, rules)), nil
	})
}

// managedCertificates keeps what the ManagedCertificates of GKE say.
func (b *board) managedCertificates(broken func(error)) *sink {
	return b.sinkOf("ManagedCertificate", broken, func(raw []byte) (Name, *subject, error) {
		var o struct {
			Metadata meta `json:"metadata"`
			Status   struct {
				CertificateStatus string `json:"certificateStatus"`
				ExpireTime        string `json:"expireTime"`
			} `json:"status"`
		}
		if err := json.Unmarshal(raw, &o); err != nil {
			return Name{}, nil, err
		}
		m := &managedCertificate{state: o.Status.CertificateStatus}
		// A time in another form is as good as none.
		if at, err := time.Parse(time.RFC3339, o.Status.ExpireTime); err == nil {
			m.notAfter = at.Unix()
		}
		return o.Metadata.id(), &subject{managed: m}, nil
	})
}

// pages keeps what the agent's CertificateSlices say.
func (b *board) pages(broken func(error)) *sink {
	return &sink{
		broken: broken,
		decode: func(raw []byte) (id string, set, gone func(), err error) {
			name, p, ok, err := readPage(raw)
			if err != nil || !ok {
				return "", nil, nil, err
			}
			return name, func() { b.setPage(name, p) }, func() { b.setPage(name, nil) }, nil
		},
		end: b.retainPages,
	}
}
