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
