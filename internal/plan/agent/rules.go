package agent

import rbacv1 "k8s.io/api/rbac/v1"

// kinds are resources of one API group.
type kinds struct {
	group     string
	resources []string
}

// material may hold certificates, and Secrets private keys too. It is granted
// apart from the rest, so that it can be limited to some namespaces.
var material = []kinds{
	{"", []string{"configmaps", "secrets"}},
}

// builtin are kinds of Kubernetes that hold certificates or name Secrets.
var builtin = []kinds{
	{"", []string{"namespaces", "pods", "services"}},
	{"admissionregistration.k8s.io", []string{"mutatingwebhookconfigurations", "validatingwebhookconfigurations"}},
	{"apiextensions.k8s.io", []string{"customresourcedefinitions"}},
	{"apiregistration.k8s.io", []string{"apiservices"}},
	{"apps", []string{"daemonsets", "deployments", "replicasets", "statefulsets"}},
	{"batch", []string{"cronjobs", "jobs"}},
	{"networking.k8s.io", []string{"ingresses"}},
}

// managers of certificates: what they made, what they were asked for, and what
// they distribute.
var managers = []kinds{
	{"cert-manager.io", []string{"certificaterequests", "certificates", "clusterissuers", "issuers"}},
	{"external-secrets.io", []string{"pushsecrets"}},
	{"trust-manager.io", []string{"clusterbundles"}},
	{"trust.cert-manager.io", []string{"bundles"}},
}

// referrers are kinds of others whose objects name Secrets with certificates. A
// cluster need not serve them: a rule about what does not exist grants nothing.
var referrers = []kinds{
	// North-south traffic.
	{"config.openshift.io", []string{"apiservers", "ingresses", "proxies"}},
	{"gateway.networking.k8s.io", []string{"backendtlspolicies", "gateways", "listenersets", "referencegrants"}},
	{"gateway.networking.x-k8s.io", []string{"xlistenersets"}},
	{"getambassador.io", []string{"hosts", "tlscontexts"}},
	{"networking.istio.io", []string{"destinationrules", "gateways"}},
	{"operator.openshift.io", []string{"ingresscontrollers"}},
	{"projectcontour.io", []string{
		"contourconfigurations", "contourdeployments", "extensionservices", "httpproxies", "tlscertificatedelegations",
	}},
	{"route.openshift.io", []string{"routes"}},
	{"traefik.io", []string{
		"ingressroutes", "ingressroutetcps", "middlewares", "serverstransports", "serverstransporttcps", "tlsoptions", "tlsstores",
	}},
	// Databases and brokers.
	{"acid.zalan.do", []string{"postgresqls"}},
	{"k8s.mariadb.com", []string{"mariadbs", "maxscales"}},
	{"kafka.strimzi.io", []string{"kafkabridges", "kafkaconnects", "kafkamirrormaker2s", "kafkamirrormakers", "kafkas"}},
	{"mysql.oracle.com", []string{"innodbclusters"}},
	{"postgres-operator.crunchydata.com", []string{"postgresclusters"}},
	{"postgresql.cnpg.io", []string{"clusters", "poolers"}},
	{"pxc.percona.com", []string{"perconaxtradbclusters"}},
	// Monitoring.
	{"monitoring.coreos.com", []string{
		"alertmanagerconfigs", "alertmanagers", "podmonitors", "probes", "prometheusagents", "prometheuses",
		"scrapeconfigs", "servicemonitors", "thanosrulers",
	}},
}

// judges are policies about certificates and their requests, which the profile of
// the cluster compares. The kinds of Gatekeeper's constraints have names that
// people choose.
var judges = []kinds{
	{"admissionregistration.k8s.io", []string{"validatingadmissionpolicies", "validatingadmissionpolicybindings"}},
	{"constraints.gatekeeper.sh", []string{"*"}},
	{"kyverno.io", []string{"clusterpolicies"}},
	{"policies.kyverno.io", []string{"validatingpolicies"}},
	{"policy.cert-manager.io", []string{"certificaterequestpolicies"}},
}

// estate are kinds that the platform applies and that are in none of the other
// lists: the agent sees when somebody changes what it was given. It asks for their
// metadata alone.
var estate = []kinds{
	{"", []string{"serviceaccounts"}},
	{"monitoring.coreos.com", []string{"prometheusrules"}},
	{"networking.k8s.io", []string{"networkpolicies"}},
	{"policy", []string{"poddisruptionbudgets"}},
	{"rbac.authorization.k8s.io", []string{"clusterrolebindings", "clusterroles", "rolebindings", "roles"}},
}

// read are the verbs of a watch.
var read = []string{"get", "list", "watch"}

// reading grants to read kinds.
func reading(lists ...[]kinds) []rbacv1.PolicyRule {
	var rules []rbacv1.PolicyRule
	for _, list := range lists {
		for _, k := range list {
			rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{k.group}, Resources: k.resources, Verbs: read})
		}
	}
	return rules
}
