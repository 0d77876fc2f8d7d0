package v1alpha1

// Condition types of TLSPlatform. All have positive polarity (true is good)
// but Reconciling and Stalled, which follow kstatus: they are present only
// while they are true.
const (
	// ConditionReady is true when every other condition that applies is.
	ConditionReady = "Ready"
	// ConditionReconciling is true while changes are on their way.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is true when the operator can't go on without a person.
	ConditionStalled = "Stalled"
	// ConditionComponentsReady is about spec.components.
	ConditionComponentsReady = "ComponentsReady"
	// ConditionIssuersReady is about spec.issuers.
	ConditionIssuersReady = "IssuersReady"
	// ConditionPolicyEnforced is about spec.policy.
	ConditionPolicyEnforced = "PolicyEnforced"
	// ConditionTrustDistributed is about spec.trust.
	ConditionTrustDistributed = "TrustDistributed"
	// ConditionClustersInSync is true when every cluster has the whole plan.
	ConditionClustersInSync = "ClustersInSync"
	// ConditionObservabilityReady is about spec.observability.
	ConditionObservabilityReady = "ObservabilityReady"

	// ConditionInventoryReady is true when the agent of every cluster has read
	// everything that exists there.
	ConditionInventoryReady = "InventoryReady"

	// ConditionCoverageComplete is the condition of a TLSAgent that is true when
	// everything that exists could be read.
	ConditionCoverageComplete = "CoverageComplete"

	// ConditionConnected is true when a MemberCluster's API server answers.
	ConditionConnected = "Connected"
	// ConditionInSync is true when a MemberCluster has everything that it shall
	// have, healthy and unchanged.
	ConditionInSync = "InSync"
	// ConditionAgentReporting is true when the agent of a MemberCluster renews its
	// Lease.
	ConditionAgentReporting = "AgentReporting"

	// ConditionRolloutComplete is true when every cluster has the last change of
	// the spec. It is present when spec.delivery.rollout is.
	ConditionRolloutComplete = "RolloutComplete"
)

// Reasons of conditions, component and issuer states.
const (
	// ReasonAvailable says that all is as declared.
	ReasonAvailable = "Available"
	// ReasonNotDeclared says that the spec asks for nothing here.
	ReasonNotDeclared = "NotDeclared"
	// ReasonProgressing says that a change was applied and is not healthy yet.
	ReasonProgressing = "Progressing"
	// ReasonSuspended says that spec.suspend is set.
	ReasonSuspended = "Suspended"
	// ReasonDeleting says that the object is being deleted.
	ReasonDeleting = "Deleting"
	// ReasonUnhealthy says that something that was healthy no longer is.
	ReasonUnhealthy = "Unhealthy"
	// ReasonHealthTimeout says that a first install never became healthy.
	ReasonHealthTimeout = "HealthTimeout"
	// ReasonRolledBack says that a change never became healthy and that the last
	// healthy plan was applied again.
	ReasonRolledBack = "RolledBack"
	// ReasonWaitingForDependency says that another part has to be ready first.
	ReasonWaitingForDependency = "WaitingForDependency"
	// ReasonInvalidSpec says that the spec asks for what can't be.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonInvalidValues says that the chart's schema refuses the values.
	ReasonInvalidValues = "InvalidValues"
	// ReasonRenderFailed says that what was pulled can't be rendered.
	ReasonRenderFailed = "RenderFailed"
	// ReasonChartUnavailable says that the chart could not be pulled.
	ReasonChartUnavailable = "ChartUnavailable"
	// ReasonDigestMismatch says that the chart is not the declared one.
	ReasonDigestMismatch = "DigestMismatch"
	// ReasonPullSecretMissing says that the pull Secret does not exist.
	ReasonPullSecretMissing = "PullSecretMissing"
	// ReasonExistingInstall says that somebody else installed the component.
	ReasonExistingInstall = "ExistingInstall"
	// ReasonDowngradeRefused says that an older version than the running one was
	// asked for.
	ReasonDowngradeRefused = "DowngradeRefused"
	// ReasonStoredVersion says that a custom resource definition has objects
	// stored in a version that the new one does not serve.
	ReasonStoredVersion = "StoredVersionRefused"
	// ReasonNotInstalled says that an observed component was not found.
	ReasonNotInstalled = "NotInstalled"
	// ReasonObserved says that the component was found and is left alone.
	ReasonObserved = "Observed"
	// ReasonAbsent says that the component is absent, as declared.
	ReasonAbsent = "Absent"
	// ReasonRetained says that something was left in place on purpose.
	ReasonRetained = "Retained"
	// ReasonForbidden says that the API server refused for lack of permission.
	ReasonForbidden = "Forbidden"
	// ReasonConflict says that an object belongs to somebody else.
	ReasonConflict = "Conflict"
	// ReasonApplyFailed says that the API server refused an object.
	ReasonApplyFailed = "ApplyFailed"
	// ReasonAPIMissing says that the cluster does not serve a kind that the part
	// needs; it heals when the kind arrives.
	ReasonAPIMissing = "APIMissing"
	// ReasonOwnedByOther says that another TLSPlatform manages the cluster.
	ReasonOwnedByOther = "OwnedByOtherPlatform"
	// ReasonNoClusters says that the selector matches no MemberCluster.
	ReasonNoClusters = "NoClusters"
	// ReasonUnreachable says that the cluster's API server did not answer.
	ReasonUnreachable = "Unreachable"
	// ReasonTimeout says that the API server accepted a request and did not answer
	// in time.
	ReasonTimeout = "Timeout"
	// ReasonUnauthorized says that the API server refused the credential.
	ReasonUnauthorized = "Unauthorized"
	// ReasonUntrusted says that the API server's certificate is not by the CA that
	// the kubeconfig names.
	ReasonUntrusted = "UntrustedServer"
	// ReasonNotKubernetes says that what answers is no API server.
	ReasonNotKubernetes = "NotKubernetes"
	// ReasonKubernetesTooOld says that the API server lacks what is needed.
	ReasonKubernetesTooOld = "KubernetesTooOld"
	// ReasonCredentialMissing says that the Secret of the kubeconfig, or its key,
	// does not exist.
	ReasonCredentialMissing = "CredentialMissing"
	// ReasonCredentialRefused says that the kubeconfig has what would run code or
	// read files in the hub, or can't be read.
	ReasonCredentialRefused = "CredentialRefused"
	// ReasonDuplicateCluster says that another MemberCluster is the same cluster.
	ReasonDuplicateCluster = "DuplicateCluster"
	// ReasonClaimedByOtherHub says that another hub manages the cluster.
	ReasonClaimedByOtherHub = "ClaimedByOtherHub"
	// ReasonNewerSchema says that the cluster has definitions of a newer operator.
	ReasonNewerSchema = "NewerSchema"
	// ReasonDiscoveryIncomplete says that part of a cluster's API does not answer.
	ReasonDiscoveryIncomplete = "DiscoveryIncomplete"
	// ReasonConnecting says that the cluster has not been reached yet.
	ReasonConnecting = "Connecting"
	// ReasonDrifted says that others changed objects, and that they are left so.
	ReasonDrifted = "Drifted"
	// ReasonSilent says that an agent does not renew its Lease.
	ReasonSilent = "AgentSilent"
	// ReasonNotSelected says that no TLSPlatform selects the cluster.
	ReasonNotSelected = "NotSelected"
	// ReasonRolloutWaiting says that it is not this cluster's turn yet.
	ReasonRolloutWaiting = "RolloutWaiting"
	// ReasonRolloutStopped says that a rollout was stopped by a failure.
	ReasonRolloutStopped = "RolloutStopped"
	// ReasonReading says that an agent has not read everything once.
	ReasonReading = "Reading"
	// ReasonIncomplete says that an agent can't read something that exists.
	ReasonIncomplete = "CoverageIncomplete"
)

// States of Coverage.
const (
	// CoverageReading says that a kind was read once, and is watched.
	CoverageReading = "Reading"
	// CoverageWaiting says that the first reading is under way.
	CoverageWaiting = "Waiting"
	// CoverageForbidden says that the API server refuses for lack of permission.
	CoverageForbidden = "Forbidden"
	// CoverageNotServed says that the kind does not exist in the cluster.
	CoverageNotServed = "NotServed"
	// CoverageFailing says that reading fails.
	CoverageFailing = "Failing"
)
