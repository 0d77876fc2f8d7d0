package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
	"github.com/tlsplatform/tls-platform-operator/test/harness/process"
	"github.com/tlsplatform/tls-platform-operator/test/scenarios"
)

var serviceAccounts = schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}

// operateLean does for a cluster that is an API server alone what its
// controllers and its node would: it runs the agent, and says that its
// Deployment is available, until ctx ends.
func (h *fleetHub) operateLean(ctx context.Context, c *harness.Cluster) (err error) {
	present := func(o *unstructured.Unstructured) (bool, error) { return o != nil, nil }
	if err := harness.WaitFor(ctx, c.Config, serviceAccounts, scenarios.SystemNamespace, names.ServiceAccountAgent, present); err != nil {
		return fmt.Errorf("waiting for the agent's ServiceAccount: %w", err)
	}
	kubeconfig, err := c.KubeconfigForServiceAccount(ctx, scenarios.SystemNamespace, names.ServiceAccountAgent)
	if err != nil {
		return err
	}
	p, err := process.Start(ctx, process.Spec{
		Name: "agent", Path: h.agent, Dir: c.Dir(), LogFile: filepath.Join(h.Env.LogsDir(), c.Name, "agent.log"),
		Env:  []string{"KUBECONFIG=" + kubeconfig, "HOME=" + c.Dir()},
		Args: []string{"agent", "--metrics-bind-address=0", "--health-probe-bind-address=0", "--identity=" + c.Name},
	})
	if err != nil {
		return fmt.Errorf("starting the agent: %w", err)
	}
	defer func() { err = errors.Join(err, p.Stop(hubGrace)) }()
	admin, err := client.New(c.Config, client.Options{})
	if err != nil {
		return fmt.Errorf("building a client: %w", err)
	}
	for {
		if err := keepAvailable(ctx, c, admin); err != nil {
			return err
		}
	}
}

// keepAvailable waits until the agent's Deployment was changed, and says that it
// is available.
func keepAvailable(ctx context.Context, c *harness.Cluster, admin client.Client) error {
	var changed *unstructured.Unstructured
	err := harness.WaitFor(ctx, c.Config, scenarios.Deployments, scenarios.SystemNamespace, names.Agent, func(o *unstructured.Unstructured) (bool, error) {
		if o == nil {
			return false, nil
		}
		seen, _, _ := unstructured.NestedInt64(o.Object, "status", "observedGeneration")
		changed = o
		return seen != o.GetGeneration(), nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the agent's Deployment: %w", err)
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{
		"observedGeneration": changed.GetGeneration(), "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1,
		"conditions": []any{
			map[string]any{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"},
			map[string]any{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
		},
	}})
	if err != nil {
		return fmt.Errorf("writing the status of the agent's Deployment: %w", err)
	}
	if err := admin.Status().Patch(ctx, changed, client.RawPatch(types.MergePatchType, patch)); err != nil {
		return fmt.Errorf("saying that the agent is available: %w", err)
	}
	return nil
}
