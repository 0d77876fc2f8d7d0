// Package integration tests rooms that touch the network against a real API
// server, without the components: envtest starts etcd and kube-apiserver from
// KUBEBUILDER_ASSETS, or else from the components that the harness builds.
package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

func TestIntegration(t *testing.T) {
	if testing.Short() {
		t.Skip("starts an API server; run make test-integration")
	}
	RegisterFailHandler(Fail)
	RunSpecs(t, "Integration")
}

var (
	environment *envtest.Environment
	config      *rest.Config
	scheme      = runtime.NewScheme()
)

const root = "../.."

var _ = BeforeSuite(func(ctx SpecContext) {
	ctrl.SetLogger(zap.New(zap.WriteTo(GinkgoWriter), zap.UseDevMode(true)))
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(apiextensionsv1.AddToScheme(scheme)).To(Succeed())
	Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	environment = &envtest.Environment{
		BinaryAssetsDirectory:    assets(ctx),
		CRDDirectoryPaths:        []string{filepath.Join(root, "config", "crd", "bases")},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: 2 * time.Minute,
		ControlPlaneStopTimeout:  time.Minute,
	}
	var err error
	config, err = environment.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(environment.Stop()).To(Succeed()) })
}, NodeTimeout(25*time.Minute))

// assets is the folder with etcd, kube-apiserver and kubectl.
func assets(ctx SpecContext) string {
	for _, name := range []string{"KUBEBUILDER_ASSETS", "TLS_PLATFORM_COMPONENTS"} {
		if dir := os.Getenv(name); dir != "" {
			return dir
		}
	}
	out, err := exec.CommandContext(ctx, filepath.Join(root, "hack", "controlplane", "build.sh"), "controlplane").Output()
	Expect(err).NotTo(HaveOccurred(), "building the control plane")
	return strings.TrimSpace(string(out))
}
