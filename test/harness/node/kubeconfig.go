package node

import (
	"fmt"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// accountPath is where a container finds its ServiceAccount's token. Programs
// have this path built in, so it is the one mount that is given by a KUBECONFIG
// instead of by replacing the path.
const accountPath = "/var/run/secrets/kubernetes.io/serviceaccount"

// account returns the folder of the container's ServiceAccount token; false
// when the pod gives it none, and then the process gets no credential either.
func account(mounts []mount) (string, bool) {
	for _, m := range mounts {
		if m.path == accountPath {
			return m.host, true
		}
	}
	return "", false
}

// writeKubeconfig writes a kubeconfig whose user is the token in accountDir. It
// refers to the token's file and so stays good when the token is renewed.
func writeKubeconfig(path, server string, caData []byte, accountDir, namespace string) error {
	config := clientcmdapi.NewConfig()
	config.Clusters["cluster"] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: caData}
	config.AuthInfos["pod"] = &clientcmdapi.AuthInfo{TokenFile: filepath.Join(accountDir, "token")}
	config.Contexts["pod"] = &clientcmdapi.Context{Cluster: "cluster", AuthInfo: "pod", Namespace: namespace}
	config.CurrentContext = "pod"
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("writing the kubeconfig of the pod: %w", err)
	}
	return nil
}
