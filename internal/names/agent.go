package names

// Names of the agent's objects in every cluster. Roles grant access to some of
// them by name.
const (
	// ServiceAccountAgent is the identity of the agent.
	ServiceAccountAgent = "tls-platform-agent"
	// Agent is the name of the agent's Deployment, Service, NetworkPolicy, roles
	// and bindings.
	Agent = "tls-platform-agent"
	// AgentMaterial is the ClusterRole to read Secrets and ConfigMaps. It is
	// bound in the whole cluster, or in some namespaces.
	AgentMaterial = "tls-platform-agent-material"
	// AgentExtra is the ClusterRole that gathers what people let the agent read
	// beside the kinds that it knows.
	AgentExtra = "tls-platform-agent-extra"
	// AgentLease is the Lease that the agent holds: one acts at a time, and it is
	// the heartbeat.
	AgentLease = "tls-platform-agent"
)

// Labels of the agent.
const (
	// LabelAgent is on every CertificateSlice and has the name of the TLSAgent
	// whose agent wrote it.
	LabelAgent = Prefix + "agent"
	// LabelAggregateToAgent, with the value true, adds the rules of a
	// ClusterRole to those of AgentExtra.
	LabelAggregateToAgent = Prefix + "aggregate-to-agent"
)

// Annotations that the agent reads or writes.
const (
	// AnnotationDigest is on every CertificateSlice and has the SHA-256 of its
	// records, in hex.
	AnnotationDigest = Prefix + "digest"
	// AnnotationOrphan with the value OrphanIgnore says that an object is not an
	// orphan, whatever refers to it.
	AnnotationOrphan = Prefix + "orphan"
	// AnnotationLayer says which layer a certificate is used in.
	AnnotationLayer = Prefix + "layer"
)

// OrphanIgnore is the value of AnnotationOrphan.
const OrphanIgnore = "ignore"

// AgentImageVariable is the environment variable with the image of the operator,
// which the hub installs the agent from.
const AgentImageVariable = "TLS_PLATFORM_IMAGE"
