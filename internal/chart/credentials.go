package chart

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"oras.land/oras-go/v2/registry/remote/auth"
)

// maxDockerConfig bounds a docker configuration, in bytes; a Secret holds no
// more.
const maxDockerConfig = 1 << 20

// Credential authenticates against one registry.
type Credential struct {
	// Username and Password, or
	Username, Password string
	// IdentityToken, which is exchanged for an access token, or
	IdentityToken string
	// RegistryToken, which is sent as it is.
	RegistryToken string
}

// Credentials are the credentials of a pull Secret, by registry host or by
// host and the beginning of a path. The zero value has none.
type Credentials struct {
	entries map[string]Credential
}

// ParseDockerConfig reads the content of a Secret of type
// kubernetes.io/dockerconfigjson. Wildcards in host names match nothing. Errors
// never quote the content.
func ParseDockerConfig(raw []byte) (Credentials, error) {
	if len(raw) > maxDockerConfig {
		return Credentials{}, fmt.Errorf("docker configuration of %d bytes: expected at most %d", len(raw), maxDockerConfig)
	}
	var config struct {
		Auths map[string]struct {
			Auth          string `json:"auth"`
			Username      string `json:"username"`
			Password      string `json:"password"`
			IdentityToken string `json:"identitytoken"`
			RegistryToken string `json:"registrytoken"`
		} `json:"auths"`
	}
	if err := json.Unmarshal(raw, &config); err != nil {
		// The decoder's message may quote what it read.
		return Credentials{}, errors.New(`docker configuration is not JSON of the form {"auths": {"registry.example.com": {"auth": "…"}}}`)
	}
	credentials := Credentials{entries: make(map[string]Credential, len(config.Auths))}
	for key, entry := range config.Auths {
		credential := Credential{
			Username: entry.Username, Password: entry.Password,
			IdentityToken: entry.IdentityToken, RegistryToken: entry.RegistryToken,
		}
		if entry.Auth != "" {
			username, password, err := decodeAuth(entry.Auth)
			if err != nil {
				return Credentials{}, fmt.Errorf("docker configuration: auth of %q: %w", foreign(key), err)
			}
			credential.Username, credential.Password = username, password
		}
		name := normaliseRegistry(key)
		if name == "" || credential == (Credential{}) {
			continue
		}
		credentials.entries[name] = credential
	}
	return credentials, nil
}

func decodeAuth(encoded string) (username, password string, err error) {
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", "", errors.New("expected base64 of username:password, found other characters")
	}
	username, password, ok := strings.Cut(string(decoded), ":")
	if !ok {
		return "", "", errors.New("expected base64 of username:password, found no colon")
	}
	// Some tools pad the password with NUL bytes.
	return username, strings.Trim(password, "\x00"), nil
}

// normaliseRegistry makes host or host/path of the key of a docker
// configuration, which may be a URL.
func normaliseRegistry(key string) string {
	name := strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
	name = strings.TrimRight(name, "/")
	host, path, _ := strings.Cut(name, "/")
	if path == "v1" || path == "v2" {
		path = ""
	}
	host = strings.ToLower(host)
	switch host {
	case "index.docker.io", "registry-1.docker.io":
		host = "docker.io"
	}
	if path == "" {
		return host
	}
	return host + "/" + path
}

// For returns the credential of a repository, host/path without a scheme. The
// entry with the longest path that leads to the repository is used, as
// container engines do.
func (c Credentials) For(repository string) (Credential, bool) {
	for name := normaliseRegistry(repository); name != ""; {
		if credential, ok := c.entries[name]; ok {
			return credential, true
		}
		cut := strings.LastIndexByte(name, '/')
		if cut < 0 {
			break
		}
		name = name[:cut]
	}
	return Credential{}, false
}

func (c Credential) forClient() auth.Credential {
	return auth.Credential{
		Username: c.Username, Password: c.Password,
		RefreshToken: c.IdentityToken, AccessToken: c.RegistryToken,
	}
}
