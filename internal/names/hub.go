package names

// Metrics of the hub about each cluster, and about the fleet as a whole.
const (
	MetricClusterConnected  = "tlsplatform_cluster_connected"
	MetricClusterInSync     = "tlsplatform_cluster_in_sync"
	MetricClusterDrifted    = "tlsplatform_cluster_drifted_objects"
	MetricClusterAgentHeard = "tlsplatform_cluster_agent_heard_timestamp_seconds"
	MetricFleetBackends     = "tlsplatform_fleet_ca_backends"
	MetricFleetShadow       = "tlsplatform_fleet_shadow_issuers"
	MetricFleetDifferences  = "tlsplatform_fleet_differences"
	MetricRolloutClusters   = "tlsplatform_rollout_clusters"
	MetricRolloutUpdated    = "tlsplatform_rollout_updated_clusters"
)
