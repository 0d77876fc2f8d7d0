package served

import (
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/prober"
)

// managedAnnotation of GKE names ManagedCertificates of the Ingress's namespace.
const managedAnnotation = "networking.gke.io/managed-certificates"

// passthroughAnnotation of ingress-nginx hands TLS on unopened.
const passthroughAnnotation = "nginx.ingress.kubernetes.io/ssl-passthrough"

// ofIngress are the targets of an Ingress: each of its TLS hosts at each address
// of its status. One without TLS is served with TLS only by a cloud.
func ofIngress(o *networkingv1.Ingress, rules Rules, managed map[Name]managedCertificate) []Target {
	base := Target{
		Source:      Source{"Ingress", Name{o.Namespace, o.Name}},
		Record:      "ingress." + o.Name,
		Entry:       prober.EntryIngress,
		Passthrough: o.Annotations[passthroughAnnotation] == "true",
		Cloud:       clouds(o.Annotations),
		Layer:       v1alpha1.LayerIngress,
	}
	for i := range base.Cloud {
		if c := &base.Cloud[i]; c.Field == managedAnnotation {
			if m, known := managed[Name{o.Namespace, c.ID}]; known {
				c.State, c.NotAfter = m.state, m.notAfter
			}
		}
	}
	var names hosts
	for _, entry := range o.Spec.TLS {
		var stored []Name
		if entry.SecretName != "" {
			stored = []Name{{o.Namespace, entry.SecretName}}
			base.Named = true
		}
		served := entry.Hosts
		if len(served) == 0 {
			served = ruleHosts(o)
		}
		for _, name := range served {
			names.add(name, stored...)
		}
	}
	if len(o.Spec.TLS) == 0 && len(base.Cloud) > 0 {
		for _, name := range ruleHosts(o) {
			names.add(name)
		}
	}
	var addresses []string
	for _, at := range o.Status.LoadBalancer.Ingress {
		addresses = appendAddress(addresses, at.IP, at.Hostname)
	}
	return expand(&base, names.list, addresses, rules.HTTPSPort, prober.HTTPS)
}

// ruleHosts are the hosts of an Ingress's rules; one that has none serves any.
func ruleHosts(o *networkingv1.Ingress) []string {
	var list []string
	for _, rule := range o.Spec.Rules {
		if rule.Host != "" && !slices.Contains(list, rule.Host) {
			list = append(list, rule.Host)
		}
	}
	if len(list) == 0 {
		return []string{""}
	}
	return list
}

// appendAddress adds an IP address, or else a name, once.
func appendAddress(list []string, ip, name string) []string {
	address := ip
	if address == "" {
		address = strings.ToLower(name)
	}
	if address == "" || slices.Contains(list, address) {
		return list
	}
	return append(list, address)
}

// managedCertificate is what a ManagedCertificate of GKE says.
type managedCertificate struct {
	state    string
	notAfter int64
}
