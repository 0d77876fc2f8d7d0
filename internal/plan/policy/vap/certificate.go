package vap

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/policy"
)

// byDefault is added to what was found when cert-manager's default was judged.
const byDefault = `" (cert-manager's default)"`

// privateKey compiles the rule about private keys for Certificates.
func privateKey(in *v1alpha1.PrivateKeyRule) rule {
	const (
		algorithm = ".spec.?privateKey.?algorithm"
		size      = ".spec.?privateKey.?size"
		rotation  = ".spec.?privateKey.?rotationPolicy"
	)
	out := rule{name: v1alpha1.RulePrivateKey, changed: differs(algorithm, size, rotation)}
	if len(in.Allowed) > 0 {
		out.variables = []admissionregistrationv1.Variable{
			{Name: "keyAlgorithm", Expression: orEmpty("object"+algorithm) + ` == "" ? ` +
				literal(policy.DefaultKeyAlgorithm) + ` : object.spec.privateKey.algorithm`},
			{Name: "keySize", Expression: "object" + size + `.orValue(0) != 0 ? object.spec.privateKey.size : ` +
				`(variables.keyAlgorithm == "RSA" ? ` + strconv.Itoa(policy.DefaultRSASize) + " : " + strconv.Itoa(policy.DefaultECDSASize) + ")"},
		}
		allowed, readable := allowedKeys(in.Allowed)
		out.findings = append(out.findings, finding{
			broken: "!(" + allowed + ")",
			message: text(
				literal("PrivateKey: a key of "),
				clip("variables.keyAlgorithm", 20),
				`(variables.keyAlgorithm == "Ed25519" ? "" : " " + string(variables.keySize))`,
				"("+orEmpty("object"+algorithm)+` == "" ? `+byDefault+` : "")`,
				literal(" is not allowed; set spec.privateKey to "+readable),
			),
		})
	}
	if in.RotationPolicy != "" {
		out.variables = append(out.variables, admissionregistrationv1.Variable{
			Name: "rotationPolicy",
			Expression: orEmpty("object"+rotation) + ` == "" ? ` +
				literal(policy.DefaultRotationPolicy) + ` : object.spec.privateKey.rotationPolicy`,
		})
		out.findings = append(out.findings, finding{
			broken: "variables.rotationPolicy != " + literal(string(in.RotationPolicy)),
			message: text(
				literal("PrivateKey: a rotation policy of "),
				clip("variables.rotationPolicy", 20),
				literal(" is not allowed; set spec.privateKey.rotationPolicy to "+string(in.RotationPolicy)),
			),
		})
	}
	return out
}

// allowedKeys is the condition in CEL and the same for people.
func allowedKeys(keys []v1alpha1.AllowedKey) (condition, readable string) {
	var conditions, texts []string
	for _, key := range keys {
		c, t := "variables.keyAlgorithm == "+literal(string(key.Algorithm)), string(key.Algorithm)
		if key.MinSize > 0 {
			c += fmt.Sprintf(" && variables.keySize >= %d", key.MinSize)
			t += fmt.Sprintf(" of at least %d bits", key.MinSize)
		}
		conditions, texts = append(conditions, "("+c+")"), append(texts, t)
	}
	return strings.Join(conditions, " || "), enumerate(texts)
}

// maxDuration compiles the rule about durations, for Certificates and
// CertificateRequests, which have it in the same field.
func maxDuration(longest time.Duration) rule {
	limit := hours(longest)
	return rule{
		name:    v1alpha1.RuleMaxDuration,
		changed: differs(".spec.?duration"),
		variables: []admissionregistrationv1.Variable{{
			Name:       "duration",
			Expression: "object.spec.?duration.orValue(" + literal(hours(policy.DefaultDuration)) + ")",
		}},
		findings: []finding{{
			broken: "duration(variables.duration) > duration(" + literal(limit) + ")",
			message: text(
				literal("MaxDuration: a duration of "),
				clip("variables.duration", 40),
				`(has(object.spec.duration) ? "" : `+byDefault+`)`,
				literal(" is longer than "+limit+"; set spec.duration to "+limit+" or less"),
			),
		}},
	}
}

// hours writes a duration in whole hours where it is one.
func hours(d time.Duration) string {
	if d%time.Hour == 0 {
		return strconv.FormatInt(int64(d/time.Hour), 10) + "h"
	}
	return d.String()
}
