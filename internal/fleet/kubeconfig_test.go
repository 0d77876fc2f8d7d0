package fleet

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// secretText is in every credential of these tests, and must be in no message.
const secretText = "s3cr3t-t0ken"

// kubeconfig is one that is accepted, changed by edit.
func kubeconfig(t testing.TB, edit func(*api.Config, *api.Cluster, *api.AuthInfo)) []byte {
	t.Helper()
	cluster, user := &api.Cluster{Server: "https://prod.example:6443"}, &api.AuthInfo{Token: secretText}
	c := &api.Config{
		Clusters:       map[string]*api.Cluster{"prod": cluster},
		AuthInfos:      map[string]*api.AuthInfo{"admin": user},
		Contexts:       map[string]*api.Context{"prod-admin": {Cluster: "prod", AuthInfo: "admin"}},
		CurrentContext: "prod-admin",
	}
	if edit != nil {
		edit(c, cluster, user)
	}
	raw, err := clientcmd.Write(*c)
	if err != nil {
		t.Fatalf("encoding: %v", err)
	}
	return raw
}

func userOf(edit func(*api.AuthInfo)) func(*api.Config, *api.Cluster, *api.AuthInfo) {
	return func(_ *api.Config, _ *api.Cluster, u *api.AuthInfo) { edit(u) }
}

func clusterOf(edit func(*api.Cluster)) func(*api.Config, *api.Cluster, *api.AuthInfo) {
	return func(_ *api.Config, c *api.Cluster, _ *api.AuthInfo) { edit(c) }
}

func TestRefusedKubeconfigs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		raw  string
		edit func(*api.Config, *api.Cluster, *api.AuthInfo)
		says []string
	}{
		"an exec plugin": {
			edit: userOf(func(u *api.AuthInfo) {
				u.Exec = &api.ExecConfig{APIVersion: "client.authentication.k8s.io/v1", Command: "aws", Args: []string{secretText}, InteractiveMode: api.NeverExecInteractiveMode}
			}),
			says: []string{`"aws"`, "ServiceAccount"},
		},
		"an auth provider":                 {edit: userOf(func(u *api.AuthInfo) { u.AuthProvider = &api.AuthProviderConfig{Name: "gcp"} }), says: []string{`"gcp"`}},
		"a file with a token":              {edit: userOf(func(u *api.AuthInfo) { u.TokenFile = "/var/run/secrets/token" }), says: []string{"tokenFile", "under token"}},
		"a file with a client certificate": {edit: userOf(func(u *api.AuthInfo) { u.ClientCertificate = "/etc/tls.crt" }), says: []string{"client-certificate-data"}},
		"a file with a client key":         {edit: userOf(func(u *api.AuthInfo) { u.ClientKey = "/etc/tls.key" }), says: []string{"client-key-data"}},
		"a file with a CA":                 {edit: clusterOf(func(c *api.Cluster) { c.CertificateAuthority = "/etc/ca.crt" }), says: []string{"certificate-authority-data"}},
		"a username":                       {edit: userOf(func(u *api.AuthInfo) { u.Username = "admin" }), says: []string{"username"}},
		"a password":                       {edit: userOf(func(u *api.AuthInfo) { u.Password = secretText }), says: []string{"password"}},
		"another user":                     {edit: userOf(func(u *api.AuthInfo) { u.Impersonate = "root" }), says: []string{"impersonates"}},
		"other groups":                     {edit: userOf(func(u *api.AuthInfo) { u.ImpersonateGroups = []string{"system:masters"} }), says: []string{"impersonates"}},
		"no verification":                  {edit: clusterOf(func(c *api.Cluster) { c.InsecureSkipTLSVerify = true }), says: []string{"insecure-skip-tls-verify", "certificate-authority-data"}},
		"no current context":               {edit: func(c *api.Config, _ *api.Cluster, _ *api.AuthInfo) { c.CurrentContext = "" }, says: []string{"current-context"}},
		"an unknown current context":       {edit: func(c *api.Config, _ *api.Cluster, _ *api.AuthInfo) { c.CurrentContext = "dev" }, says: []string{`"dev"`, "get-contexts"}},
		"an unknown cluster":               {edit: func(c *api.Config, _ *api.Cluster, _ *api.AuthInfo) { delete(c.Clusters, "prod") }, says: []string{"no cluster"}},
		"an unknown user":                  {edit: func(c *api.Config, _ *api.Cluster, _ *api.AuthInfo) { delete(c.AuthInfos, "admin") }, says: []string{"no user"}},
		"no credential":                    {edit: userOf(func(u *api.AuthInfo) { u.Token = "" }), says: []string{"neither"}},
		"a certificate without its key":    {edit: userOf(func(u *api.AuthInfo) { u.ClientCertificateData = []byte(secretText) }), says: []string{"only one"}},
		"a certificate that is none": {
			edit: userOf(func(u *api.AuthInfo) {
				u.ClientCertificateData, u.ClientKeyData = []byte(secretText), []byte(secretText)
			}),
			says: []string{"PEM"},
		},
		"a token over two lines":       {edit: userOf(func(u *api.AuthInfo) { u.Token = secretText + "\n" + secretText }), says: []string{"token"}},
		"a CA that is none":            {edit: clusterOf(func(c *api.Cluster) { c.CertificateAuthorityData = []byte("no PEM") }), says: []string{"certificate-authority-data"}},
		"no server":                    {edit: clusterOf(func(c *api.Cluster) { c.Server = "" }), says: []string{"no server"}},
		"a server without a scheme":    {edit: clusterOf(func(c *api.Cluster) { c.Server = "prod.example:6443" }), says: []string{"https://host:port"}},
		"a server of another kind":     {edit: clusterOf(func(c *api.Cluster) { c.Server = "ftp://prod.example" }), says: []string{`"ftp"`}},
		"a server with a password":     {edit: clusterOf(func(c *api.Cluster) { c.Server = "https://a:" + secretText + "@prod.example" }), says: []string{"with a user"}},
		"a server without TLS":         {edit: clusterOf(func(c *api.Cluster) { c.Server = "http://prod.example" }), says: []string{"without TLS"}},
		"a proxy of another kind":      {edit: clusterOf(func(c *api.Cluster) { c.ProxyURL = "ftp://" + secretText + "@proxy" }), says: []string{"proxy-url"}},
		"nothing":                      {raw: " \n", says: []string{"is empty"}},
		"text that is no YAML":         {raw: "apiVersion: v1\n\ttoken: " + secretText, says: []string{"not readable"}},
		"a list in place of an object": {raw: "users: " + secretText, says: []string{"not readable"}},
		"too much":                     {raw: strings.Repeat("#", maxKubeconfig+1), says: []string{"1048577"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := []byte(tt.raw)
			if tt.edit != nil {
				raw = kubeconfig(t, tt.edit)
			}
			_, err := ParseKubeconfig(raw)
			var refusal *CredentialError
			if !errors.As(err, &refusal) || refusal.Reason != v1alpha1.ReasonCredentialRefused {
				t.Fatalf("got %v, want a refusal", err)
			}
			for _, want := range tt.says {
				if !strings.Contains(refusal.Message, want) {
					t.Errorf("%q does not say %q", refusal.Message, want)
				}
			}
			if strings.Contains(refusal.Message, secretText) {
				t.Errorf("the message has the credential in it: %s", refusal.Message)
			}
		})
	}
}

func TestAcceptedKubeconfigs(t *testing.T) {
	t.Parallel()
	base := func(edit func(*rest.Config)) *rest.Config {
		c := &rest.Config{Host: "https://prod.example:6443", BearerToken: secretText}
		if edit != nil {
			edit(c)
		}
		return c
	}
	tests := map[string]struct {
		edit  func(*api.Config, *api.Cluster, *api.AuthInfo)
		want  *rest.Config
		proxy string
	}{
		"a token":                    {want: base(nil)},
		"a token and its line break": {edit: userOf(func(u *api.AuthInfo) { u.Token += "\n" }), want: base(nil)},
		"another name of the server": {
			edit: clusterOf(func(c *api.Cluster) { c.TLSServerName = "kubernetes" }),
			want: base(func(c *rest.Config) { c.ServerName = "kubernetes" }),
		},
		"a tunnel": {
			edit: clusterOf(func(c *api.Cluster) { c.Server = "http://127.0.0.1:8001" }),
			want: base(func(c *rest.Config) { c.Host = "http://127.0.0.1:8001" }),
		},
		"a proxy":       {edit: clusterOf(func(c *api.Cluster) { c.ProxyURL = "socks5://proxy:1080" }), want: base(nil), proxy: "socks5://proxy:1080"},
		"an HTTP proxy": {edit: clusterOf(func(c *api.Cluster) { c.ProxyURL = "http://proxy:3128" }), want: base(nil), proxy: "http://proxy:3128"},
		"what is not used": {
			edit: func(c *api.Config, _ *api.Cluster, _ *api.AuthInfo) {
				c.AuthInfos["other"] = &api.AuthInfo{TokenFile: "/etc/token"}
			},
			want: base(nil),
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseKubeconfig(kubeconfig(t, tt.edit))
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			proxy := ""
			if got.Proxy != nil {
				u, err := got.Proxy(&http.Request{URL: &url.URL{Scheme: "https", Host: "prod.example"}})
				if err != nil {
					t.Fatalf("asking for the proxy: %v", err)
				}
				proxy = u.String()
				got.Proxy = nil
			}
			if proxy != tt.proxy {
				t.Errorf("the proxy is %q, want %q", proxy, tt.proxy)
			}
			want := tt.want
			if diff := cmp.Diff(want.Host+want.BearerToken+want.ServerName, got.Host+got.BearerToken+got.ServerName); diff != "" {
				t.Errorf("config (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParseKubeconfig(f *testing.F) {
	f.Add(kubeconfig(f, nil))
	f.Add(kubeconfig(f, userOf(func(u *api.AuthInfo) { u.TokenFile = "/etc/token" })))
	f.Add(kubeconfig(f, clusterOf(func(c *api.Cluster) { c.ProxyURL = "http://proxy:3128" })))
	f.Add([]byte("users: [{name: a, user: {token: " + secretText + "}}]\ncurrent-context: [x"))
	f.Add([]byte("a: &a [*a, *a]\nclusters: *a"))
	f.Add([]byte("{\"contexts\":[{\"name\":\"" + secretText + "\"}]}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := ParseKubeconfig(raw)
		if err != nil {
			var refusal *CredentialError
			if !errors.As(err, &refusal) {
				t.Fatalf("an error of another type: %v", err)
			}
			if len(refusal.Message) > maxMessage+8 {
				t.Errorf("a message of %d bytes", len(refusal.Message))
			}
			return
		}
		if got.ExecProvider != nil || got.AuthProvider != nil || got.BearerTokenFile != "" || got.CAFile != "" ||
			got.CertFile != "" || got.KeyFile != "" || got.Insecure || got.Username != "" || got.Password != "" || got.Impersonate.UserName != "" {
			t.Errorf("accepted with what is refused: %v", got)
		}
		if _, err := NewConnection(Options{Name: "m", Namespace: "ns", Config: got, Scheme: testScheme, Now: testClock}); err != nil {
			t.Errorf("accepted, and no connection can be made of it: %v", err)
		}
	})
}
