package chart

import (
	"strings"
	"testing"
)

func TestCredentialsAreFoundByRepository(t *testing.T) {
	const config = `{"auths": {
		"https://index.docker.io/v1/": {"username": "docker", "password": "p"},
		"registry.example.com": {"auth": "aG9zdDpwOnE="},
		"registry.example.com/team": {"username": "team", "password": "p"},
		"http://Old.Example.com:5000/v2/": {"username": "old", "password": "p"},
		"token.example.com": {"identitytoken": "t"},
		"empty.example.com": {}
	}}`
	credentials, err := ParseDockerConfig([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		repository string
		want       Credential
		found      bool
	}{
		"Docker Hub under its short name":   {"docker.io/library/x", Credential{Username: "docker", Password: "p"}, true},
		"a host, with a colon in password":  {"registry.example.com/charts/x", Credential{Username: "host", Password: "p:q"}, true},
		"the longest path wins":             {"registry.example.com/team/charts/x", Credential{Username: "team", Password: "p"}, true},
		"a path only at its boundary":       {"registry.example.com/teams/x", Credential{Username: "host", Password: "p:q"}, true},
		"a URL with a port":                 {"old.example.com:5000/x", Credential{Username: "old", Password: "p"}, true},
		"another port is another host":      {"old.example.com/x", Credential{}, false},
		"an identity token":                 {"token.example.com/x", Credential{IdentityToken: "t"}, true},
		"an entry without content":          {"empty.example.com/x", Credential{}, false},
		"a host that ends like another one": {"evil-registry.example.com/x", Credential{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, found := credentials.For(c.repository)
			if got != c.want || found != c.found {
				t.Errorf("For(%q) = %+v, %t, want %+v, %t", c.repository, got, found, c.want, c.found)
			}
		})
	}
}

func TestDockerConfigThatCanNotBeRead(t *testing.T) {
	for name, c := range map[string]struct{ config, part string }{
		"no JSON":             {`secret-password`, "is not JSON of the form"},
		"another shape":       {`{"auths": ["secret-password"]}`, "is not JSON of the form"},
		"auth without base64": {`{"auths": {"h": {"auth": "secret-password!"}}}`, "expected base64"},
		"auth without colon":  {`{"auths": {"h": {"auth": "c2VjcmV0LXBhc3N3b3Jk"}}}`, "found no colon"},
		"more than a Secret":  {strings.Repeat(" ", maxDockerConfig+1), "expected at most"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseDockerConfig([]byte(c.config))
			if err == nil || !strings.Contains(err.Error(), c.part) {
				t.Fatalf("got %v, want %q", err, c.part)
			}
			if strings.Contains(err.Error(), "secret-password") {
				t.Errorf("the error quotes the content: %v", err)
			}
		})
	}
}

func FuzzParseDockerConfig(f *testing.F) {
	f.Add([]byte(`{"auths": {"registry.example.com": {"auth": "aG9zdDpwOnE="}}}`))
	f.Add([]byte(`{"auths": {"https://index.docker.io/v1/": {"username": "u", "password": "p"}}}`))
	f.Add([]byte(`{"auths": null}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		credentials, err := ParseDockerConfig(raw)
		if err != nil {
			return
		}
		for name, credential := range credentials.entries {
			got, ok := credentials.For(name)
			if !ok || got == (Credential{}) || credential == (Credential{}) {
				t.Errorf("entry %q is not found under its own name", name)
			}
		}
	})
}
