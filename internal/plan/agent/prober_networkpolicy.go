package agent

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/internal/plan/build"
)

// neverProbed are networks that the prober refuses to dial, whatever it is
// allowed: those that are no servers', and the metadata services of clouds.
var neverProbed = []string{
	"0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32",
	"::/128", "fe80::/10", "ff00::/8", "fd00:ec2::/32", "fd20:ce::254/128", "fd00:c1::a9fe:0/112", "fd00:42::42/128",
}

// proberNetworkPolicy lets scrapes in, and out whatever may be probed: which
// networks those are is for the prober, and this is a second guard for what it
// must never reach. The API server and DNS are asked too; the latter may be at a
// link-local address, on the node.
func proberNetworkPolicy(namespace string) *unstructured.Unstructured {
	var v4, v6 []string
	for _, network := range neverProbed {
		if strings.Contains(network, ":") {
			v6 = append(v6, network)
		} else {
			v4 = append(v4, network)
		}
	}
	return build.Object(&networkingv1.NetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"},
		ObjectMeta: proberMetadata(namespace),
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: proberLabels()},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
			Ingress: []networkingv1.NetworkPolicyIngressRule{{
				From:  []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{}}},
				Ports: []networkingv1.NetworkPolicyPort{port(corev1.ProtocolTCP, metricsPort)},
			}},
			Egress: []networkingv1.NetworkPolicyEgressRule{
				{Ports: []networkingv1.NetworkPolicyPort{port(corev1.ProtocolUDP, 53), port(corev1.ProtocolTCP, 53)}},
				{To: []networkingv1.NetworkPolicyPeer{
					{IPBlock: &networkingv1.IPBlock{CIDR: "0.0.0.0/0", Except: v4}},
					{IPBlock: &networkingv1.IPBlock{CIDR: "::/0", Except: v6}},
				}},
			},
		},
	})
}
