package harness

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// certificateLife is long enough for a demo that is left running, and short
// enough that a stolen key is worth nothing by the time anyone looks.
const certificateLife = 30 * 24 * time.Hour

// keyPair is a certificate and its key in PEM.
type keyPair struct{ cert, key []byte }

// authority is a cluster's certificate authority. One serves for clients,
// servers and the aggregator's front proxy, told apart by their common names.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  keyPair
}

func newAuthority(name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generating the key of CA %q: %w", name, err)
	}
	template, err := certificateTemplate(pkix.Name{CommonName: name})
	if err != nil {
		return nil, err
	}
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("signing CA %q: %w", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading back CA %q: %w", name, err)
	}
	pair, err := encodePair(der, key)
	if err != nil {
		return nil, err
	}
	return &authority{cert: cert, key: key, pem: pair}, nil
}

// client issues a client certificate for a user in groups.
func (a *authority) client(user string, groups ...string) (keyPair, error) {
	template, err := certificateTemplate(pkix.Name{CommonName: user, Organization: groups})
	if err != nil {
		return keyPair{}, err
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.issue(template)
}

// server issues the API server's certificate.
func (a *authority) server() (keyPair, error) {
	template, err := certificateTemplate(pkix.Name{CommonName: "kube-apiserver"})
	if err != nil {
		return keyPair{}, err
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.DNSNames = []string{
		"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
	}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback, net.IPv4(10, 0, 0, 1)}
	return a.issue(template)
}

func (a *authority) issue(template *x509.Certificate) (keyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keyPair{}, fmt.Errorf("generating the key of %q: %w", template.Subject.CommonName, err)
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return keyPair{}, fmt.Errorf("signing the certificate of %q: %w", template.Subject.CommonName, err)
	}
	return encodePair(der, key)
}

func certificateTemplate(subject pkix.Name) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("drawing the serial number of %q: %w", subject.CommonName, err)
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial, Subject: subject,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
	}, nil
}

// newServiceAccountKey returns the key that signs ServiceAccount tokens, and
// the public key that verifies them.
func newServiceAccountKey() (keyPair, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return keyPair{}, fmt.Errorf("generating the ServiceAccount key: %w", err)
	}
	private, err := encodeKey(key)
	if err != nil {
		return keyPair{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return keyPair{}, fmt.Errorf("encoding the ServiceAccount public key: %w", err)
	}
	return keyPair{cert: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), key: private}, nil
}

func encodePair(der []byte, key crypto.PrivateKey) (keyPair, error) {
	private, err := encodeKey(key)
	if err != nil {
		return keyPair{}, err
	}
	return keyPair{cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), key: private}, nil
}

func encodeKey(key crypto.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// pki is all that a control plane's own processes need; the files are in dir.
type pki struct {
	dir string
	ca  *authority
}

// newPKI makes a cluster's keys and writes those that processes read as files:
// NAME.crt and NAME.key of ca, server, front-proxy and service-account.
func newPKI(dir, cluster string) (*pki, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the PKI folder of cluster %s: %w", cluster, err)
	}
	ca, err := newAuthority("kubernetes-ca-" + cluster)
	if err != nil {
		return nil, err
	}
	server, err := ca.server()
	if err != nil {
		return nil, err
	}
	frontProxy, err := ca.client(frontProxyUser)
	if err != nil {
		return nil, err
	}
	serviceAccount, err := newServiceAccountKey()
	if err != nil {
		return nil, err
	}
	p := &pki{dir: dir, ca: ca}
	for name, pair := range map[string]keyPair{
		"ca": ca.pem, "server": server, "front-proxy": frontProxy, "service-account": serviceAccount,
	} {
		for path, content := range map[string][]byte{p.certFile(name): pair.cert, p.keyFile(name): pair.key} {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				return nil, fmt.Errorf("writing the PKI of cluster %s: %w", cluster, err)
			}
		}
	}
	return p, nil
}

// signToken returns a ServiceAccount's token as the API server would make it, for
// times that it would not agree to.
func (p *pki) signToken(namespace, account string, issued, expires time.Time) (string, error) {
	raw, err := os.ReadFile(p.keyFile("service-account"))
	if err != nil {
		return "", fmt.Errorf("reading the ServiceAccount key: %w", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return "", fmt.Errorf("reading the ServiceAccount key: %s holds no PEM", p.keyFile("service-account"))
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("parsing the ServiceAccount key: %w", err)
	}
	signer, ok := key.(*rsa.PrivateKey)
	if !ok {
		return "", fmt.Errorf("the ServiceAccount key is a %T", key)
	}
	claims, err := json.Marshal(map[string]any{
		"iss": serviceAccountIssuer, "aud": []string{serviceAccountIssuer}, "sub": "system:serviceaccount:" + namespace + ":" + account,
		"iat": issued.Unix(), "nbf": issued.Unix(), "exp": expires.Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("encoding the claims of a token: %w", err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, signer, crypto.SHA256, digest[:])
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return signed + "." + encode(signature), nil
}

func (p *pki) certFile(name string) string { return filepath.Join(p.dir, name+".crt") }
func (p *pki) keyFile(name string) string  { return filepath.Join(p.dir, name+".key") }
