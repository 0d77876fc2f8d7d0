package standin

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// named steps in their order.
type namedStep struct {
	name string
	step step
}

const (
	coreNamespaces = "/api/v1/namespaces"
	systemPath     = "/api/v1/namespaces/tls-platform-system"
	rbacPath       = "/apis/rbac.authorization.k8s.io/v1"
	agentsPath     = "/apis/tlsplatform.io/v1alpha1/tlsagents"
	hubManager     = "?fieldManager=tls-platform%2Faccess&force=true"
	ledgerPath     = systemPath + "/configmaps/tls-platform-ledger"
	deployPath     = "/apis/apps/v1/namespaces/tls-platform-system/deployments/app"
	leasePath      = "/apis/coordination.k8s.io/v1/namespaces/tls-platform-system/leases"
)

func apply(path, body string, code int) step {
	return step{method: http.MethodPatch, path: path, contentType: applyType, body: body, code: code}
}

func get(path string, code int) step { return step{method: http.MethodGet, path: path, code: code} }

// script is what the hub does with a member, and what others do to it.
func script(t *testing.T) []namedStep {
	t.Helper()
	steps := []namedStep{
		{"version", step{method: http.MethodGet, path: "/version", code: http.StatusOK, shape: true}},
		{"a namespace that does not exist", get(systemPath, http.StatusNotFound)},
		{"an unknown resource", step{method: http.MethodGet, path: "/apis/tlsplatform.io/v1alpha1/tlsagents", code: http.StatusNotFound, shape: true}},
		{"into a namespace that does not exist", apply(systemPath+"/serviceaccounts/x"+hubManager, `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"x"}}`, http.StatusNotFound)},
		{"the namespace", apply(systemPath+hubManager, `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"tls-platform-system","labels":{"tlsplatform.io/platform":"p"}}}`, http.StatusCreated)},
		{"the same namespace", apply(systemPath+hubManager, `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"tls-platform-system","labels":{"tlsplatform.io/platform":"p"}}}`, http.StatusOK)},
		{"no field manager", apply(systemPath, `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"tls-platform-system"}}`, http.StatusUnprocessableEntity)},
		{"a service account", apply(systemPath+"/serviceaccounts/tls-platform-hub"+hubManager, `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"tls-platform-hub","namespace":"tls-platform-system"}}`, http.StatusCreated)},
		{"a cluster role", apply(rbacPath+"/clusterroles/r"+hubManager, `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"r"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]}`, http.StatusCreated)},
		{"a cluster role binding", apply(rbacPath+"/clusterrolebindings/r"+hubManager, `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"r"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"r"},"subjects":[{"kind":"ServiceAccount","name":"tls-platform-hub","namespace":"tls-platform-system"}]}`, http.StatusCreated)},
		{"a token", step{method: http.MethodPost, path: systemPath + "/serviceaccounts/tls-platform-hub/token", contentType: plainType, body: `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":3600}}`, code: http.StatusCreated, shape: true}},
		{"a token of nobody", step{method: http.MethodPost, path: systemPath + "/serviceaccounts/nobody/token", contentType: plainType, body: `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}`, code: http.StatusNotFound}},
		{"a definition", apply("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/tlsagents.tlsplatform.io"+hubManager, readDefinition(t, "tlsagents"), http.StatusCreated)},
		{"the same definition", step{method: http.MethodPatch, path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/tlsagents.tlsplatform.io" + hubManager, contentType: applyType, body: readDefinition(t, "tlsagents"), code: http.StatusOK, shape: true}},
		{"served", step{body: agentsPath}},
	}
	steps = append(steps, agentSteps()...)
	steps = append(steps, ledgerSteps()...)
	return append(steps, workloadSteps()...)
}

func agentSteps() []namedStep {
	const path = agentsPath + "/default"
	return []namedStep{
		{"a dry run", step{method: http.MethodPatch, path: path + hubManager + "&dryRun=All", contentType: applyType, body: agentYAML("one", "cert-manager"), code: http.StatusCreated, shape: true}},
		{"nothing of it", get(path, http.StatusNotFound)},
		{"the agent", apply(path+hubManager, agentYAML("one", "cert-manager"), http.StatusCreated)},
		{"the same agent", apply(path+hubManager, agentYAML("one", "cert-manager"), http.StatusOK)},
		{"another spec", apply(path+hubManager, agentYAML("one", "other"), http.StatusOK)},
		{"its status", step{method: http.MethodPatch, path: path + "/status?fieldManager=agent", contentType: mergeType, body: `{"status":{"version":"v1","slices":2}}`, code: http.StatusOK}},
		{"the same status", step{method: http.MethodPatch, path: path + "/status?fieldManager=agent", contentType: mergeType, body: `{"status":{"version":"v1"}}`, code: http.StatusOK}},
		{"its status by apply", apply(path+"/status?fieldManager=applier&force=true", `{"apiVersion":"tlsplatform.io/v1alpha1","kind":"TLSAgent","metadata":{"name":"default"},"status":{"version":"v2","certificates":{"total":1,"expiry":{"later":1}}}}`, http.StatusOK)},
		{"what another manager wants", apply(path+"?fieldManager=other", agentYAML("one", "third"), http.StatusConflict)},
		{"what another manager takes", apply(path+"?fieldManager=other&force=true", agentYAML("one", "third"), http.StatusOK)},
		{"taken back", apply(path+hubManager, agentYAML("one", "other"), http.StatusOK)},
		{"an edit", step{method: http.MethodPatch, path: path + "?fieldManager=kubectl-edit", contentType: mergeType, body: `{"spec":{"certManagerNamespace":"edited"},"metadata":{"labels":{"by":"hand"}}}`, code: http.StatusOK}},
		{"an edit by JSON patch", step{method: http.MethodPatch, path: path + "?fieldManager=json", contentType: jsonType, body: `[{"op":"remove","path":"/metadata/labels/by"}]`, code: http.StatusOK}},
		{"repaired", apply(path+hubManager, agentYAML("one", "other"), http.StatusOK)},
		{"its metadata", step{method: http.MethodGet, path: path, accept: partial, code: http.StatusOK}},
		{"the wrong kind", step{method: http.MethodPatch, path: path + hubManager, contentType: applyType, body: `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"default"}}`, code: http.StatusBadRequest, shape: true}},
		{"metadata of all that are labelled", step{method: http.MethodGet, path: agentsPath + "?labelSelector=tlsplatform.io%2Fplatform&limit=1", accept: partials, code: http.StatusOK}},
		{"a finalizer", step{method: http.MethodPatch, path: path + "?fieldManager=f", contentType: mergeType, body: `{"metadata":{"finalizers":["example.org/x"]}}`, code: http.StatusOK}},
		{"deleted with a finalizer", step{method: http.MethodDelete, path: path, code: http.StatusOK}},
		{"let go", step{method: http.MethodPatch, path: path + "?fieldManager=f", contentType: mergeType, body: `{"metadata":{"finalizers":null}}`, code: http.StatusOK, shape: true}},
		{"gone", get(path, http.StatusNotFound)},
	}
}

func ledgerSteps() []namedStep {
	book := func(text string) string {
		return `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"tls-platform-ledger","namespace":"tls-platform-system","labels":{"tlsplatform.io/platform":"p"}},"data":{"ledger.json":"` + text + `"}}`
	}
	return []namedStep{
		{"the ledger", apply(ledgerPath+"?fieldManager=tls-platform%2Fledger&force=true", book("{}"), http.StatusCreated)},
		{"the ledger again", apply(ledgerPath+"?fieldManager=tls-platform%2Fledger&force=true", book("{ }"), http.StatusOK)},
		{"ownership folded by hand", step{method: http.MethodPatch, path: ledgerPath + "?fieldManager=x", contentType: mergeType, body: `{"data":{"y":"1"}}`, code: http.StatusOK}},
		{"the list", get(systemPath+"/configmaps?fieldSelector=metadata.name%3Dtls-platform-ledger", http.StatusOK)},
		{"another object is meant", step{method: http.MethodDelete, path: ledgerPath, contentType: plainType, body: `{"preconditions":{"uid":"00000000-0000-0000-0000-000000000000"}}`, code: http.StatusConflict, shape: true}},
		{"deleted", step{method: http.MethodDelete, path: ledgerPath, contentType: plainType, code: http.StatusOK, prepare: withUID}},
		{"deleted again", step{method: http.MethodDelete, path: ledgerPath, code: http.StatusNotFound}},
		{"a Lease", step{method: http.MethodPost, path: leasePath + "?fieldManager=holder", contentType: plainType, body: `{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"l","namespace":"tls-platform-system"},"spec":{"holderIdentity":"a"}}`, code: http.StatusCreated}},
		{"the same Lease", step{method: http.MethodPost, path: leasePath + "?fieldManager=holder", contentType: plainType, body: `{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"l","namespace":"tls-platform-system"},"spec":{"holderIdentity":"a"}}`, code: http.StatusConflict}},
		{"a stale update", step{method: http.MethodPut, path: leasePath + "/l?fieldManager=holder", contentType: plainType, body: `{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"l","namespace":"tls-platform-system","resourceVersion":"1"},"spec":{"holderIdentity":"b"}}`, code: http.StatusConflict}},
		{"an update of anything", step{method: http.MethodPut, path: leasePath + "/l?fieldManager=holder", contentType: plainType, body: `{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"l","namespace":"tls-platform-system"},"spec":{"holderIdentity":"b"}}`, code: http.StatusUnprocessableEntity}},
		{"an update", step{method: http.MethodPut, path: leasePath + "/l", contentType: plainType, code: http.StatusOK, prepare: withVersion}},
	}
}

// withUID names the object that is meant by its UID.
func withUID(t *testing.T, s *server, st *step) {
	t.Helper()
	_, raw := s.do(t, step{method: http.MethodGet, path: st.path})
	var o struct{ Metadata struct{ UID string } }
	if err := json.Unmarshal(raw, &o); err != nil {
		t.Fatal(err)
	}
	st.body = `{"propagationPolicy":"Background","preconditions":{"uid":"` + o.Metadata.UID + `"}}`
}

// withVersion updates the Lease from what it is.
func withVersion(t *testing.T, s *server, st *step) {
	t.Helper()
	_, raw := s.do(t, step{method: http.MethodGet, path: st.path})
	st.body = strings.ReplaceAll(string(raw), `"holderIdentity":"a"`, `"holderIdentity":"b"`)
	st.path += "?fieldManager=holder"
}

func workloadSteps() []namedStep {
	deployment := func(image string) string {
		return strings.ReplaceAll(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"app","namespace":"tls-platform-system","labels":{"app.kubernetes.io/name":"cert-manager"}},
"spec":{"replicas":1,"selector":{"matchLabels":{"app":"a"}},"template":{"metadata":{"labels":{"app":"a"}},"spec":{"serviceAccountName":"s","containers":[{"name":"c","image":"IMAGE","args":["--a","--b"],
"ports":[{"containerPort":9402,"name":"http-metrics","protocol":"TCP"}],"env":[{"name":"POD_NAMESPACE","valueFrom":{"fieldRef":{"fieldPath":"metadata.namespace"}}}],"securityContext":{"capabilities":{"drop":["ALL"]}}}]}}}}`, "IMAGE", image)
	}
	const policies = "/apis/admissionregistration.k8s.io/v1/"
	return []namedStep{
		{"a workload", apply(deployPath+"?fieldManager=tls-platform%2Fcert-manager", deployment("a"), http.StatusCreated)},
		{"another image", apply(deployPath+"?fieldManager=tls-platform%2Fcert-manager&force=true", deployment("b"), http.StatusOK)},
		{"an added container", apply(deployPath+"?fieldManager=mesh", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"app"},"spec":{"template":{"spec":{"containers":[{"name":"sidecar","image":"s"}]}}}}`, http.StatusOK)},
		{"the image that another wants", apply(deployPath+"?fieldManager=mesh", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"app"},"spec":{"template":{"spec":{"containers":[{"name":"c","image":"s"}]}}}}`, http.StatusConflict)},
		{"a service", apply("/api/v1/namespaces/tls-platform-system/services/s?fieldManager=m&force=true", `{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"ports":[{"name":"https","port":443,"protocol":"TCP","targetPort":"https"}],"selector":{"a":"b"}}}`, http.StatusCreated)},
		{"a network policy", apply("/apis/networking.k8s.io/v1/namespaces/tls-platform-system/networkpolicies/n?fieldManager=m&force=true", `{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"n"},"spec":{"podSelector":{},"policyTypes":["Ingress"],"ingress":[{"ports":[{"port":8443,"protocol":"TCP"}]}]}}`, http.StatusCreated)},
		{"a disruption budget", apply("/apis/policy/v1/namespaces/tls-platform-system/poddisruptionbudgets/p?fieldManager=m&force=true", `{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":{"name":"p"},"spec":{"minAvailable":1,"selector":{"matchLabels":{"a":"b"}}}}`, http.StatusCreated)},
		{"a webhook", apply(policies+"validatingwebhookconfigurations/w?fieldManager=m&force=true", `{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration","metadata":{"name":"w"},"webhooks":[{"name":"w.example.org","admissionReviewVersions":["v1"],"sideEffects":"None","failurePolicy":"Ignore","clientConfig":{"service":{"name":"s","namespace":"tls-platform-system","path":"/validate"}},"rules":[{"apiGroups":["example.org"],"apiVersions":["v1"],"operations":["CREATE"],"resources":["x"]}]}]}`, http.StatusCreated)},
		{"a policy", apply(policies+"validatingadmissionpolicies/v?fieldManager=m&force=true", `{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicy","metadata":{"name":"v"},"spec":{"failurePolicy":"Fail","matchConstraints":{"resourceRules":[{"apiGroups":["example.org"],"apiVersions":["v1"],"operations":["CREATE"],"resources":["x"]}]},"validations":[{"expression":"true","message":"m"}]}}`, http.StatusCreated)},
		{"a binding", apply(policies+"validatingadmissionpolicybindings/v?fieldManager=m&force=true", `{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicyBinding","metadata":{"name":"v"},"spec":{"policyName":"v","validationActions":["Deny"]}}`, http.StatusCreated)},
		{"a pull secret by POST", step{method: http.MethodPost, path: systemPath + "/secrets?fieldManager=m", contentType: plainType, body: `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"pull"},"type":"Opaque","data":{"a":"Yg=="}}`, code: http.StatusCreated}},
		{"namespaces", step{method: http.MethodGet, path: coreNamespaces, code: http.StatusOK, shape: true}},
	}
}
