package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Probing says which served addresses the prober of a cluster shakes hands with.
// Nothing is dialled unless its network is allowed here. Addresses come from
// Ingresses, Gateways, Routes and Services of type LoadBalancer, and from
// endpoints.
type Probing struct {
	// allowedNetworks may be dialled, in CIDR notation. Link-local networks, the
	// metadata services of clouds and networks that are no servers' are denied in
	// any case.
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=43
	// +kubebuilder:validation:XValidation:rule="self.all(n, isCIDR(n))",message="give networks in CIDR notation, such as 203.0.113.0/24 or 2001:db8::/32"
	// +required
	AllowedNetworks []string `json:"allowedNetworks"`
	// deniedNetworks are taken out of those that are allowed.
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=43
	// +kubebuilder:validation:XValidation:rule="self.all(n, isCIDR(n))",message="give networks in CIDR notation, such as 203.0.113.0/24 or 2001:db8::/32"
	// +optional
	DeniedNetworks []string `json:"deniedNetworks,omitempty"`
	// interval between two handshakes with one endpoint.
	// +kubebuilder:default="1h"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m')",message="interval must be at least 1m"
	// +optional
	Interval *metav1.Duration `json:"interval,omitempty"`
	// endpoints are probed beside those that objects of the cluster name.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	// +optional
	Endpoints []ProbedEndpoint `json:"endpoints,omitempty"`
}

// ProbeProtocol is what a server speaks before the handshake.
// +kubebuilder:validation:Enum=TLS;HTTPS;PostgreSQL;MySQL;SMTP;LDAP;IMAP;POP3
type ProbeProtocol string

// Protocols of endpoints. All but TLS and HTTPS ask for TLS by a command first.
const (
	ProbeTLS        ProbeProtocol = "TLS"
	ProbeHTTPS      ProbeProtocol = "HTTPS"
	ProbePostgreSQL ProbeProtocol = "PostgreSQL"
	ProbeMySQL      ProbeProtocol = "MySQL"
	ProbeSMTP       ProbeProtocol = "SMTP"
	ProbeLDAP       ProbeProtocol = "LDAP"
	ProbeIMAP       ProbeProtocol = "IMAP"
	ProbePOP3       ProbeProtocol = "POP3"
)

// ProbedEndpoint is an address that is probed because somebody declared it.
type ProbedEndpoint struct {
	// name of the endpoint, unique among those that are declared.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`
	// +required
	Name string `json:"name"`
	// host is an IP address or an absolute DNS name, such as that of a Service:
	// db.shop.svc.cluster.local
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +required
	Host string `json:"host"`
	// port that the server listens on.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +required
	Port int32 `json:"port"`
	// serverName is asked for (SNI). Left out it is the host, if that is a name.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	ServerName string `json:"serverName,omitempty"`
	// protocol of the server. MySQL and MariaDB count a client that leaves after
	// the handshake as a failed connection, and may block its address after many.
	// +kubebuilder:default=TLS
	// +optional
	Protocol ProbeProtocol `json:"protocol,omitempty"`
	// secretRef is the Secret whose certificate should be served.
	// +optional
	SecretRef *NamespacedSecretReference `json:"secretRef,omitempty"`
}

// NamespacedSecretReference names a Secret of any namespace.
type NamespacedSecretReference struct {
	// namespace of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +required
	Namespace string `json:"namespace"`
	// name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +required
	Name string `json:"name"`
}

// ServedState says what was found at a served address.
type ServedState struct {
	// source is the object that names the address, as Kind namespace/name.
	Source string `json:"source"`
	// address that is probed, as host:port.
	// +optional
	Address string `json:"address,omitempty"`
	// serverName that is asked for (SNI).
	// +optional
	ServerName string `json:"serverName,omitempty"`
	// protocol of the server.
	// +optional
	Protocol string `json:"protocol,omitempty"`
	// version of TLS that was negotiated, such as TLS 1.3.
	// +optional
	Version string `json:"version,omitempty"`
	// reason sums the probe up in a word: Served when a certificate was shown,
	// NotProbed when there was nothing to dial, else what went wrong.
	Reason string `json:"reason"`
	// message says what went wrong.
	// +optional
	Message string `json:"message,omitempty"`
	// agreement of what is served with what is stored: Same, ChainDiffers,
	// StoredIsNewer, Differs, StoredMissing or NotCompared.
	Agreement string `json:"agreement"`
	// stored are the Secrets whose certificate should be served, as
	// namespace/name.
	// +listType=atomic
	// +optional
	Stored []string `json:"stored,omitempty"`
	// terminatesAt is where TLS ends: IngressController, Gateway, LoadBalancer,
	// CDN, Application or Unknown.
	TerminatesAt string `json:"terminatesAt"`
	// cloud are certificates that a cloud keeps and its load balancer serves.
	// +listType=atomic
	// +optional
	Cloud []CloudCertificate `json:"cloud,omitempty"`
}

// CloudCertificate is a certificate that a cloud keeps.
type CloudCertificate struct {
	// provider that keeps it: AWS, GoogleCloud, Azure, AlibabaCloud or
	// DigitalOcean.
	Provider string `json:"provider"`
	// id by which the provider knows it, such as an ARN of AWS.
	ID string `json:"id"`
	// field that names it: an annotation, or an option of a listener.
	Field string `json:"field"`
	// state of the certificate, where an object of the cluster tells.
	// +optional
	State string `json:"state,omitempty"`
	// notAfter is its end, where an object of the cluster tells.
	// +optional
	NotAfter *metav1.Time `json:"notAfter,omitempty"`
}
