package cli

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// kindAliases are the kinds that a record can be of, by the names that kubectl
// takes for them.
var kindAliases = map[string]string{
	"secret": "Secret", "secrets": "Secret",
	"configmap": "ConfigMap", "configmaps": "ConfigMap", "cm": "ConfigMap",
	"mutatingwebhookconfiguration":    "MutatingWebhookConfiguration",
	"mutatingwebhookconfigurations":   "MutatingWebhookConfiguration",
	"validatingwebhookconfiguration":  "ValidatingWebhookConfiguration",
	"validatingwebhookconfigurations": "ValidatingWebhookConfiguration",
	"apiservice":                      "APIService", "apiservices": "APIService",
	"customresourcedefinition":  "CustomResourceDefinition",
	"customresourcedefinitions": "CustomResourceDefinition",
	"crd":                       "CustomResourceDefinition", "crds": "CustomResourceDefinition",
	"certificaterequest": "CertificateRequest", "certificaterequests": "CertificateRequest",
	"cr": "CertificateRequest", "crs": "CertificateRequest",
	"endpoint": kindEndpoint, "endpoints": kindEndpoint,
}

// clusterKinds have no namespace.
var clusterKinds = []string{
	"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "APIService", "CustomResourceDefinition",
}

var (
	knownLayers = []string{
		string(v1alpha1.LayerIngress), string(v1alpha1.LayerMesh), string(v1alpha1.LayerApplication),
	}
	knownRoles  = []string{"Serving", roleBundle, "Authority", roleServed}
	knownOrders = []string{string(sortByExpiry), string(sortByName), string(sortByNamespace)}
)

// kindOf is the kind that a name stands for.
func kindOf(name string) (string, bool) {
	kind, ok := kindAliases[strings.ToLower(name)]
	return kind, ok
}

// allKinds lists the kinds that a record can be of.
func allKinds() []string {
	var kinds []string
	for _, kind := range kindAliases {
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}

// checkKnown returns the values as the known ones are written. One that is not
// known is an error that lists those that are.
func checkKnown(flag string, values, known []string) ([]string, error) {
	var list []string
	for _, v := range values {
		i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, v) })
		if i < 0 {
			return nil, fmt.Errorf("--%s: %q is not known: use one of %s", flag, v, strings.Join(known, ", "))
		}
		list = append(list, known[i])
	}
	return list, nil
}

// parseDuration reads a duration in Go's form, which may begin with days: 30d,
// 1d12h, 90m.
func parseDuration(text string) (time.Duration, error) {
	const day = 24 * time.Hour
	// Days and the rest both fit, so that their sum does.
	const maxDays = math.MaxInt64 / int64(day) / 2
	var d time.Duration
	rest := text
	if number, after, ok := strings.Cut(text, "d"); ok {
		days, err := strconv.ParseInt(number, 10, 64)
		if err != nil || days < 0 || days > maxDays {
			return 0, fmt.Errorf("%q is not a duration such as 30d, 12h or 1d12h", text)
		}
		d, rest = time.Duration(days)*day, cmp.Or(after, "0")
	}
	more, err := time.ParseDuration(rest)
	if err != nil || more < 0 || more > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is not a duration such as 30d, 12h or 1d12h", text)
	}
	if d += more; d == 0 {
		return 0, errors.New("the duration must be more than nothing")
	}
	return d, nil
}

// inventoryFlags are the flags of the inventory as given.
type inventoryFlags struct {
	filter        filter
	allNamespaces bool
	within        string
	sortBy        string
	output        string
}

// complete checks the flags and fills in the filter.
func (f *inventoryFlags) complete() error {
	for i, name := range f.filter.kinds {
		kind, ok := kindOf(name)
		if !ok {
			return fmt.Errorf("--kind: %q is not known: use one of %s", name, strings.Join(allKinds(), ", "))
		}
		f.filter.kinds[i] = kind
	}
	for _, list := range []struct {
		flag   string
		values *[]string
		known  []string
	}{
		{"layer", &f.filter.layers, knownLayers},
		{"role", &f.filter.roles, knownRoles},
		{"finding", &f.filter.findings, certificate.AllFindings()},
	} {
		checked, err := checkKnown(list.flag, *list.values, list.known)
		if err != nil {
			return err
		}
		*list.values = checked
	}
	order, err := checkKnown("sort-by", []string{f.sortBy}, knownOrders)
	if err != nil {
		return err
	}
	f.sortBy = order[0]
	if f.within == "" {
		return nil
	}
	within, err := parseDuration(f.within)
	if err != nil {
		return fmt.Errorf("--expires-within: %w", err)
	}
	f.filter.within = within
	return nil
}
