package integration

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// foreignKind is a kind of another project, as a small definition that accepts
// every field: what is tested is which fields the agent reads, not whether an
// object is valid.
type foreignKind struct {
	group, version, kind string
	scope                apiextensionsv1.ResourceScope
}

const (
	namespaced  = apiextensionsv1.NamespaceScoped
	clusterWide = apiextensionsv1.ClusterScoped
)

// foreignKinds are those that the agent knows where to look in.
var foreignKinds = []foreignKind{
	{"gateway.networking.k8s.io", "v1", "Gateway", namespaced},
	{"gateway.networking.k8s.io", "v1", "ListenerSet", namespaced},
	{"gateway.networking.k8s.io", "v1", "BackendTLSPolicy", namespaced},
	{"gateway.networking.k8s.io", "v1beta1", "ReferenceGrant", namespaced},
	{"gateway.networking.x-k8s.io", "v1alpha1", "XListenerSet", namespaced},
	{"networking.istio.io", "v1", "Gateway", namespaced},
	{"networking.istio.io", "v1", "DestinationRule", namespaced},
	{"traefik.io", "v1alpha1", "IngressRoute", namespaced},
	{"traefik.io", "v1alpha1", "IngressRouteTCP", namespaced},
	{"traefik.io", "v1alpha1", "TLSStore", namespaced},
	{"traefik.io", "v1alpha1", "TLSOption", namespaced},
	{"traefik.io", "v1alpha1", "ServersTransport", namespaced},
	{"traefik.io", "v1alpha1", "ServersTransportTCP", namespaced},
	{"traefik.io", "v1alpha1", "Middleware", namespaced},
	{"projectcontour.io", "v1", "HTTPProxy", namespaced},
	{"projectcontour.io", "v1", "TLSCertificateDelegation", namespaced},
	{"projectcontour.io", "v1alpha1", "ExtensionService", namespaced},
	{"projectcontour.io", "v1alpha1", "ContourConfiguration", namespaced},
	{"projectcontour.io", "v1alpha1", "ContourDeployment", namespaced},
	{"getambassador.io", "v3alpha1", "Host", namespaced},
	{"getambassador.io", "v3alpha1", "TLSContext", namespaced},
	{"route.openshift.io", "v1", "Route", namespaced},
	{"config.openshift.io", "v1", "APIServer", clusterWide},
	{"config.openshift.io", "v1", "Ingress", clusterWide},
	{"config.openshift.io", "v1", "Proxy", clusterWide},
	{"operator.openshift.io", "v1", "IngressController", namespaced},
	{"cert-manager.io", "v1", "Issuer", namespaced},
	{"cert-manager.io", "v1", "ClusterIssuer", clusterWide},
	{"cert-manager.io", "v1", "Certificate", namespaced},
	{"trust.cert-manager.io", "v1alpha1", "Bundle", clusterWide},
	{"trust-manager.io", "v1alpha2", "ClusterBundle", clusterWide},
	{"external-secrets.io", "v1alpha1", "PushSecret", namespaced},
	{"postgresql.cnpg.io", "v1", "Cluster", namespaced},
	{"postgresql.cnpg.io", "v1", "Pooler", namespaced},
	{"acid.zalan.do", "v1", "postgresql", namespaced},
	{"postgres-operator.crunchydata.com", "v1beta1", "PostgresCluster", namespaced},
	{"pxc.percona.com", "v1", "PerconaXtraDBCluster", namespaced},
	{"mysql.oracle.com", "v2", "InnoDBCluster", namespaced},
	{"k8s.mariadb.com", "v1alpha1", "MariaDB", namespaced},
	{"k8s.mariadb.com", "v1alpha1", "MaxScale", namespaced},
	{"kafka.strimzi.io", "v1", "Kafka", namespaced},
	{"kafka.strimzi.io", "v1", "KafkaConnect", namespaced},
	{"kafka.strimzi.io", "v1", "KafkaMirrorMaker", namespaced},
	{"kafka.strimzi.io", "v1", "KafkaMirrorMaker2", namespaced},
	{"kafka.strimzi.io", "v1", "KafkaBridge", namespaced},
	{"monitoring.coreos.com", "v1", "Alertmanager", namespaced},
	{"monitoring.coreos.com", "v1", "PodMonitor", namespaced},
	{"monitoring.coreos.com", "v1", "Probe", namespaced},
	{"monitoring.coreos.com", "v1", "Prometheus", namespaced},
	{"monitoring.coreos.com", "v1", "ServiceMonitor", namespaced},
	{"monitoring.coreos.com", "v1", "ThanosRuler", namespaced},
	{"monitoring.coreos.com", "v1alpha1", "AlertmanagerConfig", namespaced},
	{"monitoring.coreos.com", "v1alpha1", "PrometheusAgent", namespaced},
	{"monitoring.coreos.com", "v1alpha1", "ScrapeConfig", namespaced},
}

func (k foreignKind) groupKind() schema.GroupKind {
	return schema.GroupKind{Group: k.group, Kind: k.kind}
}

// plural is that of English, which all of these projects keep to.
func (k foreignKind) plural() string {
	name := strings.ToLower(k.kind)
	switch {
	case strings.HasSuffix(name, "y") && !strings.HasSuffix(name, "ay"):
		return strings.TrimSuffix(name, "y") + "ies"
	case strings.HasSuffix(name, "s"):
		return name + "es"
	}
	return name + "s"
}

// definition of the kind. Its schema has the fields of spec that are given, all
// of them texts, and takes any others.
func (k foreignKind) definition(fields ...string) *apiextensionsv1.CustomResourceDefinition {
	spec := apiextensionsv1.JSONSchemaProps{
		Type: "object", XPreserveUnknownFields: ptr.To(true), Properties: map[string]apiextensionsv1.JSONSchemaProps{},
	}
	for _, field := range fields {
		spec.Properties[field] = apiextensionsv1.JSONSchemaProps{Type: "string"}
	}
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{
			Name: k.plural() + "." + k.group,
			// The API server asks for it in groups of Kubernetes itself.
			Annotations: map[string]string{"api-approved.kubernetes.io": "unapproved, a stand-in for tests"},
		},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: k.group, Scope: k.scope,
			Names: apiextensionsv1.CustomResourceDefinitionNames{
				Kind: k.kind, ListKind: k.kind + "List", Plural: k.plural(), Singular: strings.ToLower(k.kind),
			},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: k.version, Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
					Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{"spec": spec},
				}},
			}},
		},
	}
}

// install definitions, until the spec ends.
func (b *agentBench) install(_ context.Context, definitions ...*apiextensionsv1.CustomResourceDefinition) {
	GinkgoHelper()
	_, err := envtest.InstallCRDs(config, envtest.CRDInstallOptions{
		CRDs: definitions, MaxTime: 2 * time.Minute, PollInterval: 100 * time.Millisecond,
	})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func(ctx context.Context) {
		for _, d := range definitions {
			Expect(client.IgnoreNotFound(b.client.Delete(ctx, d))).To(Succeed())
		}
		for _, d := range definitions {
			Eventually(ctx, func() error {
				return b.client.Get(ctx, client.ObjectKeyFromObject(d), &apiextensionsv1.CustomResourceDefinition{})
			}).WithTimeout(time.Minute).WithPolling(100 * time.Millisecond).ShouldNot(Succeed())
		}
	})
}
