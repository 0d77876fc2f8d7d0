package controller

// The rights of the hub: the operator in steady state. It reads metadata of
// what it manages, writes the parts that need no chart, and becomes the
// installer (a token for one ServiceAccount, granted in its own namespace) when
// a component has to be written. It can't read Secrets but by name in its own
// namespace.
//
// +kubebuilder:rbac:groups=tlsplatform.io,resources=tlsplatforms,verbs=get;list;watch;update;patch
// +kubebuilder:rbac:groups=tlsplatform.io,resources=tlsplatforms/status;memberclusters/status,verbs=update;patch
// +kubebuilder:rbac:groups=tlsplatform.io,resources=tlsplatforms/finalizers;memberclusters/finalizers,verbs=update
// +kubebuilder:rbac:groups=tlsplatform.io,resources=memberclusters,verbs=get;list;watch;create;update;patch
// +kubebuilder:rbac:groups=tlsplatform.io,resources=tlsagents,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="";events.k8s.io,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups="",resources=namespaces;serviceaccounts;services,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies,verbs=get;list;watch
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=clusterroles;clusterrolebindings;roles;rolebindings,verbs=get;list;watch
// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,verbs=get;list;watch
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=mutatingwebhookconfigurations;validatingwebhookconfigurations,verbs=get;list;watch
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=validatingadmissionpolicies;validatingadmissionpolicybindings,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=cert-manager.io,resources=clusterissuers;certificates;issuers,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=trust.cert-manager.io,resources=bundles,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=monitoring.coreos.com,resources=servicemonitors;prometheusrules,verbs=get;list;watch;create;patch;delete
