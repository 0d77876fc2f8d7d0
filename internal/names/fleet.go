package names

// Names of the hub's own objects about members.
const (
	// MemberSecretPrefix and the name of a MemberCluster make the name of the
	// Secret with the operator's own credential for it.
	MemberSecretPrefix = "tls-platform-member-"
	// MemberSecretKey is the key of that Secret.
	MemberSecretKey = "kubeconfig"
	// LabelMember is on what the hub keeps about a member, with its name.
	LabelMember = Prefix + "member"
	// AnnotationIssued and AnnotationExpires are on that Secret and say since when
	// and until when the token in it is valid, as RFC 3339 says.
	AnnotationIssued  = Prefix + "issued"
	AnnotationExpires = Prefix + "expires"
	// CredentialManager is the field manager of that Secret.
	CredentialManager = FieldManagerPrefix + "credential"
)

// MemberSecret is the name of the Secret with the operator's own credential for
// a MemberCluster.
func MemberSecret(member string) string { return MemberSecretPrefix + member }

// AnnotationSchemaRevision is on the operator's own custom resource definitions
// in every member. A hub leaves definitions with a higher number than its own
// alone.
const AnnotationSchemaRevision = Prefix + "schema-revision"

// SchemaRevision of the definitions of this operator. It goes up whenever one of
// them gets a field that an older operator would prune.
const SchemaRevision = 1
