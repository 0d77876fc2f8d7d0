package scenarios

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
)

// Prober is the name of the prober's Deployment.
const Prober = "tls-platform-prober"

// kindEndpoint is the kind of the prober's records.
const kindEndpoint = "Endpoint"

// cloudCertificate is a certificate that a cloud keeps, as an annotation of a
// Service names it.
const cloudCertificate = "arn:aws:acm:eu-central-1:123456789012:certificate/8b5c7e1a-5d2f-4c68-9d0b-3f1b6a0e7d55"

// tlsServer shows one certificate to everybody, on a port of loopback.
func tlsServer(ctx context.Context, pair tls.Certificate) (net.Listener, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // it was closed
			}
			go func() {
				defer func() { _ = conn.Close() }()
				// A client that goes away is no failure of the server.
				_ = tls.Server(conn, config).HandshakeContext(context.WithoutCancel(ctx))
			}()
		}
	}()
	return listener, nil
}

func portOf(l net.Listener) int32 {
	if at, ok := l.Addr().(*net.TCPAddr); ok && at.Port > 0 && at.Port < 1<<16 {
		return int32(at.Port)
	}
	return 0
}

// servers that show: what is stored in a Secret, something else, and what a
// cloud keeps.
func (w *World) servers(ctx context.Context) (listeners []net.Listener, err error) {
	stored := &corev1.Secret{}
	if err := w.Client.Get(ctx, client.ObjectKey{Namespace: "certs", Name: "api-tls"}, stored); err != nil {
		return nil, fmt.Errorf("reading Secret api-tls: %w", err)
	}
	pairs := []*keyPair{{crt: stored.Data["tls.crt"], key: stored.Data["tls.key"]}}
	for _, name := range []string{"api.example.com", "cloud.example.com"} {
		ca, err := newAuthority("CA of " + name)
		if err != nil {
			return nil, err
		}
		p, err := ca.issue(leaf{names: []string{name}, left: 60 * 24 * time.Hour})
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, p)
	}
	for _, p := range pairs {
		pair, err := tls.X509KeyPair(p.crt, p.key)
		if err != nil {
			return listeners, fmt.Errorf("reading a key pair: %w", err)
		}
		l, err := tlsServer(ctx, pair)
		if err != nil {
			return listeners, err
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// servedObjects name the servers' addresses: a Gateway with two listeners, and a
// Service whose load balancer ends TLS with a certificate of its cloud.
func (w *World) servedObjects(ctx context.Context, listeners []net.Listener) error {
	const gateway = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: served, namespace: edge}
spec:
  gatewayClassName: example
  listeners:
  - name: current
    hostname: api.example.com
    port: %d
    protocol: HTTPS
    tls: {certificateRefs: [{kind: Secret, name: api-tls, namespace: certs}]}
  - name: stale
    hostname: api.example.com
    port: %d
    protocol: HTTPS
    tls: {certificateRefs: [{kind: Secret, name: api-tls, namespace: certs}]}
`
	if err := w.Apply(ctx, fmt.Sprintf(gateway, portOf(listeners[0]), portOf(listeners[1]))); err != nil {
		return err
	}
	_, err := w.Kubectl(ctx, "-n", "edge", "patch", "gateway", "served", "--subresource=status", "--type=merge",
		"-p", `{"status":{"addresses":[{"type":"IPAddress","value":"127.0.0.1"}]}}`)
	if err != nil {
		return err
	}
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "edge", Name: "cloud",
			Annotations: map[string]string{"service.beta.kubernetes.io/aws-load-balancer-ssl-cert": cloudCertificate},
		},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeLoadBalancer, AllocateLoadBalancerNodePorts: ptr.To(false),
			Ports: []corev1.ServicePort{{Name: "https", Port: portOf(listeners[2])}},
		},
	}
	if err := w.create(ctx, service); err != nil {
		return err
	}
	service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "127.0.0.1", IPMode: ptr.To(corev1.LoadBalancerIPModeVIP)}}
	if err := w.Client.Status().Update(ctx, service); err != nil {
		return fmt.Errorf("giving Service cloud an address: %w", err)
	}
	return nil
}

func servedIsCompared(ctx context.Context, w *World, t Teller) error {
	listeners, err := w.servers(ctx)
	for _, l := range listeners {
		defer func() { _ = l.Close() }()
	}
	if err != nil {
		return err
	}
	t.Say("three servers: one shows what the Secret certs/api-tls holds, one an older certificate, one is a load balancer of a cloud")
	if err := w.servedObjects(ctx, listeners); err != nil {
		return err
	}
	t.Say("let the prober shake hands in one network: spec.inventory.probing.allowedNetworks: [127.0.0.1/32]")
	err = w.During(ctx, func(s *v1alpha1.TLSPlatformSpec) {
		s.Inventory.Probing = &v1alpha1.Probing{AllowedNetworks: []string{"127.0.0.1/32"}}
	}, func() error {
		if err := w.WaitAvailable(ctx, SystemNamespace, Prober); err != nil {
			return err
		}
		return w.tellServed(ctx, t, listeners)
	})
	if err != nil {
		return err
	}
	if err := w.Wait(ctx, Deployments, SystemNamespace, Prober, harness.Absent); err != nil {
		return err
	}
	_, err = w.Kubectl(ctx, "-n", "edge", "delete", "gateway/served", "service/cloud")
	return err
}

// tellServed checks what the prober says of the servers.
func (w *World) tellServed(ctx context.Context, t Teller, listeners []net.Listener) error {
	err := w.eventually(ctx, func() error {
		all, err := w.records(ctx)
		if err != nil {
			return err
		}
		return errors.Join(
			servedAt(all, portOf(listeners[0]), func(s *v1alpha1.ServedState) bool {
				return s.Agreement == "Same" && s.TerminatesAt == "Gateway" && slices.Equal(s.Stored, []string{"certs/api-tls"})
			}),
			servedAt(all, portOf(listeners[1]), func(s *v1alpha1.ServedState) bool { return s.Agreement == "StoredIsNewer" }),
			servedAt(all, portOf(listeners[2]), func(s *v1alpha1.ServedState) bool {
				return s.TerminatesAt == "LoadBalancer" && len(s.Cloud) == 1 && s.Cloud[0].ID == cloudCertificate
			}),
		)
	})
	if err != nil {
		return err
	}
	out, err := w.kubectlTLS(ctx, "inventory", "--kind", "endpoint", "-o", "wide")
	if err != nil {
		return err
	}
	t.Show("kubectl tls inventory --kind endpoint -o wide", out)
	return contains(out, "api.example.com", "cloud.example.com", "StoredIsNewer")
}

// servedAt checks what was found at a port of loopback.
func servedAt(all []v1alpha1.CertificateRecord, port int32, is func(*v1alpha1.ServedState) bool) error {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port)))
	i := slices.IndexFunc(all, func(r v1alpha1.CertificateRecord) bool {
		return r.Kind == kindEndpoint && r.Served != nil && r.Served.Address == address
	})
	if i < 0 {
		return fmt.Errorf("nothing is known of %s", address)
	}
	return differs(&all[i], all[i].Served.Reason == "Served" && is(all[i].Served))
}
