package scenarios

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// refused are objects that the API server must not accept: each case changes
// one thing of a small valid platform.
var refused = []Scenario{
	{"Specs that can't be meant are refused at admission, and told what to change", false, badSpecsAreRefused},
}

const smallPlatform = `apiVersion: tlsplatform.io/v1alpha1
kind: TLSPlatform
metadata:
  name: refused
spec:
  suspend: true
  issuers:
  - name: internal
    backends:
    - {name: ca, ca: {generate: {commonName: CA}}}
  policy:
    rules:
      maxDuration: 2160h
      dnsNames: {allowed: ["**.example.com"]}
    exceptions:
    - {name: legacy, namespaces: [billing], rules: [PrivateKey], reason: Old terminals speak RSA 2048 only, until: "2027-01-01T00:00:00Z"}
  trust:
    bundles:
    - {name: ca, sources: [{issuer: internal}], namespaceSelector: {}}
`

// badSpec is one thing that is wrong.
type badSpec struct {
	name     string
	from, to string
	says     []string
}

var badSpecs = []badSpec{
	{
		"two issuers of one name",
		"  issuers:\n", "  issuers:\n  - name: internal\n    backends: [{name: other, selfSigned: {}}]\n",
		[]string{"spec.issuers[1]", "Duplicate value", "internal"},
	},
	{
		"an issuer with no backend",
		"    backends:\n    - {name: ca, ca: {generate: {commonName: CA}}}\n", "    backends: []\n",
		[]string{"spec.issuers[0].backends", "at least 1 item"},
	},
	{
		"a backend of no kind",
		"{name: ca, ca: {generate: {commonName: CA}}}", "{name: ca}",
		[]string{"exactly one of selfSigned, ca, acme, vault or venafi"},
	},
	{
		"a backend of two kinds",
		"{name: ca, ca: {generate: {commonName: CA}}}", "{name: ca, selfSigned: {}, ca: {generate: {commonName: CA}}}",
		[]string{"exactly one of selfSigned, ca, acme, vault or venafi"},
	},
	{
		"a maximum duration below one hour",
		"maxDuration: 2160h", "maxDuration: 59m",
		[]string{"maxDuration must be at least 1h"},
	},
	{
		"a DNS pattern that matches everything",
		`["**.example.com"]`, `["**"]`,
		[]string{"a pattern that matches everything is not a rule"},
	},
	{
		"an exception with no end date",
		`, until: "2027-01-01T00:00:00Z"`, "",
		[]string{"spec.policy.exceptions[0].until", "Required value"},
	},
	{
		"an exception with no reason to speak of",
		"reason: Old terminals speak RSA 2048 only", "reason: because",
		[]string{"spec.policy.exceptions[0].reason", "at least 10"},
	},
	{
		"a Managed component without a version",
		"  suspend: true\n", "  suspend: true\n  components: {certManager: {}}\n",
		[]string{"a Managed component needs version"},
	},
	{
		"a bundle without a namespaceSelector",
		", namespaceSelector: {}", "",
		[]string{"namespaceSelector", "Required value"},
	},
	{
		"a trust source of two kinds",
		"{issuer: internal}", "{issuer: internal, useDefaultCAs: true}",
		[]string{"a source is exactly one of"},
	},
	{
		"a health timeout that is no time at all",
		"  suspend: true\n", "  suspend: true\n  components: {certManager: {version: v1.21.2, healthTimeout: 1s}}\n",
		[]string{"healthTimeout must be between 10s and 1h"},
	},
}

func badSpecsAreRefused(ctx context.Context, w *World, t Teller) error {
	var errs []error
	for _, c := range badSpecs {
		if strings.Count(smallPlatform, c.from) != 1 {
			return fmt.Errorf("%s: the case does not fit the small platform", c.name)
		}
		manifest := strings.Replace(smallPlatform, c.from, c.to, 1)
		_, err := w.Cluster.Kubectl(ctx, manifest, "apply", "--dry-run=server", "-f", "-")
		if err == nil {
			errs = append(errs, fmt.Errorf("%s was accepted", c.name))
			continue
		}
		t.Show(c.name, err.Error())
		if err := contains(err.Error(), c.says...); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	// The small platform itself must pass, or the refusals prove nothing.
	if _, err := w.Cluster.Kubectl(ctx, smallPlatform, "apply", "--dry-run=server", "-f", "-"); err != nil {
		errs = append(errs, fmt.Errorf("the valid platform was refused: %w", err))
	}
	const second = "apiVersion: tlsplatform.io/v1alpha1\nkind: MemberCluster\nmetadata: {name: other}\nspec: {connection: {type: Local}}\n"
	if _, err := w.Cluster.Kubectl(ctx, second, "apply", "--dry-run=server", "-f", "-"); err == nil {
		errs = append(errs, errors.New("a second local MemberCluster was accepted"))
	}
	return errors.Join(errs...)
}
