package reference

// Reduced is what is kept of an object that refers to others, or that permits
// others to refer.
type Reduced struct {
	Source     Source
	References []Reference
	Grants     []Grant
	// Labels of a Pod that may serve a gateway, as key=value, sorted.
	Labels []string
	// Selector of the Pods that serve this gateway, as key=value, sorted. The
	// references without a namespace are then to be found in the namespaces of
	// those Pods.
	Selector []string
}

// Grant permits references from objects elsewhere into a namespace.
type Grant struct {
	// FromGroup of the objects that may refer; FromKind as in their Source;
	// FromNamespace where they are, * for every namespace.
	FromGroup, FromKind, FromNamespace string
	// ToKind, ToNamespace and ToName of what they may refer to; an empty name
	// means all.
	ToKind              TargetKind
	ToNamespace, ToName string
}
