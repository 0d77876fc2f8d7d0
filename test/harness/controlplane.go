package harness

import (
	_ "embed" // the audit policy
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/tlsplatform/tls-platform-operator/test/harness/node"
)

// The names of the components are those of their binaries.
const (
	etcd              = "etcd"
	apiServer         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
	scheduler         = "kube-scheduler"
	kwok              = "kwok"
)

// The users of the control plane's certificates.
const (
	adminUser      = "kubernetes-admin"
	frontProxyUser = "front-proxy-client"
	kwokUser       = "system:kwok"
	nodeUser       = "system:node:" + NodeName
	mastersGroup   = "system:masters"
)

// serviceAccountIssuer is who signs ServiceAccounts' tokens.
const serviceAccountIssuer = "https://kubernetes.default.svc"

// Pods that run as processes, and kwok's, get addresses from different ranges.
const (
	serviceCIDR = "10.0.0.0/24"
	nodePodCIDR = "10.244.0.0/24"
	kwokPodCIDR = "10.244.128.0/17"
)

//go:embed audit-policy.yaml
var auditPolicy []byte

// egressConfiguration leads what the API server sends to pods through the
// proxy behind the socket, and nothing else.
const egressConfiguration = `apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection:
    proxyProtocol: HTTPConnect
    transport: {uds: {udsName: %q}}
- name: controlplane
  connection: {proxyProtocol: Direct}
- name: etcd
  connection: {proxyProtocol: Direct}
`

func (c *Cluster) etcd() component {
	return component{
		name: etcd, ports: 2,
		args: func(ports []int) []string {
			client, peer := "http://"+loopback(ports[0]), "http://"+loopback(ports[1])
			return []string{
				"--name=" + c.Name, "--data-dir=" + filepath.Join(c.dir, "etcd"), "--unsafe-no-fsync", "--log-level=warn",
				"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
				"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
				"--initial-cluster=" + c.Name + "=" + peer,
			}
		},
		health: func(ports []int) string { return "http://" + loopback(ports[0]) + "/health" },
	}
}

func (c *Cluster) apiServer() component {
	return component{
		name: apiServer, ports: 1, fixed: c.apiPorts,
		args: func(ports []int) []string {
			args := []string{
				"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + strconv.Itoa(ports[0]),
				"--etcd-servers=http://" + loopback(c.etcdPort),
				"--tls-cert-file=" + c.pki.certFile("server"), "--tls-private-key-file=" + c.pki.keyFile("server"),
				"--client-ca-file=" + c.pki.certFile("ca"),
				"--service-account-issuer=" + serviceAccountIssuer,
				"--service-account-key-file=" + c.pki.certFile("service-account"),
				"--service-account-signing-key-file=" + c.pki.keyFile("service-account"),
				"--authorization-mode=Node,RBAC", "--allow-privileged", "--service-cluster-ip-range=" + serviceCIDR,
				"--endpoint-reconciler-type=none", "--profiling=false",
				// Services are resolved to their pods here, since nothing routes their addresses.
				"--enable-aggregator-routing", "--egress-selector-config-file=" + c.file("egress.yaml"),
				"--requestheader-client-ca-file=" + c.pki.certFile("ca"), "--requestheader-allowed-names=" + frontProxyUser,
				"--requestheader-extra-headers-prefix=X-Remote-Extra-", "--requestheader-group-headers=X-Remote-Group",
				"--requestheader-username-headers=X-Remote-User",
				"--proxy-client-cert-file=" + c.pki.certFile("front-proxy"), "--proxy-client-key-file=" + c.pki.keyFile("front-proxy"),
				// One file however long the run: figures are counted from it.
				"--audit-policy-file=" + c.file("audit-policy.yaml"), "--audit-log-path=" + c.AuditLog(), "--audit-log-maxsize=10000",
			}
			return append(args, c.options.APIServerArgs...)
		},
		health: func(ports []int) string { return "https://" + loopback(ports[0]) + "/readyz" },
	}
}

func (c *Cluster) controllerManager() component {
	return component{
		name: controllerManager, ports: 1,
		args: func(ports []int) []string {
			return []string{
				"--kubeconfig=" + c.file("controller-manager.kubeconfig"),
				"--authentication-kubeconfig=" + c.file("controller-manager.kubeconfig"),
				"--authorization-kubeconfig=" + c.file("controller-manager.kubeconfig"),
				"--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(ports[0]), "--leader-elect=false",
				"--use-service-account-credentials", "--service-account-private-key-file=" + c.pki.keyFile("service-account"),
				"--root-ca-file=" + c.pki.certFile("ca"), "--client-ca-file=" + c.pki.certFile("ca"),
				"--cluster-signing-cert-file=" + c.pki.certFile("ca"), "--cluster-signing-key-file=" + c.pki.keyFile("ca"),
				// The controllers share a machine with what they wait for, not a network.
				"--kube-api-qps=200", "--kube-api-burst=400",
				// A machine too busy for a heartbeat is no reason to evict every pod.
				"--node-monitor-grace-period=10m",
			}
		},
		health: func(ports []int) string { return "https://" + loopback(ports[0]) + "/healthz" },
	}
}

func (c *Cluster) scheduler() component {
	return component{
		name: scheduler, ports: 1,
		args: func(ports []int) []string {
			return []string{
				"--kubeconfig=" + c.file("scheduler.kubeconfig"),
				"--authentication-kubeconfig=" + c.file("scheduler.kubeconfig"),
				"--authorization-kubeconfig=" + c.file("scheduler.kubeconfig"),
				"--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(ports[0]), "--leader-elect=false",
			}
		},
		health: func(ports []int) string { return "https://" + loopback(ports[0]) + "/healthz" },
	}
}

func (c *Cluster) kwok(stageFiles []string) component {
	return component{
		name: kwok,
		args: func([]int) []string {
			args := []string{
				"--kubeconfig=" + c.file("kwok.kubeconfig"), "--manage-single-node=" + NodeName,
				"--cidr=" + kwokPodCIDR, "--node-ip=127.0.0.1",
			}
			for _, file := range stageFiles {
				args = append(args, "--config="+file)
			}
			return args
		},
	}
}

// writeConfiguration writes the files that the components read, but for the
// PKI and kubeconfigs.
func (c *Cluster) writeConfiguration() ([]string, error) {
	policy := c.options.AuditPolicy
	if policy == nil {
		policy = auditPolicy
	}
	for name, content := range map[string][]byte{
		"audit-policy.yaml": policy,
		"egress.yaml":       fmt.Appendf(nil, egressConfiguration, c.egress.socket),
	} {
		if err := os.WriteFile(c.file(name), content, 0o644); err != nil {
			return nil, fmt.Errorf("writing the configuration of cluster %s: %w", c.Name, err)
		}
	}
	return writeStages(c.file("stages"), node.KnownImages(c.options.Images))
}

// writeKubeconfigs writes those of the control plane's own users; the API
// server's port is known by now.
func (c *Cluster) writeKubeconfigs() error {
	for name, user := range map[string]struct {
		name   string
		groups []string
	}{
		"admin":              {adminUser, []string{mastersGroup}},
		"controller-manager": {"system:kube-controller-manager", nil},
		"scheduler":          {"system:kube-scheduler", nil},
		// Those two play the node. The stand-in does so with a kubelet's
		// permissions; kwok asks for more than those.
		"kwok": {kwokUser, []string{mastersGroup}},
		"node": {nodeUser, []string{"system:nodes"}},
	} {
		pair, err := c.pki.ca.client(user.name, user.groups...)
		if err != nil {
			return err
		}
		if _, err := c.writeKubeconfig(name, certificateUser(pair)); err != nil {
			return err
		}
	}
	return nil
}
