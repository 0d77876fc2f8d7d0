package component

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
)

// ownedValue is a value of a chart that the platform sets.
type ownedValue struct {
	path  []string
	value any // bool or string
	// why the platform must own it; empty for a default that users may change.
	why string
	// absent says that the value is only guarded: it is left to the chart when
	// users don't set it.
	absent bool
}

const (
	whyCRDs     = "the platform applies the custom resource definitions and never removes one that has instances"
	whyMonitors = "the platform delivers the ServiceMonitors itself, and each target would be scraped twice; " +
		"use spec.observability.serviceMonitors"
	whyNamespace = "the component runs in the namespace of its spec; set namespace there"
)

func certManagerValues(spec *v1alpha1.Component, _ Options) []ownedValue {
	namespace := namespaceOf(spec)
	return []ownedValue{
		{path: []string{"crds", "enabled"}, value: true, why: whyCRDs},
		{path: []string{"crds", "keep"}, value: true, why: whyCRDs},
		{path: []string{"startupapicheck", "enabled"}, value: false, why: "the platform waits for cert-manager's API itself"},
		{path: []string{"prometheus", "servicemonitor", "enabled"}, value: false, why: whyMonitors},
		{path: []string{"prometheus", "podmonitor", "enabled"}, value: false, why: whyMonitors, absent: true},
		{path: []string{"namespace"}, value: namespace, why: whyNamespace, absent: true},
		{path: []string{"global", "leaderElection", "namespace"}, value: namespace},
	}
}

func trustManagerValues(spec *v1alpha1.Component, opts Options) []ownedValue {
	return []ownedValue{
		{path: []string{"crds", "enabled"}, value: true, why: whyCRDs},
		{path: []string{"crds", "keep"}, value: true, why: whyCRDs},
		{path: []string{"app", "trust", "namespace"}, value: opts.certManagerNamespace(),
			why: "bundles are built from Secrets and ConfigMaps in cert-manager's namespace, where the platform expects them"},
		{path: []string{"app", "webhook", "tls", "helmCert", "enabled"}, value: false,
			why: "the chart would make a private key outside of the cluster; cert-manager issues the certificate"},
		{path: []string{"app", "metrics", "service", "servicemonitor", "enabled"}, value: false, why: whyMonitors},
		{path: []string{"namespace"}, value: namespaceOf(spec), why: whyNamespace, absent: true},
	}
}

// valuesOf merges the user's values with the platform's. The user's win, and
// where they must not, they are refused rather than overwritten.
func valuesOf(name desired.PartName, def definition, spec *v1alpha1.Component, opts Options) (map[string]any, *desired.Hold) {
	values, err := userValues(spec)
	if err != nil {
		return nil, hold(v1alpha1.ReasonInvalidValues,
			"spec.components.%s.values: %v; expected an object with the values of the chart", def.field, err)
	}
	var refused []string
	for _, owned := range def.owned(spec, opts) {
		found, ok := lookup(values, owned.path)
		switch {
		case !ok:
			if owned.absent {
				continue
			}
			if at, blocked := set(values, owned.path, owned.value); blocked {
				refused = append(refused, fmt.Sprintf("%s: found a value that is no object, expected an object", strings.Join(at, ".")))
			}
		case owned.why == "" || found == owned.value:
		default:
			refused = append(refused, fmt.Sprintf("%s: found %s, expected %s, because %s",
				strings.Join(owned.path, "."), shown(found), shown(owned.value), owned.why))
		}
	}
	if len(refused) > 0 {
		return nil, hold(v1alpha1.ReasonInvalidValues,
			"spec.components.%s.values of %s fights with the platform: %s. Remove the keys from values",
			def.field, name, strings.Join(slices.Compact(refused), "; "))
	}
	return values, nil
}

// userValues keeps numbers as they are written: a template prints a float64 of a
// million as 1e+06.
func userValues(spec *v1alpha1.Component) (map[string]any, error) {
	values := map[string]any{}
	if spec.Values == nil || len(spec.Values.Raw) == 0 {
		return values, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(spec.Values.Raw))
	decoder.UseNumber()
	if err := decoder.Decode(&values); err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	if values == nil {
		values = map[string]any{}
	}
	return values, nil
}

// lookup returns the value at the path. A null counts as unset, since Helm takes
// it for "remove the chart's default".
func lookup(values map[string]any, path []string) (any, bool) {
	var current any = values
	for _, key := range path {
		m, ok := current.(map[string]any)
		if !ok {
			return nil, false
		}
		if current, ok = m[key]; !ok || current == nil {
			return nil, false
		}
	}
	return current, true
}

// set puts the value at the path and creates what is missing above it. It says
// where something else than an object is in the way.
func set(values map[string]any, path []string, value any) (at []string, blocked bool) {
	current := values
	for i, key := range path[:len(path)-1] {
		switch next := current[key].(type) {
		case nil:
			created := map[string]any{}
			current[key] = created
			current = created
		case map[string]any:
			current = next
		default:
			return path[:i+1], true
		}
	}
	current[path[len(path)-1]] = value
	return nil, false
}

// shown is a value as JSON, bounded.
func shown(value any) string {
	const most = 80
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("a value of type %T", value)
	}
	if text := []rune(string(raw)); len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(raw)
}
