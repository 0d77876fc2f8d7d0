package chart

import (
	"errors"
	"text/template"
)

const (
	whySecret = "would put a secret into the plan: set the value that lets the chart use an existing Secret or cert-manager"
	whyRandom = "would make every plan differ from the one before: set the value that it stands in for"
)

// repeatable replaces the template functions whose result is another one each
// time, or a secret.
var repeatable = func() template.FuncMap {
	functions := template.FuncMap{}
	for _, name := range []string{
		"genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey",
	} {
		functions[name] = func(...any) keyPair { return keyPair{function: name} }
	}
	for _, name := range []string{"genPrivateKey", "derivePassword", "bcrypt", "htpasswd", "encryptAES"} {
		functions[name] = func(...any) (string, error) { return "", refused(name, whySecret) }
	}
	for _, name := range []string{
		"randAlphaNum", "randAlpha", "randAscii", "randNumeric", "randBytes", "randInt", "shuffle", "uuidv4", "now", "ago",
	} {
		functions[name] = func(...any) (string, error) { return "", refused(name, whyRandom) }
	}
	return functions
}()

func refused(function, why string) error {
	return errors.New("template function " + function + " " + why)
}

// keyPair stands for a certificate and its key, and is neither. Charts may make
// one that they don't use, as trust-manager's does; only the use fails.
type keyPair struct{ function string }

// Cert fails.
func (k keyPair) Cert() (string, error) { return "", refused(k.function, whySecret) }

// Key fails.
func (k keyPair) Key() (string, error) { return "", refused(k.function, whySecret) }
