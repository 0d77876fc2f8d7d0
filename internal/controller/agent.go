package controller

import (
	"context"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// followAgent starts the watch on the cluster's TLSAgent when the kind is
// served, and ends it when it no longer is.
func (c *Cluster) followAgent(ctx context.Context, facts *observed.Cluster) error {
	if !facts.APIs.Serves(v1alpha1.GroupVersion.Group, "TLSAgent") {
		c.dropAgent()
		return nil
	}
	if c.agent != nil {
		return nil
	}
	agent, err := c.conn.WatchAgent(ctx, c.Changed)
	if err != nil {
		return err
	}
	c.agent = agent
	return nil
}

func (c *Cluster) dropAgent() {
	if c.agent != nil {
		c.agent.Stop()
		c.agent = nil
	}
}

// report is the last report about the estate, nil for none.
func (c *Cluster) report() *v1alpha1.EstateReport {
	if c.agent == nil {
		return nil
	}
	if latest := c.agent.Latest(); latest != nil {
		return latest.Status.Estate
	}
	return nil
}

// Report puts the agent's last report into an outcome, also when the rest of the
// run failed: what was seen does not become unseen by that.
func (c *Cluster) Report(outcome *observed.Outcome) {
	if c.agent == nil {
		return
	}
	if latest := c.agent.Latest(); latest != nil {
		outcome.Agent, outcome.AgentGeneration = &latest.Status, latest.Generation
	}
}
