package controller

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	"github.com/cert-manager/cert-manager/internal/controller/feature"
	utilfeature "github.com/cert-manager/cert-manager/pkg/util/feature"
)

// chartArgs is what upstream's chart passes with the values that change it all set.
var chartArgs = []string{
	"--v=2",
	"--cluster-resource-namespace=cert-manager",
	"--leader-election-namespace=kube-system",
	"--leader-election-lease-duration=30s",
	"--leader-election-renew-deadline=20s",
	"--leader-election-retry-period=5s",
	"--acme-http01-solver-image=quay.io/jetstack/cert-manager-acmesolver:v1.21.2",
	"--default-issuer-name=public",
	"--default-issuer-kind=ClusterIssuer",
	"--default-issuer-group=cert-manager.io",
	"--feature-gates=ServerSideApply=true",
	"--acme-http01-solver-extra-labels=team=platform",
	"--max-concurrent-challenges=7",
	"--enable-certificate-owner-ref=true",
	"--dns01-recursive-nameservers-only=true",
	"--dns01-recursive-nameservers=192.0.2.1:53,https://192.0.2.2/dns-query",
	"--controllers=-certificaterequests-approver",
	"--acme-http01-solver-runtime-class-name=gvisor",
}

func TestEveryArgumentOfTheChartTakesEffect(t *testing.T) {
	keepGate(t, "ServerSideApply")
	got, err := command().Parse(chartArgs, &bytes.Buffer{})
	if err != nil {
		t.Fatalf("parsing the chart's arguments: %v", err)
	}
	want, err := defaults()
	if err != nil {
		t.Fatal(err)
	}
	want.Logging.Verbosity = 2
	want.ClusterResourceNamespace = "cert-manager"
	want.LeaderElectionConfig.Namespace = "kube-system"
	want.LeaderElectionConfig.LeaseDuration = 30 * time.Second
	want.LeaderElectionConfig.RenewDeadline = 20 * time.Second
	want.LeaderElectionConfig.RetryPeriod = 5 * time.Second
	want.ACMEHTTP01Config.SolverImage = "quay.io/jetstack/cert-manager-acmesolver:v1.21.2"
	want.ACMEHTTP01Config.SolverExtraLabels = map[string]string{"team": "platform"}
	want.ACMEHTTP01Config.SolverRuntimeClassName = "gvisor"
	want.IngressShimConfig.DefaultIssuerName = "public"
	want.IngressShimConfig.DefaultIssuerKind = "ClusterIssuer"
	want.FeatureGates = map[string]bool{"ServerSideApply": true}
	want.MaxConcurrentChallenges = 7
	want.EnableCertificateOwnerRef = true
	want.ACMEDNS01Config.RecursiveNameserversOnly = true
	want.ACMEDNS01Config.RecursiveNameservers = []string{"192.0.2.1:53", "https://192.0.2.2/dns-query"}
	want.Controllers = []string{"-certificaterequests-approver"}
	if diff := cmp.Diff(want, got, cmp.FilterPath(isLogging, cmp.Ignore())); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	if got.Logging.Verbosity != 2 {
		t.Errorf("verbosity: want 2, got %d", got.Logging.Verbosity)
	}
	if !utilfeature.DefaultFeatureGate.Enabled(feature.ServerSideApply) {
		t.Error("the feature gate ServerSideApply was asked for and is off")
	}
}

func TestArgumentsThatUpstreamRefusesAreRefused(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"a flag that does not exist": {
			args: []string{"--no-such-flag=1"}, want: "unknown flag: --no-such-flag",
		},
		"a feature gate that does not exist": {
			args: []string{"--feature-gates=NoSuchGate=true"}, want: "unrecognized feature gate: NoSuchGate",
		},
		"a feature gate of the cainjector": {
			args: []string{"--feature-gates=CAInjectorMerging=true"}, want: "unrecognized feature gate: CAInjectorMerging",
		},
		"a controller that does not exist": {
			args: []string{"--controllers=*,-no-such-controller"}, want: "is not in the list of known controllers",
		},
		"a name server without a port": {
			args: []string{"--dns01-recursive-nameservers=192.0.2.1"}, want: "must be in the format <ip address>:<port>",
		},
		"a lease of no duration": {
			args: []string{"--leader-election-lease-duration=0s"}, want: "leaderElectionConfig.leaseDuration",
		},
		"a file that does not exist": {
			args: []string{"--config=/no/such/file"}, want: "loading configuration file /no/such/file",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := command().Parse(test.args, &bytes.Buffer{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error: want one with %q, got %v", test.want, err)
			}
		})
	}
}

func TestHelpNamesTheFlagsAndIsNoFailure(t *testing.T) {
	var out bytes.Buffer
	if _, err := command().Parse([]string{"--help"}, &out); !errors.Is(err, pflag.ErrHelp) {
		t.Errorf("error: want %v, got %v", pflag.ErrHelp, err)
	}
	if !strings.Contains(out.String(), "--cluster-resource-namespace") {
		t.Errorf("help does not name the flags:\n%s", &out)
	}
}

// configFile is a configuration as the chart mounts it.
const configFile = `apiVersion: controller.config.cert-manager.io/v1alpha1
kind: ControllerConfiguration
numberOfConcurrentWorkers: 3
maxConcurrentChallenges: 11
controllers: ["*", "-ingress-shim"]
featureGates: {ACMEUseARI: true}
`

func TestConfigurationFile(t *testing.T) {
	tests := map[string]struct {
		file    string
		args    []string
		want    func(*config.ControllerConfiguration)
		wantErr string
	}{
		"the file wins over defaults": {
			file: configFile,
			want: func(c *config.ControllerConfiguration) {
				c.MaxConcurrentChallenges = 11
				c.Controllers = []string{"*", "-ingress-shim"}
				c.FeatureGates = map[string]bool{"ACMEUseARI": true}
			},
		},
		"flags win over the file, lists as a whole and gates one by one": {
			file: configFile,
			args: []string{"--max-concurrent-challenges=12", "--controllers=*,-orders", "--feature-gates=ListenerSets=true"},
			want: func(c *config.ControllerConfiguration) {
				c.MaxConcurrentChallenges = 12
				c.Controllers = []string{"*", "-orders"}
				c.FeatureGates = map[string]bool{"ACMEUseARI": true, "ListenerSets": true}
			},
		},
		"a field that does not exist is refused": {
			file: configFile + "noSuchField: 1\n", wantErr: `unknown field "noSuchField"`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			keepGate(t, "ACMEUseARI", "ListenerSets")
			path := filepath.Join(t.TempDir(), "config.yaml")
			if err := os.WriteFile(path, []byte(test.file), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := command().Parse(append([]string{"--config=" + path}, test.args...), &bytes.Buffer{})
			if test.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantErr) {
					t.Fatalf("error: want one with %q, got %v", test.wantErr, err)
				}
				return
			}
			want, defaultsErr := defaults()
			if err := errors.Join(err, defaultsErr); err != nil {
				t.Fatal(err)
			}
			want.NumberOfConcurrentWorkers = 3
			test.want(want)
			if diff := cmp.Diff(want, got, cmp.FilterPath(isLogging, cmp.Ignore())); diff != "" {
				t.Errorf("configuration (-want +got):\n%s", diff)
			}
		})
	}
}

// isLogging tells whether the path is that of the logging options, which hold
// unexported state.
func isLogging(p cmp.Path) bool {
	return len(p) > 2 && p.Index(2).String() == ".Logging"
}

// keepGate puts the process' feature gates back when the test ends.
func keepGate(t *testing.T, names ...string) {
	t.Helper()
	before := map[string]bool{}
	for gate := range utilfeature.DefaultMutableFeatureGate.GetAll() {
		for _, name := range names {
			if string(gate) == name {
				before[name] = utilfeature.DefaultFeatureGate.Enabled(gate)
			}
		}
	}
	t.Cleanup(func() {
		if err := utilfeature.DefaultMutableFeatureGate.SetFromMap(before); err != nil {
			t.Error(err)
		}
	})
}
