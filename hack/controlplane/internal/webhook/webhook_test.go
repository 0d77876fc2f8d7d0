package webhook

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEveryArgumentOfTheChartTakesEffect(t *testing.T) {
	got, err := command().Parse([]string{
		"--v=2",
		"--secure-port=10250",
		"--feature-gates=OtherNames=true",
		"--enable-client-verification=true",
		"--client-ca-path=/ca.crt",
		"--client-subject-names=apiserver",
		"--dynamic-serving-ca-secret-namespace=cert-manager",
		"--dynamic-serving-ca-secret-name=cert-manager-webhook-ca",
		"--dynamic-serving-dns-names=cert-manager-webhook",
		"--dynamic-serving-dns-names=cert-manager-webhook.cert-manager.svc",
		"--metrics-listen-address=0",
	}, &bytes.Buffer{})
	if err != nil {
		t.Fatalf("parsing the chart's arguments: %v", err)
	}
	want, err := command().Defaults()
	if err != nil {
		t.Fatal(err)
	}
	want.SecurePort = 10250
	want.FeatureGates = map[string]bool{"OtherNames": true}
	want.EnableClientVerification = true
	want.ClientCAPath = "/ca.crt"
	want.ClientCertificateSubjects = []string{"apiserver"}
	want.TLSConfig.Dynamic.SecretNamespace = "cert-manager"
	want.TLSConfig.Dynamic.SecretName = "cert-manager-webhook-ca"
	want.TLSConfig.Dynamic.DNSNames = []string{"cert-manager-webhook", "cert-manager-webhook.cert-manager.svc"}
	want.MetricsListenAddress = "0"
	if got.Logging.Verbosity != 2 {
		t.Errorf("verbosity: want 2, got %d", got.Logging.Verbosity)
	}
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
		"a flag that does not exist":       {args: []string{"--no-such-flag"}, want: "unknown flag: --no-such-flag"},
		"a feature gate of the controller": {args: []string{"--feature-gates=ListenerSets=true"}, want: "unrecognized feature gate: ListenerSets"},
		"a port that can not be":           {args: []string{"--secure-port=70000"}, want: "securePort"},
		"a CA without DNS names":           {args: []string{"--dynamic-serving-ca-secret-namespace=n", "--dynamic-serving-ca-secret-name=s"}, want: "dnsNames"},
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
