package names

// Prefix is the domain of all labels and annotations of the operator.
const Prefix = "tlsplatform.io/"

// Labels on every object that the operator applies.
const (
	// LabelPlatform has the name of the TLSPlatform that the object belongs to.
	LabelPlatform = Prefix + "platform"
	// LabelPart has the name of the plan's part that the object belongs to.
	LabelPart = Prefix + "part"
	// LabelIssuer has the name of the platform's issuer that an object serves.
	LabelIssuer = Prefix + "issuer"
)

// Annotations that people write or that the operator leaves behind.
const (
	// AnnotationOwner names the team that a certificate belongs to.
	AnnotationOwner = Prefix + "owner"
	// AnnotationPurpose says what a certificate is for.
	AnnotationPurpose = Prefix + "purpose"
	// AnnotationBackend names the backend that a ClusterIssuer stands for.
	AnnotationBackend = Prefix + "backend"
)

// Finalizer lets the operator forget or remove the estate of a deleted
// TLSPlatform.
const Finalizer = Prefix + "estate"

// Names of the operator's own objects. Roles grant access to them by name.
const (
	// SystemNamespace is where the operator is installed unless POD_NAMESPACE
	// says otherwise.
	SystemNamespace = "tls-platform-system"
	// ServiceAccountHub is the identity of the operator in steady state.
	ServiceAccountHub = "tls-platform-hub"
	// ServiceAccountInstaller is the identity for changes of components.
	ServiceAccountInstaller = "tls-platform-installer"
	// LedgerConfigMap is the list of what was applied to a cluster.
	LedgerConfigMap = "tls-platform-ledger"
	// ReleaseSecretPrefix and a component's name make the name of the Secret
	// that keeps the component's rendered plans.
	ReleaseSecretPrefix = "tls-platform-release-"
	// LeaderLease is the Lease of leader election.
	LeaderLease = "tls-platform-hub"
)

// FieldManagerPrefix and a part's name make a field manager of server-side
// apply, one for each part of the plan.
const FieldManagerPrefix = "tls-platform/"

// FieldManager of a part of the plan.
func FieldManager(part string) string { return FieldManagerPrefix + part }

// ReleaseSecret is the name of the Secret that keeps a component's rendered
// plans.
func ReleaseSecret(component string) string { return ReleaseSecretPrefix + component }

// HubUser is the user name of the hub, as the API server of a cluster sees it.
func HubUser(namespace string) string {
	return "system:serviceaccount:" + namespace + ":" + ServiceAccountHub
}
