package names

// Labels that charts put on what they install.
const (
	LabelAppName      = "app.kubernetes.io/name"
	LabelAppInstance  = "app.kubernetes.io/instance"
	LabelAppVersion   = "app.kubernetes.io/version"
	LabelAppComponent = "app.kubernetes.io/component"
	LabelAppPartOf    = "app.kubernetes.io/part-of"
)

// Labels and annotations by which installers mark what is theirs: Helm, and the
// Operator Lifecycle Manager.
const (
	AnnotationHelmRelease   = "meta.helm.sh/release-name"
	AnnotationHelmNamespace = "meta.helm.sh/release-namespace"
	LabelOLMOwner           = "olm.owner"
	LabelOLMManaged         = "olm.managed"
)

// CertManagerWorkloads and TrustManagerWorkloads are the values of LabelAppName
// of the Deployments of the components, that of the controller first. The hub
// reads these Deployments, and the agent's report says when they changed.
func CertManagerWorkloads() []string { return []string{"cert-manager", "cainjector", "webhook"} }

// TrustManagerWorkloads are those of trust-manager.
func TrustManagerWorkloads() []string { return []string{"trust-manager"} }
