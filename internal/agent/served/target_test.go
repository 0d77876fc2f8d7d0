package served

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
	"github.com/tlsplatform/tls-platform-operator/internal/prober"
)

var rules = DefaultRules(certificate.NewParser())

// lines are targets in a form that is good to read.
func lines(targets []Target) []string {
	var list []string
	for i := range targets {
		t := &targets[i]
		line := fmt.Sprintf("%s %s %q %s", t.Record, t.Address(), t.Endpoint.ServerName, t.Endpoint.Protocol)
		for _, s := range t.Stored {
			line += " " + s.String()
		}
		if t.Passthrough {
			line += " passthrough"
		}
		if t.Named {
			line += " named"
		}
		for _, c := range t.Cloud {
			line += " " + string(c.Provider) + ":" + c.ID + c.State
		}
		if t.Problem != "" {
			line += " (" + t.Problem + ")"
		}
		list = append(list, line)
	}
	return list
}

type ingressCase struct {
	annotations map[string]string
	tls         []networkingv1.IngressTLS
	rules       []string
	at          []networkingv1.IngressLoadBalancerIngress
	managed     map[Name]managedCertificate
	want        []string
}

func ingressCases() map[string]ingressCase {
	at := []networkingv1.IngressLoadBalancerIngress{{IP: "203.0.113.7"}}
	return map[string]ingressCase{
		"each host at each address": {
			tls: []networkingv1.IngressTLS{{Hosts: []string{"a.example.com", "B.example.com"}, SecretName: "s"}},
			at:  append(at, networkingv1.IngressLoadBalancerIngress{Hostname: "lb.example.net."}, networkingv1.IngressLoadBalancerIngress{IP: "203.0.113.7"}),
			want: []string{
				`ingress.web.a.example.com 203.0.113.7:443 "a.example.com" HTTPS shop/s named`,
				`ingress.web.a.example.com lb.example.net:443 "a.example.com" HTTPS shop/s named`,
				`ingress.web.b.example.com 203.0.113.7:443 "b.example.com" HTTPS shop/s named`,
				`ingress.web.b.example.com lb.example.net:443 "b.example.com" HTTPS shop/s named`,
			},
		},
		"a wildcard is asked for by one of its names": {
			tls: []networkingv1.IngressTLS{{Hosts: []string{"*.example.com"}, SecretName: "s"}}, at: at,
			want: []string{`ingress.web.probe.example.com 203.0.113.7:443 "probe.example.com" HTTPS shop/s named`},
		},
		"a host with two Secrets may serve either": {
			tls:  []networkingv1.IngressTLS{{Hosts: []string{"a.example.com"}, SecretName: "s"}, {Hosts: []string{"a.example.com"}, SecretName: "t"}},
			at:   at,
			want: []string{`ingress.web.a.example.com 203.0.113.7:443 "a.example.com" HTTPS shop/s shop/t named`},
		},
		"without hosts those of the rules": {
			tls: []networkingv1.IngressTLS{{SecretName: "s"}}, rules: []string{"r.example.com", "r.example.com"}, at: at,
			want: []string{`ingress.web.r.example.com 203.0.113.7:443 "r.example.com" HTTPS shop/s named`},
		},
		"without any host the default one": {
			tls: []networkingv1.IngressTLS{{SecretName: "s"}}, at: at,
			want: []string{`ingress.web 203.0.113.7:443 "" HTTPS shop/s named`},
		},
		"TLS without a Secret may serve any": {
			tls: []networkingv1.IngressTLS{{Hosts: []string{"a.example.com"}}}, at: at,
			want: []string{`ingress.web.a.example.com 203.0.113.7:443 "a.example.com" HTTPS`},
		},
		"without TLS nothing": {rules: []string{"r.example.com"}, at: at},
		"without TLS and with a certificate of the cloud": {
			annotations: map[string]string{"alb.ingress.kubernetes.io/certificate-arn": "arn:1,arn:2"}, rules: []string{"r.example.com"}, at: at,
			want: []string{`ingress.web.r.example.com 203.0.113.7:443 "r.example.com" HTTPS AWS:arn:1 AWS:arn:2`},
		},
		"a ManagedCertificate is looked up": {
			annotations: map[string]string{managedAnnotation: "mc"}, rules: []string{"r.example.com"},
			managed: map[Name]managedCertificate{{"shop", "mc"}: {state: "Active"}, {"other", "mc"}: {state: "Failed"}},
			want:    []string{`ingress.web.r.example.com  "r.example.com" HTTPS GoogleCloud:mcActive (its status has no address yet)`},
		},
		"passthrough": {
			annotations: map[string]string{passthroughAnnotation: "true"}, at: at,
			tls:  []networkingv1.IngressTLS{{Hosts: []string{"a.example.com"}, SecretName: "s"}},
			want: []string{`ingress.web.a.example.com 203.0.113.7:443 "a.example.com" HTTPS shop/s passthrough named`},
		},
	}
}

func TestTargetsOfIngresses(t *testing.T) {
	t.Parallel()
	for name, c := range ingressCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Annotations: c.annotations}}
			o.Spec.TLS = c.tls
			for _, host := range c.rules {
				o.Spec.Rules = append(o.Spec.Rules, networkingv1.IngressRule{Host: host})
			}
			o.Status.LoadBalancer.Ingress = c.at
			if diff := cmp.Diff(c.want, lines(ofIngress(o, rules, c.managed))); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOneObjectNamesABoundedNumberOfTargets(t *testing.T) {
	t.Parallel()
	o := &networkingv1.Ingress{}
	entry := networkingv1.IngressTLS{SecretName: "s"}
	for i := range 1000 {
		entry.Hosts = append(entry.Hosts, fmt.Sprintf("h%d.example.com", i))
		o.Status.LoadBalancer.Ingress = append(o.Status.LoadBalancer.Ingress, networkingv1.IngressLoadBalancerIngress{IP: fmt.Sprintf("10.0.%d.%d", i/256, i%256)})
	}
	o.Spec.TLS = []networkingv1.IngressTLS{entry}
	list := ofIngress(o, rules, nil)
	if len(list) != maxTargets {
		t.Errorf("%d targets", len(list))
	}
	seen := map[string]bool{}
	for i := range list {
		seen[list[i].Endpoint.Host] = true
	}
	if len(seen) != maxAddresses {
		t.Errorf("%d addresses", len(seen))
	}
}

func TestTargetsOfServices(t *testing.T) {
	t.Parallel()
	ports := []corev1.ServicePort{
		{Name: "http", Port: 80}, {Name: "web", Port: 443}, {Name: "https-admin", Port: 9443}, {Name: "ldaps", Port: 1636},
		{Name: "db", Port: 5432}, {Name: "quic", Port: 8443, Protocol: corev1.ProtocolUDP},
	}
	acm := "service.beta.kubernetes.io/aws-load-balancer-ssl-cert"
	cases := map[string]struct {
		kind        corev1.ServiceType
		annotations map[string]string
		want        []string
	}{
		"ports that look like TLS": {corev1.ServiceTypeLoadBalancer, nil, []string{
			`service.lb.443 192.0.2.9:443 "" HTTPS`, `service.lb.9443 192.0.2.9:9443 "" HTTPS`, `service.lb.1636 192.0.2.9:1636 "" TLS`,
		}},
		"other types are not reached from outside": {corev1.ServiceTypeClusterIP, map[string]string{"tlsplatform.io/probe": "443"}, nil},
		"the annotation says which ports": {corev1.ServiceTypeLoadBalancer, map[string]string{"tlsplatform.io/probe": "5432/PostgreSQL, 80"}, []string{
			`service.lb.80 192.0.2.9:80 "" TLS`, `service.lb.5432 192.0.2.9:5432 "" PostgreSQL`,
		}},
		"an annotation that can't be read says so": {corev1.ServiceTypeLoadBalancer, map[string]string{"tlsplatform.io/probe": "443/SSH"}, []string{
			`service.lb.443 192.0.2.9:443 "" HTTPS`, `service.lb.9443 192.0.2.9:9443 "" HTTPS`, `service.lb.1636 192.0.2.9:1636 "" TLS`,
			`service.lb  "" TLS (the annotation tlsplatform.io/probe: protocol "SSH" is none of TLS, HTTPS, PostgreSQL, MySQL, SMTP, LDAP, IMAP, POP3)`,
		}},
		"a port that is none says so": {corev1.ServiceTypeLoadBalancer, map[string]string{"tlsplatform.io/probe": "70000"}, []string{
			`service.lb.443 192.0.2.9:443 "" HTTPS`, `service.lb.9443 192.0.2.9:9443 "" HTTPS`, `service.lb.1636 192.0.2.9:1636 "" TLS`,
			`service.lb  "" TLS (the annotation tlsplatform.io/probe has a port that is no number: give for example 5432/PostgreSQL)`,
		}},
		"a certificate of the cloud is on the ports that it names": {
			corev1.ServiceTypeLoadBalancer, map[string]string{acm: "arn:1", portsAnnotation: "db"}, []string{
				`service.lb.443 192.0.2.9:443 "" HTTPS AWS:arn:1`, `service.lb.9443 192.0.2.9:9443 "" HTTPS AWS:arn:1`,
				`service.lb.1636 192.0.2.9:1636 "" TLS AWS:arn:1`, `service.lb.5432 192.0.2.9:5432 "" TLS AWS:arn:1`,
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "lb", Annotations: c.annotations}}
			o.Spec.Type, o.Spec.Ports = c.kind, ports
			o.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.9"}}
			if diff := cmp.Diff(c.want, lines(ofService(o))); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTargetsOfGateways(t *testing.T) {
	t.Parallel()
	const object = `{
		"metadata": {"namespace": "infra", "name": "gw", "annotations": {"networking.gke.io/certmap": "map"}},
		"spec": {"listeners": [
			{"name": "http", "port": 80, "protocol": "HTTP"},
			{"name": "web", "port": 443, "protocol": "HTTPS", "hostname": "*.example.com",
			 "tls": {"certificateRefs": [{"name": "own"}, {"name": "far", "namespace": "certs"}, {"group": "x.io", "kind": "Y", "name": "no"}],
			         "options": {"networking.gke.io/pre-shared-certs": "psc"}}},
			{"name": "pass", "port": 8443, "protocol": "TLS", "tls": {"mode": "Passthrough"}},
			{"name": "bad", "port": 70000, "protocol": "TLS"}
		]},
		"status": {"addresses": [{"type": "IPAddress", "value": "2001:db8::1"}, {"type": "Hostname", "value": "gw.example.net"}]}
	}`
	g := &gateway{}
	if err := json.Unmarshal([]byte(object), g); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`gateway.gw.web.probe.example.com [2001:db8::1]:443 "probe.example.com" HTTPS infra/own certs/far named GoogleCloud:map GoogleCloud:psc`,
		`gateway.gw.web.probe.example.com gw.example.net:443 "probe.example.com" HTTPS infra/own certs/far named GoogleCloud:map GoogleCloud:psc`,
		`gateway.gw.pass [2001:db8::1]:8443 "" TLS passthrough GoogleCloud:map`,
		`gateway.gw.pass gw.example.net:8443 "" TLS passthrough GoogleCloud:map`,
	}
	if diff := cmp.Diff(want, lines(ofGateway(g))); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}

	set := &listenerSet{}
	if err := json.Unmarshal([]byte(`{
		"metadata": {"namespace": "shop", "name": "ls"},
		"spec": {"parentRef": {"name": "gw", "namespace": "infra"}, "listeners": [
			{"name": "web", "port": 443, "protocol": "HTTPS", "hostname": "shop.example.com", "tls": {"certificateRefs": [{"name": "own"}]}}
		]}
	}`), set); err != nil {
		t.Fatal(err)
	}
	facts := map[Name]gatewayFacts{{"infra", "gw"}: g.facts(), {"shop", "gw"}: {addresses: []string{"192.0.2.1"}}}
	want = []string{
		`listenerset.ls.web.shop.example.com [2001:db8::1]:443 "shop.example.com" HTTPS shop/own named GoogleCloud:map`,
		`listenerset.ls.web.shop.example.com gw.example.net:443 "shop.example.com" HTTPS shop/own named GoogleCloud:map`,
	}
	if diff := cmp.Diff(want, lines(ofListenerSet(set, facts))); diff != "" {
		t.Errorf("targets of the set (-want +got):\n%s", diff)
	}
	delete(facts, Name{"infra", "gw"})
	want = []string{`listenerset.ls.web.shop.example.com  "shop.example.com" HTTPS shop/own named (its status has no address yet)`}
	if diff := cmp.Diff(want, lines(ofListenerSet(set, facts))); diff != "" {
		t.Errorf("targets of the set without a Gateway (-want +got):\n%s", diff)
	}
}

func TestTargetsOfRoutes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		object string
		want   []string
		inline int
	}{
		"without TLS nothing": {object: `{"spec": {"host": "a.example.com"}}`},
		"edge with a Secret, by the router's name": {
			object: `{"metadata": {"namespace": "shop", "name": "r"},
				"spec": {"host": "a.example.com", "tls": {"termination": "edge", "externalCertificate": {"name": "s"}}},
				"status": {"ingress": [{"host": "a.example.com", "routerCanonicalHostname": "router.apps.example.net"}]}}`,
			want: []string{`route.r.a.example.com router.apps.example.net:443 "a.example.com" HTTPS shop/s named`},
		},
		"passthrough, by its own name": {
			object: `{"metadata": {"namespace": "shop", "name": "r"}, "spec": {"host": "a.example.com", "tls": {"termination": "passthrough"}},
				"status": {"ingress": [{"host": "a.example.com"}]}}`,
			want: []string{`route.r.a.example.com a.example.com:443 "a.example.com" HTTPS passthrough`},
		},
		"with a certificate of its own": {
			object: `{"metadata": {"namespace": "shop", "name": "r"},
				"spec": {"host": "a.example.com", "tls": {"termination": "reencrypt", "key": "PRIVATE", "certificate": ` + quoted(chainPEM) + `}}}`,
			want: []string{`route.r.a.example.com  "a.example.com" HTTPS named (its status has no address yet)`}, inline: 1,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &route{}
			if err := json.Unmarshal([]byte(c.object), r); err != nil {
				t.Fatal(err)
			}
			list := ofRoute(r, rules)
			if diff := cmp.Diff(c.want, lines(list)); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
			if c.inline > 0 && (list[0].Inline == nil || len(list[0].Inline.Certificates) != c.inline) {
				t.Errorf("the certificate of the Route is %+v", list[0].Inline)
			}
			if strings.Contains(fmt.Sprintf("%+v", r), "PRIVATE") {
				t.Error("the key of the Route was decoded")
			}
		})
	}
}

func TestDeclaredTargets(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		endpoint v1alpha1.ProbedEndpoint
		want     string
	}{
		"with a Secret": {
			v1alpha1.ProbedEndpoint{
				Name: "db", Host: "db.shop.svc.cluster.local.", Port: 5432, Protocol: v1alpha1.ProbePostgreSQL,
				SecretRef: &v1alpha1.NamespacedSecretReference{Namespace: "shop", Name: "db-tls"},
			}, `Declared shop/db declared.db db.shop.svc.cluster.local:5432 "" PostgreSQL shop/db-tls named`,
		},
		"without one": {
			v1alpha1.ProbedEndpoint{Name: "x", Host: "192.0.2.1", Port: 443, ServerName: "X.example.com"},
			`Declared x declared.x 192.0.2.1:443 "x.example.com" TLS`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := Declared(&c.endpoint)
			if got := target.Source.String() + " " + lines([]Target{target})[0]; got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if target.Entry != prober.EntryService {
				t.Error("what is served there is not taken for the application's own")
			}
		})
	}
}

func quoted(text string) string {
	raw, _ := json.Marshal(text)
	return string(raw)
}
