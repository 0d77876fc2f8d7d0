package profile

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// flagType says how a flag is written, and what it means to repeat it.
type flagType uint8

const (
	// scalar has one value; the last one counts.
	scalar flagType = iota
	// boolean is true without a value, and takes none from the next argument.
	boolean
	// list has values with commas between them, and each flag adds some.
	list
	// set is a list of which the order says nothing.
	set
)

// clusterResourceNamespace is the flag for where ClusterIssuers have their
// Secrets.
const clusterResourceNamespace = "cluster-resource-namespace"

// flags of the controller that decide what is issued when a Certificate or an
// Ingress says nothing, and how: those of cmd/controller/app/options of
// cert-manager v1.21 without those about its own connections, its logs and its
// leader election. Some are of earlier releases. config is a file that may set
// all of them.
var flags = map[string]flagType{
	"acme-http01-solver-image":                     scalar,
	"acme-http01-solver-nameservers":               list,
	"auto-certificate-annotations":                 list,
	"certificate-request-maximum-backoff-duration": scalar,
	"certificate-request-minimum-backoff-duration": scalar,
	"cluster-issuer-ambient-credentials":           boolean,
	clusterResourceNamespace:                       scalar,
	"config":                                       scalar,
	"controllers":                                  list,
	"copied-annotation-prefixes":                   list,
	"default-issuer-group":                         scalar,
	"default-issuer-kind":                          scalar,
	"default-issuer-name":                          scalar,
	"dns01-check-retry-period":                     scalar,
	"dns01-recursive-nameservers":                  list,
	"dns01-recursive-nameservers-only":             boolean,
	"enable-certificate-owner-ref":                 boolean,
	"enable-gateway-api":                           boolean,
	"enable-gateway-api-listenerset":               boolean,
	"extra-certificate-annotations":                list,
	"feature-gates":                                set,
	"issuer-ambient-credentials":                   boolean,
	"max-concurrent-challenges":                    scalar,
	"namespace":                                    scalar,
	"renew-before-expiry-duration":                 scalar,
}

// settingsOf are the flags of a controller's Pod that are compared, by name.
func settingsOf(namespace string, pod *corev1.PodSpec) []v1alpha1.Setting {
	c := container(pod, "cert-manager-controller")
	if c == nil {
		return nil
	}
	values := parseFlags(slices.Concat(c.Command, c.Args))
	expand := strings.NewReplacer()
	for i := range c.Env {
		if from := c.Env[i].ValueFrom; from != nil && from.FieldRef != nil && from.FieldRef.FieldPath == "metadata.namespace" {
			expand = strings.NewReplacer("$("+c.Env[i].Name+")", namespace)
		}
	}
	var settings []v1alpha1.Setting
	for name, value := range values {
		settings = append(settings, v1alpha1.Setting{Name: name, Value: text(expand.Replace(value), maxText)})
	}
	slices.SortFunc(settings, func(a, b v1alpha1.Setting) int { return strings.Compare(a.Name, b.Name) })
	return settings
}

// container of a Pod by its name, else the first; nil when there is none.
func container(pod *corev1.PodSpec, name string) *corev1.Container {
	for i := range pod.Containers {
		if pod.Containers[i].Name == name {
			return &pod.Containers[i]
		}
	}
	if len(pod.Containers) == 0 {
		return nil
	}
	return &pod.Containers[0]
}

// parseFlags reads the flags that are compared, as pflag does: --flag=value,
// --flag value, and --flag for a boolean.
func parseFlags(arguments []string) map[string]string {
	values := map[string]string{}
	for i := 0; i < len(arguments); i++ {
		if arguments[i] == "--" {
			break
		}
		flag, isFlag := strings.CutPrefix(arguments[i], "--")
		name, value, inOne := strings.Cut(flag, "=")
		kind, wanted := flags[name]
		if !isFlag || !wanted {
			continue
		}
		switch {
		case inOne:
		case kind == boolean:
			value = "true"
		case i+1 < len(arguments):
			i++
			value = arguments[i]
		default:
			continue
		}
		values[name] = combine(kind, values[name], value)
	}
	return values
}

// combine adds a value of a flag to those before it.
func combine(kind flagType, before, value string) string {
	value = strings.TrimSpace(value)
	switch kind {
	case boolean:
		if b, err := strconv.ParseBool(value); err == nil {
			return strconv.FormatBool(b)
		}
		return value
	case list:
		if before != "" {
			return before + "," + value
		}
		return value
	case set:
		return combineSet(before, value)
	case scalar:
		return value
	}
	return value
}

// combineSet adds assignments to others: each name counts once, with its last
// value.
func combineSet(before, value string) string {
	last := map[string]string{}
	for _, item := range strings.Split(before+","+value, ",") {
		name, _, _ := strings.Cut(item, "=")
		if name = strings.TrimSpace(name); name != "" {
			last[name] = strings.TrimSpace(item)
		}
	}
	items := make([]string, 0, len(last))
	for _, item := range last {
		items = append(items, item)
	}
	slices.Sort(items)
	return strings.Join(items, ",")
}
