package reference

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

const (
	// fieldArgument and fieldVariable are the fields of guesses.
	fieldArgument = "containers[*].args[*]"
	fieldVariable = "containers[*].env[*].value"

	// maxArguments that are looked at, of one container, and the longest.
	maxArguments = 1024
	maxArgument  = 8192
	maxFlag      = 64
)

// knownFlag is a flag that is known to take the name of a Secret.
type knownFlag struct {
	// own says that the value is the name alone, in the Pod's namespace;
	// otherwise it is namespace/name.
	own   bool
	layer v1alpha1.Layer
}

// knownFlags without their leading dashes.
var knownFlags = map[string]knownFlag{
	// ingress-nginx and both of the HAProxy controllers.
	"default-ssl-certificate": {layer: v1alpha1.LayerIngress},
	// NGINX Ingress Controller of F5.
	"default-server-tls-secret": {layer: v1alpha1.LayerIngress},
	"wildcard-tls-secret":       {layer: v1alpha1.LayerIngress},
	// Webhooks of cert-manager and its approver-policy.
	"dynamic-serving-ca-secret-name": {own: true, layer: v1alpha1.LayerApplication},
}

// arguments finds Secrets that a container names on its command line. What a
// flag is for is rarely known, so what has the form namespace/name is a guess.
func (c *collector) arguments(container *corev1.Container) {
	left, flag := maxArguments, ""
	for _, list := range [...][]string{container.Command, container.Args} {
		for _, argument := range list {
			if len(argument) > maxArgument {
				continue
			}
			// A shell's command is one argument of several words.
			for word := range strings.FieldsSeq(argument) {
				if left--; left < 0 {
					return
				}
				flag = c.argument(container, flag, word)
			}
		}
	}
}

// argument judges one word after a flag. It returns the flag that the next word
// may be the value of.
func (c *collector) argument(container *corev1.Container, flag, word string) string {
	word = strings.Trim(word, `"';`)
	if !strings.HasPrefix(word, "-") {
		c.named(flag, c.expand(container, word))
		return ""
	}
	flag, value, found := strings.Cut(word, "=")
	if !found {
		return flag
	}
	c.named(flag, c.expand(container, strings.Trim(value, `"'`)))
	return ""
}

// named adds the Secret that the value of a flag names, if it does.
func (c *collector) named(flag, value string) {
	name := strings.TrimLeft(flag, "-")
	known, certain := knownFlags[name]
	field := fieldArgument
	if certain || isLongFlag(flag) {
		field = flag
	}
	namespace, secret, ok := qualified(value)
	switch {
	case certain && known.own:
		c.own(Secret, value, field, known.layer)
	case certain && ok:
		c.add(Reference{
			Target: Target{Kind: Secret, Namespace: namespace, Name: secret},
			Field:  field, Layer: known.layer, Certain: true,
		})
	case certain:
	case ok:
		c.guess(namespace, secret, field)
	case secretFlag(name):
		c.guess(c.namespace, value, field)
	}
}

// isLongFlag says whether a word is the name of a flag and nothing else. What
// follows a single dash may be a value, and is not to be kept.
func isLongFlag(word string) bool {
	name, found := strings.CutPrefix(word, "--")
	return found && len(name) <= maxFlag && isSubdomain(letters(name))
}

// variable adds a guess for an environment variable with a plain value.
func (c *collector) variable(v *corev1.EnvVar) {
	if namespace, name, ok := qualified(v.Value); ok {
		c.guess(namespace, name, fieldVariable)
	} else if secretVariable(v.Name) {
		c.guess(c.namespace, v.Value, fieldVariable)
	}
}

// secretFlag says whether a flag's name says that its value is the name of a
// Secret. It is strict: the value of a flag such as --client-secret is a secret
// itself, and is not to be kept.
func secretFlag(name string) bool {
	name = letters(name)
	for _, end := range [...]string{"secretname", "tlssecret", "certsecret", "certificatesecret", "casecret"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// letters of a name in lower case, so that its spelling does not matter.
func letters(name string) string {
	if len(name) > maxFlag {
		name = name[len(name)-maxFlag:]
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r == '-' || r == '_' || r == '.':
			return -1
		}
		return r
	}, name)
}

// expand replaces $(VARIABLE) at the start of a value by the value that the
// container's environment gives. The charts of ingress-nginx write
// $(POD_NAMESPACE)/name.
func (c *collector) expand(container *corev1.Container, value string) string {
	rest, found := strings.CutPrefix(value, "$(")
	if !found {
		return value
	}
	name, rest, found := strings.Cut(rest, ")")
	if !found {
		return value
	}
	for i := range container.Env {
		v := &container.Env[i]
		switch {
		case v.Name != name:
		case v.Value != "":
			return v.Value + rest
		case v.ValueFrom != nil && v.ValueFrom.FieldRef != nil && v.ValueFrom.FieldRef.FieldPath == "metadata.namespace":
			return c.namespace + rest
		}
	}
	return value
}
