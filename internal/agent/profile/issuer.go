package profile

import (
	"encoding/json"
	"net"
	"net/url"
	"strings"
)

// IssuerRecord is what is kept of an Issuer or ClusterIssuer.
type IssuerRecord struct {
	// Backend is the identity of what stands behind the issuer, as in
	// v1alpha1.IssuerProfile. It is empty for a CA.
	Backend string
	// Secret with the certificate of a CA, empty for other backends. That of an
	// Issuer is in its namespace, that of a ClusterIssuer in the namespace that
	// cert-manager is told to look in.
	Secret string
	// Ready repeats the condition.
	Ready bool
	// Declared by the platform.
	Declared bool
}

func (*IssuerRecord) isRecord() {}

// issuer is the part of an Issuer that says who signs (cert-manager.io/v1,
// pkg/apis/certmanager/v1/types_issuer.go). Fields that are not looked at can't
// make an object unreadable.
type issuer struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		ACME *struct {
			Server string `json:"server"`
		} `json:"acme"`
		CA *struct {
			SecretName string `json:"secretName"`
		} `json:"ca"`
		Vault      *vault    `json:"vault"`
		Venafi     *venafi   `json:"venafi"`
		SelfSigned *struct{} `json:"selfSigned"`
	} `json:"spec"`
	Status struct {
		Conditions []struct {
			Type   string `json:"type"`
			Status string `json:"status"`
		} `json:"conditions"`
	} `json:"status"`
}

type vault struct {
	Server    string `json:"server"`
	Path      string `json:"path"`
	Namespace string `json:"namespace"`
}

type venafi struct {
	Zone string `json:"zone"`
	TPP  *struct {
		URL string `json:"url"`
	} `json:"tpp"`
	Cloud *struct {
		URL string `json:"url"`
	} `json:"cloud"`
	NGTS *struct {
		URL   string `json:"url"`
		TSGID string `json:"tsgID"`
	} `json:"ngts"`
}

func reduceIssuer(raw []byte) (metadata, Record, error) {
	var o issuer
	if err := json.Unmarshal(raw, &o); err != nil {
		return o.Metadata, nil, err
	}
	r := &IssuerRecord{Declared: o.Metadata.declared()}
	if o.Spec.CA != nil && o.Spec.ACME == nil {
		r.Secret = o.Spec.CA.SecretName
	} else {
		r.Backend = text(o.backend(), maxText)
	}
	for _, c := range o.Status.Conditions {
		if c.Type == "Ready" {
			r.Ready = c.Status == "True"
		}
	}
	return o.Metadata, r, nil
}

// unknownBackend stands for what can't be told.
const unknownBackend = "unknown"

func (o *issuer) backend() string {
	spec := &o.Spec
	switch {
	case spec.ACME != nil:
		return "acme " + canonicalURL(spec.ACME.Server)
	case spec.Vault != nil:
		return "vault " + canonicalURL(spec.Vault.Server) + " " + spec.Vault.path()
	case spec.Venafi != nil:
		return spec.Venafi.backend()
	case spec.SelfSigned != nil:
		return "selfSigned"
	}
	return unknownBackend
}

// path of the endpoint. A namespace of Vault may be told in a header or as the
// start of the path, which means the same.
func (v *vault) path() string {
	path := strings.Trim(v.Path, "/")
	if namespace := strings.Trim(v.Namespace, "/"); namespace != "" {
		return namespace + "/" + path
	}
	return path
}

// Where cert-manager looks when an issuer names no server.
const (
	defaultVenafiCloud = "https://api.venafi.cloud"
	defaultVenafiNGTS  = "https://api.strata.paloaltonetworks.com/ngts"
)

func (v *venafi) backend() string {
	switch {
	case v.TPP != nil:
		// The client appends the path of the API unless it is there.
		return "venafi " + strings.TrimSuffix(canonicalURL(v.TPP.URL), "/vedsdk") + " " + v.Zone
	case v.Cloud != nil:
		return "venafi " + canonicalURL(orDefault(v.Cloud.URL, defaultVenafiCloud)) + " " + v.Zone
	case v.NGTS != nil:
		// Zones are those of a tenant.
		return "venafi " + canonicalURL(orDefault(v.NGTS.URL, defaultVenafiNGTS)) + " " + v.NGTS.TSGID + "/" + v.Zone
	}
	return unknownBackend
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// invalidURL stands for a server that is no URL. It is not repeated, since it
// may hold credentials that could not be told from the rest.
const invalidURL = "invalid"

// canonicalURL is the same for URLs of the same server and path: without
// credentials, query, fragment, default port and trailing slashes, and with
// scheme and host in lower case.
func canonicalURL(raw string) string {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Host == "" || u.Opaque != "" {
		return invalidURL
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		port = ""
	}
	switch {
	case host == "":
		return invalidURL
	case port != "":
		host = net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	return u.Scheme + "://" + host + strings.TrimRight(u.EscapedPath(), "/")
}
