package served

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/prober"
)

// portsAnnotation of AWS lists the ports, by number or name, that serve the
// certificate of the cloud; * and none stand for all.
const portsAnnotation = "service.beta.kubernetes.io/aws-load-balancer-ssl-ports"

// protocolOfName and protocolOfPort are those that start with the handshake. None
// is guessed of a protocol that asks for TLS by a command.
var (
	protocolOfName = map[string]prober.Protocol{
		"https": prober.HTTPS, "tls": prober.TLS, "ldaps": prober.TLS, "smtps": prober.TLS, "imaps": prober.TLS, "pop3s": prober.TLS,
	}
	protocolOfPort = map[int32]prober.Protocol{
		443: prober.HTTPS, 8443: prober.HTTPS, 465: prober.TLS, 636: prober.TLS, 993: prober.TLS, 995: prober.TLS,
	}
)

// ofService are the targets of a Service of type LoadBalancer: the ports that its
// annotation names, else those that look like TLS, else those of a cloud's
// certificate.
func ofService(o *corev1.Service) []Target {
	if o.Spec.Type != corev1.ServiceTypeLoadBalancer {
		return nil
	}
	base := Target{
		Source: Source{"Service", Name{o.Namespace, o.Name}},
		Entry:  prober.EntryService,
		Cloud:  clouds(o.Annotations),
	}
	var addresses []string
	for _, at := range o.Status.LoadBalancer.Ingress {
		addresses = appendAddress(addresses, at.IP, at.Hostname)
	}
	declared, problem := parseProbe(o.Annotations[names.AnnotationProbe])
	var list []Target
	for _, p := range o.Spec.Ports {
		protocol, ok := portProtocol(o, &p, declared, len(base.Cloud) > 0)
		if !ok || p.Port < 1 || p.Port > 65535 {
			continue
		}
		t := base
		t.Record = "service." + o.Name + "." + strconv.Itoa(int(p.Port))
		t.Layer = v1alpha1.LayerApplication
		if protocol == prober.HTTPS || len(base.Cloud) > 0 {
			t.Layer = v1alpha1.LayerIngress
		}
		list = append(list, expand(&t, []host{{}}, addresses, uint16(p.Port), protocol)...) // checked above
	}
	if problem != "" {
		t := base
		t.Record, t.Layer, t.Problem = "service."+o.Name, v1alpha1.LayerApplication, problem
		list = append(list, t)
	}
	return list[:min(maxTargets, len(list))]
}

// portProtocol says whether and how a port is probed.
func portProtocol(o *corev1.Service, p *corev1.ServicePort, declared map[int32]prober.Protocol, cloud bool) (prober.Protocol, bool) {
	if p.Protocol != corev1.ProtocolTCP && p.Protocol != "" {
		return 0, false
	}
	if len(declared) > 0 {
		protocol, ok := declared[p.Port]
		return protocol, ok
	}
	name := strings.ToLower(p.Name)
	if p.AppProtocol != nil {
		if protocol, ok := protocolOfName[strings.ToLower(*p.AppProtocol)]; ok {
			return protocol, true
		}
	}
	first, _, _ := strings.Cut(name, "-")
	if protocol, ok := protocolOfName[first]; ok {
		return protocol, true
	}
	if protocol, ok := protocolOfPort[p.Port]; ok {
		return protocol, true
	}
	return prober.TLS, cloud && servesCloud(o.Annotations[portsAnnotation], p)
}

// servesCloud says whether a port serves the certificate of the cloud.
func servesCloud(ports string, p *corev1.ServicePort) bool {
	if ports == "" || ports == "*" {
		return true
	}
	list := strings.Split(ports, ",")
	return slices.ContainsFunc(list, func(s string) bool {
		s = strings.TrimSpace(s)
		return s == strconv.Itoa(int(p.Port)) || s != "" && s == p.Name
	})
}

// parseProbe reads the annotation that says which ports to probe: numbers with a
// protocol after a slash, TLS when it is left out, separated by commas.
func parseProbe(value string) (ports map[int32]prober.Protocol, problem string) {
	if value == "" {
		return nil, ""
	}
	ports = map[int32]prober.Protocol{}
	for part := range strings.SplitSeq(value, ",") {
		number, name, named := strings.Cut(strings.TrimSpace(part), "/")
		port, err := strconv.ParseUint(number, 10, 16)
		if err != nil || port == 0 {
			return ports, "the annotation " + names.AnnotationProbe + " has a port that is no number: give for example 5432/PostgreSQL"
		}
		protocol := prober.TLS
		if named {
			if protocol, err = prober.ParseProtocol(name); err != nil {
				return ports, "the annotation " + names.AnnotationProbe + ": " + err.Error()
			}
		}
		ports[int32(port)] = protocol // it has 16 bits
		if len(ports) >= maxTargets {
			break
		}
	}
	return ports, ""
}
