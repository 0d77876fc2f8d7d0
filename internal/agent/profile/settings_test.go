package profile

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

func TestParseFlags(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		arguments []string
		want      map[string]string
	}{
		"a value behind an equals sign":       {[]string{"--default-issuer-name=ca=1"}, map[string]string{"default-issuer-name": "ca=1"}},
		"a value as the next argument":        {[]string{"--default-issuer-kind", "ClusterIssuer"}, map[string]string{"default-issuer-kind": "ClusterIssuer"}},
		"a value that looks like a flag":      {[]string{"--controllers", "-certificaterequests-approver"}, map[string]string{"controllers": "-certificaterequests-approver"}},
		"a boolean takes no next argument":    {[]string{"--enable-gateway-api", "--namespace", "a"}, map[string]string{"enable-gateway-api": "true", "namespace": "a"}},
		"booleans are written in one way":     {[]string{"--enable-certificate-owner-ref=T", "--enable-gateway-api=0"}, map[string]string{"enable-certificate-owner-ref": "true", "enable-gateway-api": "false"}},
		"a boolean that is none":              {[]string{"--enable-gateway-api=maybe"}, map[string]string{"enable-gateway-api": "maybe"}},
		"the last of several counts":          {[]string{"--max-concurrent-challenges=1", "--max-concurrent-challenges=2"}, map[string]string{"max-concurrent-challenges": "2"}},
		"lists add up in their order":         {[]string{"--dns01-recursive-nameservers=9.9.9.9:53,1.1.1.1:53", "--dns01-recursive-nameservers", "8.8.8.8:53"}, map[string]string{"dns01-recursive-nameservers": "9.9.9.9:53,1.1.1.1:53,8.8.8.8:53"}},
		"feature gates are a set":             {[]string{"--feature-gates=B=true, A=false", "--feature-gates=A=true"}, map[string]string{"feature-gates": "A=true,B=true"}},
		"other flags say nothing":             {[]string{"--v=2", "--leader-election-namespace", "kube-system", "/bin/x", "-config=y"}, map[string]string{}},
		"what comes after two dashes neither": {[]string{"--", "--config=x"}, map[string]string{}},
		"a value that is missing":             {[]string{"--config"}, map[string]string{}},
		"an empty value":                      {[]string{"--default-issuer-group="}, map[string]string{"default-issuer-group": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, parseFlags(test.arguments)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	pod := corev1.PodSpec{Containers: []corev1.Container{
		{Name: "proxy", Args: []string{"--config=/etc/proxy"}},
		{
			Name:    "cert-manager-controller",
			Command: []string{"/app/controller", "--enable-certificate-owner-ref"},
			Args:    []string{"--cluster-resource-namespace=$(POD_NAMESPACE)", "--config=/var/config.yaml", "--namespace=$(OTHER)"},
			Env: []corev1.EnvVar{
				{Name: "OTHER", Value: "x"},
				{Name: "POD_NAMESPACE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}}},
			},
		},
	}}
	want := []v1alpha1.Setting{
		{Name: "cluster-resource-namespace", Value: "certs"},
		{Name: "config", Value: "/var/config.yaml"},
		{Name: "enable-certificate-owner-ref", Value: "true"},
		{Name: "namespace", Value: "$(OTHER)"},
	}
	if diff := cmp.Diff(want, settingsOf("certs", &pod)); diff != "" {
		t.Error(diff)
	}
	if got := settingsOf("certs", &corev1.PodSpec{}); got != nil {
		t.Errorf("settings of a Pod without containers: %v", got)
	}
	if len(flags) > maxSettings {
		t.Errorf("%d flags, and a profile has room for %d", len(flags), maxSettings)
	}
}

func FuzzParseFlags(f *testing.F) {
	f.Add("--feature-gates", "=,A=true,,A", "--enable-gateway-api")
	f.Add("--controllers", "--", "--config=")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		for name := range parseFlags([]string{a, b, c}) {
			if _, known := flags[name]; !known {
				t.Errorf("flag %q", name)
			}
		}
	})
}
