package reference

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReduceFindsWhatIngressKindsName(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		object string
		want   []string
	}{
		"Gateway of the Gateway API, listeners and both sides of TLS": {`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: edge}
spec:
  listeners:
  - {name: a, tls: {certificateRefs: [{kind: Secret, name: shop-tls, namespace: shop}, {name: local}]}}
  - {name: b, tls: {certificateRefs: [{kind: Vault, group: example.com, name: elsewhere}]}}
  tls:
    backend: {clientCertificateRef: {name: client}}
    frontend:
      default: {validation: {caCertificateRefs: [{group: "", kind: ConfigMap, name: clients-ca}]}}
      perPort: [{port: 8443, tls: {validation: {caCertificateRefs: [{kind: Secret, name: partner-ca, namespace: ca}]}}}]`,
			[]string{
				"Secret ca/partner-ca Ingress grant", "Secret shop/shop-tls Ingress grant", "Secret edge/local Ingress grant",
				"Secret edge/client Ingress grant", "ConfigMap edge/clients-ca Ingress grant",
			}},
		"ListenerSet": {`
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: team, namespace: shop}
spec: {listeners: [{tls: {certificateRefs: [{name: shop-tls}]}}]}`,
			[]string{"Secret shop/shop-tls Ingress grant"}},
		"XListenerSet of the experimental channel": {`
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XListenerSet
metadata: {name: team, namespace: shop}
spec: {listeners: [{tls: {certificateRefs: [{name: shop-tls}]}}]}`,
			[]string{"Secret shop/shop-tls Ingress grant"}},
		"BackendTLSPolicy": {`
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: db, namespace: shop}
spec: {validation: {caCertificateRefs: [{kind: ConfigMap, group: "", name: ca}, {kind: Secret, group: "", name: ca2}]}}`,
			[]string{"Secret shop/ca2 Ingress", "ConfigMap shop/ca Ingress"}},
		"Gateway of Istio with a selector": {`
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: shop, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - tls: {mode: MUTUAL, credentialName: shop-tls}
  - tls: {mode: SIMPLE, credentialNames: [rsa, ec], caCertCredentialName: clients}
  - tls: {mode: SIMPLE, credentialName: "kubernetes-gateway://edge/other"}
  - tls: {mode: SIMPLE, credentialName: "configmap://edge/roots"}
  - tls: {mode: SIMPLE, credentialName: "builtin://"}`,
			[]string{
				"Secret /shop-tls Ingress", "Secret edge/other Ingress", "ConfigMap edge/roots Ingress",
				"Secret /rsa Ingress", "Secret /ec Ingress", "Secret /clients Ingress", "Secret /shop-tls-cacert Ingress",
			}},
		"Gateway of Istio without a selector": {`
apiVersion: networking.istio.io/v1beta1
kind: Gateway
metadata: {name: shop, namespace: shop}
spec: {servers: [{tls: {mode: SIMPLE, credentialName: shop-tls}}]}`,
			[]string{"Secret */shop-tls Ingress guess"}},
		"DestinationRule at every level": {`
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: bank, namespace: shop}
spec:
  trafficPolicy:
    tls: {mode: MUTUAL, credentialName: a}
    portLevelSettings: [{tls: {credentialName: b}}]
  subsets:
  - trafficPolicy: {tls: {credentialName: c}, portLevelSettings: [{tls: {credentialName: d}}]}`,
			[]string{
				"Secret shop/a Application", "Secret shop/b Application", "Secret shop/c Application",
				"Secret shop/d Application", "Secret shop/a-cacert Application", "Secret shop/b-cacert Application",
				"Secret shop/c-cacert Application", "Secret shop/d-cacert Application",
			}},
		"IngressRoute of Traefik": {`
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {name: web, namespace: shop}
spec: {tls: {secretName: shop-tls}}`,
			[]string{"Secret shop/shop-tls Ingress"}},
		"IngressRouteTCP of Traefik": {`
apiVersion: traefik.io/v1alpha1
kind: IngressRouteTCP
metadata: {name: db, namespace: shop}
spec: {tls: {secretName: db-tls}}`,
			[]string{"Secret shop/db-tls Ingress"}},
		"TLSStore of Traefik": {`
apiVersion: traefik.io/v1alpha1
kind: TLSStore
metadata: {name: default, namespace: traefik}
spec: {defaultCertificate: {secretName: wildcard}, certificates: [{secretName: a}, {secretName: b}]}`,
			[]string{"Secret traefik/wildcard Ingress", "Secret traefik/a Ingress", "Secret traefik/b Ingress"}},
		"TLSOption of Traefik": {`
apiVersion: traefik.io/v1alpha1
kind: TLSOption
metadata: {name: mtls, namespace: shop}
spec: {clientAuth: {secretNames: [clients-ca]}}`,
			[]string{"Secret shop/clients-ca Ingress"}},
		"ServersTransport of Traefik": {`
apiVersion: traefik.io/v1alpha1
kind: ServersTransport
metadata: {name: mtls, namespace: shop}
spec: {certificatesSecrets: [client], rootCAs: [{secret: ca}, {configMap: ca-map}], rootCAsSecrets: [old-ca]}`,
			[]string{
				"Secret shop/client Ingress", "Secret shop/ca Ingress", "Secret shop/old-ca Ingress",
				"ConfigMap shop/ca-map Ingress",
			}},
		"ServersTransportTCP of Traefik": {`
apiVersion: traefik.io/v1alpha1
kind: ServersTransportTCP
metadata: {name: mtls, namespace: shop}
spec: {tls: {certificatesSecrets: [client], rootCAs: [{secret: ca}], rootCAsSecrets: [old-ca]}}`,
			[]string{"Secret shop/client Ingress", "Secret shop/ca Ingress", "Secret shop/old-ca Ingress"}},
		"HTTPProxy of Contour": {`
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: web, namespace: shop}
spec:
  virtualhost: {tls: {secretName: certs/wildcard, clientValidation: {caSecret: clients, crlSecret: crl}}}
  routes: [{services: [{validation: {caSecret: backend-ca}}]}]`,
			[]string{
				"Secret certs/wildcard Ingress grant", "Secret shop/clients Ingress grant", "Secret shop/crl Ingress grant",
				"Secret shop/backend-ca Ingress grant",
			}},
		"ContourConfiguration": {`
apiVersion: projectcontour.io/v1alpha1
kind: ContourConfiguration
metadata: {name: contour, namespace: projectcontour}
spec:
  httpproxy: {fallbackCertificate: {name: fallback, namespace: certs}}
  envoy: {clientCertificate: {name: client, namespace: projectcontour}}`,
			[]string{"Secret certs/fallback Ingress", "Secret projectcontour/client Ingress"}},
		"Host of Ambassador": {`
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: web, namespace: shop}
spec: {tlsSecret: {name: host-tls, namespace: certs}, tls: {ca_secret: clients.ca}}`,
			[]string{"Secret certs/host-tls Ingress", "Secret ca/clients Ingress"}},
		"TLSContext of Ambassador with and without namespacing": {`
apiVersion: getambassador.io/v3alpha1
kind: TLSContext
metadata: {name: web, namespace: shop}
spec: {secret: istio.default, ca_secret: roots, secret_namespacing: false}`,
			[]string{"Secret shop/istio.default Ingress", "Secret shop/roots Ingress"}},
		"Route of OpenShift": {`
apiVersion: route.openshift.io/v1
kind: Route
metadata: {name: web, namespace: shop}
spec: {tls: {externalCertificate: {name: web-tls}}}`,
			[]string{"Secret shop/web-tls Ingress"}},
		"APIServer of OpenShift": {`
apiVersion: config.openshift.io/v1
kind: APIServer
metadata: {name: cluster}
spec: {servingCerts: {namedCertificates: [{names: [api.example.com], servingCertificate: {name: api}}]}}`,
			[]string{"Secret openshift-config/api Ingress"}},
		"IngressController of OpenShift": {`
apiVersion: operator.openshift.io/v1
kind: IngressController
metadata: {name: default, namespace: openshift-ingress-operator}
spec: {defaultCertificate: {name: wildcard}}`,
			[]string{"Secret openshift-ingress/wildcard Ingress"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, lines(reduce(t, table(t), c.object).References)); diff != "" {
				t.Errorf("references (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReduceFindsWhatApplicationKindsName(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		object string
		want   []string
	}{
		"Issuer that signs with a CA": {`
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: ca, namespace: shop}
spec: {ca: {secretName: root}}`,
			[]string{"Secret shop/root"}},
		"ClusterIssuer of ACME is in the cluster resource namespace": {`
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: le}
spec: {acme: {privateKeySecretRef: {name: le-account}}}`,
			[]string{"Secret cert-manager/le-account"}},
		"Issuer of ACME with providers of DNS": {`
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: le, namespace: shop}
spec:
  acme:
    privateKeySecretRef: {name: le-account}
    externalAccountBinding: {keyID: x, keySecretRef: {name: eab}}
    solvers:
    - dns01: {cloudflare: {email: a@example.com, apiTokenSecretRef: {name: cf, key: token}}}
    - dns01: {webhook: {groupName: a.example.com, solverName: x, config: {tokenSecretRef: {name: hook}}}}`,
			[]string{"Secret shop/le-account", "Secret shop/eab", "Secret shop/cf", "Secret shop/hook"}},
		"Issuer of Vault": {`
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: vault, namespace: shop}
spec:
  vault:
    caBundleSecretRef: {name: vault-ca, key: ca.crt}
    clientCertSecretRef: {name: client-cert}
    clientKeySecretRef: {name: client-key}
    auth: {appRole: {secretRef: {name: approle}}, clientCertificate: {secretName: login}}`,
			[]string{
				"Secret shop/vault-ca", "Secret shop/client-cert", "Secret shop/client-key", "Secret shop/approle",
				"Secret shop/login",
			}},
		"Issuer of Venafi": {`
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: venafi, namespace: shop}
spec: {venafi: {tpp: {credentialsRef: {name: tpp}, caBundleSecretRef: {name: tpp-ca}}, cloud: {apiTokenSecretRef: {name: token}}}}`,
			[]string{"Secret shop/tpp", "Secret shop/tpp-ca", "Secret shop/token"}},
		"Certificate owns its Secret and uses the password of its keystore": {`
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: db, namespace: shop}
spec: {secretName: db-tls, keystores: {jks: {passwordSecretRef: {name: jks}}, pkcs12: {passwordSecretRef: {name: p12}}}}`,
			[]string{"Secret shop/jks", "Secret shop/p12"}},
		"Bundle of trust-manager by name and by selector": {`
apiVersion: trust.cert-manager.io/v1alpha1
kind: Bundle
metadata: {name: roots}
spec: {sources: [{secret: {name: root, key: ca.crt}}, {secret: {selector: {matchLabels: {trust: "yes"}}}}, {configMap: {name: legacy}}]}`,
			[]string{"Secret cert-manager/root", "Secret cert-manager/* guess", "ConfigMap cert-manager/legacy"}},
		"ClusterBundle of trust-manager": {`
apiVersion: trust-manager.io/v1alpha2
kind: ClusterBundle
metadata: {name: roots}
spec: {sourceRefs: [{kind: Secret, name: root}, {kind: ConfigMap, name: legacy}]}`,
			[]string{"Secret cert-manager/root", "ConfigMap cert-manager/legacy"}},
		"PushSecret of External Secrets": {`
apiVersion: external-secrets.io/v1alpha1
kind: PushSecret
metadata: {name: push, namespace: shop}
spec: {selector: {secret: {name: shop-tls}}}`,
			[]string{"Secret shop/shop-tls"}},
		"Cluster of CloudNativePG": {`
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: db, namespace: shop}
spec:
  certificates: {serverCASecret: a, serverTLSSecret: b, replicationTLSSecret: c, clientCASecret: d}
  externalClusters: [{name: old, sslCert: {name: e, key: tls.crt}, sslKey: {name: f}, sslRootCert: {name: g}}]
  backup: {barmanObjectStore: {endpointCA: {name: h}}}`,
			[]string{
				"Secret shop/a Application", "Secret shop/b Application", "Secret shop/c Application",
				"Secret shop/d Application", "Secret shop/e Application", "Secret shop/f Application",
				"Secret shop/g Application", "Secret shop/h Application",
			}},
		"Pooler of CloudNativePG": {`
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pool, namespace: shop}
spec: {pgbouncer: {clientTLSSecret: {name: pool-tls}}}`,
			[]string{"Secret shop/pool-tls Application"}},
		"postgresql of Zalando": {`
apiVersion: acid.zalan.do/v1
kind: postgresql
metadata: {name: db, namespace: shop}
spec: {tls: {secretName: db-tls, caSecretName: db-ca}}`,
			[]string{"Secret shop/db-tls Application", "Secret shop/db-ca Application"}},
		"PostgresCluster of Crunchy": {`
apiVersion: postgres-operator.crunchydata.com/v1beta1
kind: PostgresCluster
metadata: {name: db, namespace: shop}
spec: {customTLSSecret: {name: db-tls}, customReplicationTLSSecret: {name: repl}}`,
			[]string{"Secret shop/db-tls Application", "Secret shop/repl Application"}},
		"PerconaXtraDBCluster": {`
apiVersion: pxc.percona.com/v1
kind: PerconaXtraDBCluster
metadata: {name: db, namespace: shop}
spec: {sslSecretName: ssl, sslInternalSecretName: ssl-internal}`,
			[]string{"Secret shop/ssl Application", "Secret shop/ssl-internal Application"}},
		"InnoDBCluster of MySQL": {`
apiVersion: mysql.oracle.com/v2
kind: InnoDBCluster
metadata: {name: db, namespace: shop}
spec: {tlsSecretName: db-tls, tlsCASecretName: db-ca, router: {tlsSecretName: router-tls}}`,
			[]string{"Secret shop/db-tls Application", "Secret shop/db-ca Application", "Secret shop/router-tls Application"}},
		"MariaDB": {`
apiVersion: k8s.mariadb.com/v1alpha1
kind: MariaDB
metadata: {name: db, namespace: shop}
spec: {tls: {serverCertSecretRef: {name: a}, serverCASecretRef: {name: b}, clientCertSecretRef: {name: c}, serverCertIssuerRef: {name: no}}}`,
			[]string{"Secret shop/a Application", "Secret shop/b Application", "Secret shop/c Application"}},
		"Kafka of Strimzi, references and conventions": {`
apiVersion: kafka.strimzi.io/v1
kind: Kafka
metadata: {name: events, namespace: shop}
spec:
  kafka:
    listeners: [{name: tls, configuration: {brokerCertChainAndKey: {secretName: broker}}}]
    authorization: {tlsTrustedCertificates: [{secretName: oauth-ca}]}`,
			[]string{
				"Secret shop/broker Application", "Secret shop/oauth-ca Application",
				"Secret shop/events-cluster-ca Application", "Secret shop/events-cluster-ca-cert Application",
				"Secret shop/events-clients-ca Application", "Secret shop/events-clients-ca-cert Application",
				"Secret shop/events-cluster-operator-certs Application",
			}},
		"KafkaConnect of Strimzi": {`
apiVersion: kafka.strimzi.io/v1
kind: KafkaConnect
metadata: {name: connect, namespace: shop}
spec: {tls: {trustedCertificates: [{secretName: ca}]}, authentication: {certificateAndKey: {secretName: user}}}`,
			[]string{"Secret shop/ca Application", "Secret shop/user Application"}},
		"KafkaMirrorMaker2 of Strimzi": {`
apiVersion: kafka.strimzi.io/v1
kind: KafkaMirrorMaker2
metadata: {name: mirror, namespace: shop}
spec: {clusters: [{tls: {trustedCertificates: [{secretName: ca}]}}]}`,
			[]string{"Secret shop/ca Application"}},
		"ServiceMonitor": {`
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: app, namespace: shop}
spec: {endpoints: [{tlsConfig: {ca: {secret: {name: ca}}, cert: {secret: {name: cert}}, keySecret: {name: key}}}, {tlsConfig: {ca: {configMap: {name: roots}}}}]}`,
			[]string{
				"Secret shop/ca Application", "Secret shop/cert Application", "Secret shop/key Application",
				"ConfigMap shop/roots Application",
			}},
		"Prometheus with a web server and mounted Secrets": {`
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: k8s, namespace: monitoring}
spec:
  web: {tlsConfig: {cert: {secret: {name: web}}, client_ca: {secret: {name: clients}}, keySecret: {name: web}}}
  secrets: [etcd-client]`,
			[]string{
				"Secret monitoring/web Application", "Secret monitoring/clients Application",
				"Secret monitoring/web Application", "Secret monitoring/etcd-client Application",
			}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, lines(reduce(t, table(t), c.object).References)); diff != "" {
				t.Errorf("references (-want +got):\n%s", diff)
			}
		})
	}
}
