package reference

import (
	"slices"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// certManagerRows are what issuers sign and log in with. The secretName of a
// Certificate is no row: the Certificate owns that Secret and does not use it.
func certManagerRows() []Row {
	const group = "cert-manager.io"
	issuers := []string{
		".spec.ca.secretName",
		".spec.acme.privateKeySecretRef.name",
		".spec.acme.externalAccountBinding.keySecretRef.name",
		".spec.vault.caBundleSecretRef.name",
		".spec.vault.clientCertSecretRef.name",
		".spec.vault.clientKeySecretRef.name",
		".spec.vault.auth.tokenSecretRef.name",
		".spec.vault.auth.appRole.secretRef.name",
		".spec.vault.auth.clientCertificate.secretName",
		".spec.vault.auth.kubernetes.secretRef.name",
		".spec.venafi[**].credentialsRef.name",
		".spec.venafi[**].caBundleSecretRef.name",
		".spec.venafi[**].apiTokenSecretRef.name",
	}
	// Each provider of DNS names its credentials in fields of its own.
	for _, solver := range [...]string{".dns01[*][*].name", ".dns01.webhook.config[*].name"} {
		issuers = append(issuers, ".spec.acme.solvers[*]"+solver)
	}
	return slices.Concat(
		each(Row{Group: group}, kinds("Issuer"), issuers...),
		each(Row{Group: group, Namespace: InClusterResource}, kinds("ClusterIssuer"), issuers...),
		each(Row{Group: group}, kinds("Certificate"),
			".spec.keystores.jks.passwordSecretRef.name", ".spec.keystores.pkcs12.passwordSecretRef.name"),
	)
}

// trustManagerRows are the sources of bundles: trust.cert-manager.io Bundle, and
// trust-manager.io ClusterBundle that follows it.
func trustManagerRows() []Row {
	bundle := Row{Group: "trust.cert-manager.io", Namespace: InTrust}
	cluster := Row{
		Group: "trust-manager.io", Namespace: InTrust, Beside: "kind", In: []string{"Secret"},
	}
	sources := func(base Row, kind, of string) []Row {
		selected := base
		selected.Selects = true
		return append(each(base, kinds(kind), of+".name"), each(selected, kinds(kind), of+".selector")...)
	}
	bundleConfigMap, clusterConfigMap := bundle, cluster
	bundleConfigMap.Target = ConfigMap
	clusterConfigMap.Target, clusterConfigMap.In = ConfigMap, []string{"ConfigMap"}
	return slices.Concat(
		sources(bundle, "Bundle", ".spec.sources[*].secret"),
		sources(bundleConfigMap, "Bundle", ".spec.sources[*].configMap"),
		sources(cluster, "ClusterBundle", ".spec.sourceRefs[*]"),
		sources(clusterConfigMap, "ClusterBundle", ".spec.sourceRefs[*]"),
	)
}

func externalSecretsRows() []Row {
	base := Row{Group: "external-secrets.io"}
	selected := base
	selected.Selects = true
	return append(
		each(base, kinds("PushSecret"), ".spec.selector.secret.name"),
		each(selected, kinds("PushSecret"), ".spec.selector.secret.selector")...,
	)
}

func application(group string) Row { return Row{Group: group, Layer: v1alpha1.LayerApplication} }

func postgresRows() []Row {
	return slices.Concat(
		each(application("postgresql.cnpg.io"), kinds("Cluster"),
			".spec.certificates.serverCASecret",
			".spec.certificates.serverTLSSecret",
			".spec.certificates.replicationTLSSecret",
			".spec.certificates.clientCASecret",
			".spec.externalClusters[*].sslCert.name",
			".spec.externalClusters[*].sslKey.name",
			".spec.externalClusters[*].sslRootCert.name",
			".spec.externalClusters[*].barmanObjectStore.endpointCA.name",
			".spec.backup.barmanObjectStore.endpointCA.name"),
		each(application("postgresql.cnpg.io"), kinds("Pooler"),
			".spec.pgbouncer.clientTLSSecret.name",
			".spec.pgbouncer.clientCASecret.name",
			".spec.pgbouncer.serverTLSSecret.name",
			".spec.pgbouncer.serverCASecret.name",
			".spec.pgbouncer.authQuerySecret.name"),
		each(application("acid.zalan.do"), kinds("postgresql"), ".spec.tls.secretName", ".spec.tls.caSecretName"),
		each(application("postgres-operator.crunchydata.com"), kinds("PostgresCluster"),
			".spec.customTLSSecret.name",
			".spec.customReplicationTLSSecret.name",
			".spec.proxy.pgBouncer.customTLSSecret.name"),
	)
}

func mysqlRows() []Row {
	return slices.Concat(
		each(application("pxc.percona.com"), kinds("PerconaXtraDBCluster"),
			".spec.sslSecretName", ".spec.sslInternalSecretName"),
		each(application("mysql.oracle.com"), kinds("InnoDBCluster"),
			".spec.tlsSecretName", ".spec.tlsCASecretName", ".spec.router.tlsSecretName"),
		each(application("k8s.mariadb.com"), kinds("MariaDB"),
			".spec.tls.serverCertSecretRef.name",
			".spec.tls.serverCASecretRef.name",
			".spec.tls.clientCertSecretRef.name",
			".spec.tls.clientCASecretRef.name"),
		each(application("k8s.mariadb.com"), kinds("MaxScale"),
			".spec.tls.adminCertSecretRef.name",
			".spec.tls.adminCASecretRef.name",
			".spec.tls.listenerCertSecretRef.name",
			".spec.tls.listenerCASecretRef.name",
			".spec.tls.serverCertSecretRef.name",
			".spec.tls.serverCASecretRef.name"),
	)
}

// strimziRows are references, and the Secrets that the cluster operator reads by
// the names that it gives them.
func strimziRows() []Row {
	base := application("kafka.strimzi.io")
	rows := slices.Concat(
		each(base, kinds("Kafka"), ".spec.kafka.listeners[*].configuration.brokerCertChainAndKey.secretName"),
		each(base, kinds("Kafka", "KafkaConnect", "KafkaMirrorMaker", "KafkaMirrorMaker2", "KafkaBridge"),
			".spec[**].trustedCertificates[*].secretName",
			".spec[**].tlsTrustedCertificates[*].secretName",
			".spec[**].certificateAndKey.secretName"),
	)
	for _, end := range [...]string{
		"-cluster-ca", "-cluster-ca-cert", "-clients-ca", "-clients-ca-cert", "-cluster-operator-certs",
	} {
		convention := base
		convention.Name = "{name}" + end
		rows = append(rows, each(convention, kinds("Kafka"), ".metadata.name")...)
	}
	return rows
}

// prometheusRows are the TLS settings of prometheus-operator, which are alike
// wherever they are.
func prometheusRows() []Row {
	base := application("monitoring.coreos.com")
	configMap := base
	configMap.Target = ConfigMap
	all := kinds(
		"Alertmanager", "AlertmanagerConfig", "PodMonitor", "Probe", "Prometheus", "PrometheusAgent", "ScrapeConfig",
		"ServiceMonitor", "ThanosRuler",
	)
	servers := kinds("Alertmanager", "Prometheus", "PrometheusAgent")
	return slices.Concat(
		each(base, all,
			".spec[**].ca.secret.name",
			".spec[**].cert.secret.name",
			".spec[**].client_ca.secret.name",
			".spec[**].keySecret.name"),
		each(configMap, all,
			".spec[**].ca.configMap.name",
			".spec[**].cert.configMap.name",
			".spec[**].client_ca.configMap.name"),
		each(base, servers, ".spec.secrets[*]"),
		each(configMap, servers, ".spec.configMaps[*]"),
	)
}
