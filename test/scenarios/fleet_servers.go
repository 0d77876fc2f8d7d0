package scenarios

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tlsplatform/tls-platform-operator/test/harness"
)

// otherServer is a server that speaks TLS and is no API server of ours.
type otherServer struct {
	server *httptest.Server
	// Kubeconfig leads to it with its own CA and some token.
	Kubeconfig []byte
}

func serveOther(handler http.Handler) (*otherServer, error) {
	s := &otherServer{server: httptest.NewTLSServer(handler)}
	const name = "other"
	config := clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{name: {
			Server:                   s.server.URL,
			CertificateAuthorityData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.server.Certificate().Raw}),
		}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{name: {Token: "some-token"}},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: name}},
		CurrentContext: name,
	}
	var err error
	if s.Kubeconfig, err = clientcmd.Write(config); err != nil {
		s.server.Close()
		return nil, fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return s, nil
}

// Close ends the server and its connections.
func (s *otherServer) Close() {
	s.server.CloseClientConnections()
	s.server.Close()
}

// welcome answers as a web server would that knows nothing of Kubernetes.
func welcome(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = fmt.Fprint(w, "<html><body><h1>It works!</h1></body></html>")
}

// oldKubernetes answers what is asked first as an API server of years ago would,
// and nothing else.
func oldKubernetes(w http.ResponseWriter, r *http.Request) {
	answers := map[string]any{
		"/version": map[string]string{"major": "1", "minor": "24", "gitVersion": "v1.24.17", "platform": "linux/amd64"},
		"/api":     map[string]any{"kind": "APIVersions", "versions": []string{"v1"}},
		"/apis":    map[string]any{"kind": "APIGroupList", "apiVersion": "v1", "groups": []any{}},
		"/api/v1": map[string]any{"kind": "APIResourceList", "groupVersion": "v1", "resources": []any{
			map[string]any{"name": "namespaces", "kind": "Namespace", "namespaced": false, "verbs": []string{"get", "list"}},
		}},
		"/api/v1/namespaces/kube-system": map[string]any{
			"apiVersion": "v1", "kind": "Namespace",
			"metadata": map[string]any{"name": "kube-system", "uid": "00000000-0000-4000-8000-000000000124"},
		},
	}
	w.Header().Set("Content-Type", "application/json")
	answer, ok := answers[r.URL.Path]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		answer = map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": http.StatusNotFound}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// badKubeconfigs are kubeconfigs of a good cluster that can't be used, each with
// the reason that the condition Connected has to give, and what its message says.
func badKubeconfigs(w *World, of string) (map[string]badKubeconfig, error) {
	access := w.Members[of].Access
	wrong, err := access.WithWrongCA()
	if err != nil {
		return nil, err
	}
	made := map[string]badKubeconfig{}
	for name, bad := range map[string]struct {
		make   func() ([]byte, error)
		reason string
		says   []string
	}{
		"wrong-ca":  {func() ([]byte, error) { return wrong.Certificate("somebody") }, "UntrustedServer", []string{"CA"}},
		"expired":   {func() ([]byte, error) { return access.Expired("first-contact") }, "Unauthorized", []string{"kubeconfig"}},
		"garbage":   {func() ([]byte, error) { return access.Bearer("garbage") }, "Unauthorized", []string{"kubeconfig"}},
		"exec":      {func() ([]byte, error) { return access.Exec(w.Env.Dir()) }, "CredentialRefused", []string{"exec", "ServiceAccount"}},
		"file":      {func() ([]byte, error) { return access.File("/etc/passwd") }, "CredentialRefused", []string{"file"}},
		"not-yaml":  {func() ([]byte, error) { return []byte("{[}"), nil }, "CredentialRefused", nil},
		"empty-key": {func() ([]byte, error) { return nil, nil }, "CredentialRefused", nil},
	} {
		kubeconfig, err := bad.make()
		if err != nil {
			return nil, fmt.Errorf("making the kubeconfig %s: %w", name, err)
		}
		made[name] = badKubeconfig{kubeconfig, bad.reason, bad.says}
	}
	return made, nil
}

type badKubeconfig struct {
	kubeconfig []byte
	reason     string
	says       []string
}

// execMark is the file that the exec plugin of harness.Access leaves when it runs.
func execMark(env *harness.Environment) string { return filepath.Join(env.Dir(), "ran") }
