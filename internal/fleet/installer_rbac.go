package fleet

// The rights of the installer: what the charts of cert-manager and
// trust-manager create, and what the agent runs with. escalate and bind are
// needed to write roles with rights that the installer does not have itself.
//
// +kubebuilder:rbac:groups="",resources=namespaces;serviceaccounts;services;configmaps,verbs=get;create;patch;delete
// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;create;patch;delete
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;create;patch;delete
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies,verbs=get;create;patch;delete
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=clusterroles;roles,verbs=get;create;patch;delete;escalate;bind
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=clusterrolebindings;rolebindings,verbs=get;create;patch;delete
// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,verbs=get;create;patch;delete
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=mutatingwebhookconfigurations;validatingwebhookconfigurations,verbs=get;create;patch;delete
// +kubebuilder:rbac:groups=cert-manager.io,resources=certificates;issuers,verbs=get;list;create;patch;delete
// +kubebuilder:rbac:groups=cert-manager.io,resources=certificaterequests;clusterissuers,verbs=list
// +kubebuilder:rbac:groups=acme.cert-manager.io,resources=orders;challenges,verbs=list
// +kubebuilder:rbac:groups=trust.cert-manager.io,resources=bundles,verbs=list
