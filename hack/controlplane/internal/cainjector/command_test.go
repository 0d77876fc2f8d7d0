package cainjector

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEveryArgumentOfTheChartTakesEffect(t *testing.T) {
	got, err := command().Parse([]string{
		"--v=2",
		"--leader-election-namespace=cert-manager",
		"--leader-election-lease-duration=30s",
		"--leader-election-renew-deadline=20s",
		"--leader-election-retry-period=5s",
		"--feature-gates=CAInjectorMerging=true",
		"--metrics-listen-address=0",
	}, &bytes.Buffer{})
	if err != nil {
		t.Fatalf("parsing the chart's arguments: %v", err)
	}
	want, err := defaults()
	if err != nil {
		t.Fatal(err)
	}
	want.LeaderElectionConfig.Namespace = "cert-manager"
	want.LeaderElectionConfig.LeaseDuration = 30 * time.Second
	want.LeaderElectionConfig.RenewDeadline = 20 * time.Second
	want.LeaderElectionConfig.RetryPeriod = 5 * time.Second
	want.FeatureGates = map[string]bool{"CAInjectorMerging": true}
	want.MetricsListenAddress = "0"
	if got.Logging.Verbosity != 2 {
		t.Errorf("verbosity: want 2, got %d", got.Logging.Verbosity)
	}
	// the logging options hold unexported state
	if diff := cmp.Diff(want, got, cmp.FilterPath(func(p cmp.Path) bool {
		return len(p) > 2 && p.Index(2).String() == ".Logging"
	}, cmp.Ignore())); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestArgumentsThatUpstreamRefusesAreRefused(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"a flag that does not exist":                {args: []string{"--no-such-flag"}, want: "unknown flag: --no-such-flag"},
		"a feature gate of the controller":          {args: []string{"--feature-gates=ListenerSets=true"}, want: "unrecognized feature gate: ListenerSets"},
		"one namespace and others to leave out too": {args: []string{"--namespace=a", "--ignore-namespaces=b"}, want: "ignoreNamespaces"},
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
