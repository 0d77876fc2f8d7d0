package harness

import (
	"context"
	"fmt"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"

	"github.com/tlsplatform/tls-platform-operator/test/harness/node"
)

// NodeName is the name of a cluster's one Node.
const NodeName = "node-0"

// startNode creates the Node, which kwok keeps Ready, and starts the stand-in
// that runs the pods of known images on it.
func (c *Cluster) startNode(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return fmt.Errorf("making a client for cluster %s: %w", c.Name, err)
	}
	if _, err := client.CoreV1().Nodes().Create(ctx, nodeObject(), metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating node %s of cluster %s: %w", NodeName, c.Name, err)
	}
	if len(c.options.Images) == 0 {
		return nil
	}
	config, err := LoadConfig(c.file("node.kubeconfig"))
	if err != nil {
		return err
	}
	c.node, err = node.Start(ctx, node.Options{
		Name: NodeName, Config: config, Server: c.server(), CAData: c.pki.ca.pem.cert,
		BinDir: c.env.binDir, Images: c.options.Images,
		Dir: c.file("pods"), LogDir: filepath.Join(c.env.LogsDir(), c.Name, "pods"), PodCIDR: nodePodCIDR,
	})
	if err != nil {
		return fmt.Errorf("starting node %s of cluster %s: %w", NodeName, c.Name, err)
	}
	c.egress.setRouter(c.node)
	return nil
}

func nodeObject() *corev1.Node {
	capacity := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("32"), corev1.ResourceMemory: resource.MustParse("256Gi"),
		corev1.ResourcePods: resource.MustParse("200"),
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: NodeName,
			Labels: map[string]string{
				corev1.LabelHostname: NodeName, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
			},
			Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"},
		},
		Status: corev1.NodeStatus{Capacity: capacity, Allocatable: capacity},
	}
}

// waitServing waits for what the API server makes by itself.
func (c *Cluster) waitServing(ctx context.Context) error {
	namespaces := schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	for _, name := range []string{metav1.NamespaceDefault, metav1.NamespaceSystem} {
		if err := WaitFor(ctx, c.Config, namespaces, "", name, Exists); err != nil {
			return fmt.Errorf("cluster %s: %w", c.Name, err)
		}
	}
	return nil
}

// waitUsable waits for what every user of a cluster takes for granted.
func (c *Cluster) waitUsable(ctx context.Context) error {
	nodes := schema.GroupVersionResource{Version: "v1", Resource: "nodes"}
	if err := WaitFor(ctx, c.Config, nodes, "", NodeName, ConditionIs("Ready", "True")); err != nil {
		return fmt.Errorf("cluster %s: %w", c.Name, err)
	}
	accounts := schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}
	if err := WaitFor(ctx, c.Config, accounts, metav1.NamespaceDefault, "default", Exists); err != nil {
		return fmt.Errorf("cluster %s: %w", c.Name, err)
	}
	return nil
}
