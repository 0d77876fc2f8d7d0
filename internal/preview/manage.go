package preview

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// componentFields are the fields of spec.components that name a component.
var componentFields = map[string]desired.PartName{
	"certManager":  desired.CertManager,
	"trustManager": desired.TrustManager,
}

// Manage changes a spec as if it said that the components, by their fields
// (certManager, trustManager), are Managed, and with adopt that their installs
// are taken over where they are. A version that the spec leaves open is that of
// the install that was found. It returns in words what it set beside
// the state.
func Manage(spec *v1alpha1.TLSPlatformSpec, fields []string, adopt bool, installs map[string]observed.Install) ([]string, error) {
	var notes []string
	fields = slices.Compact(slices.Sorted(slices.Values(fields)))
	for _, field := range fields {
		name, ok := componentFields[field]
		if !ok {
			return nil, fmt.Errorf("there is no component %q: use certManager or trustManager", field)
		}
		place := &spec.Components.CertManager
		if name == desired.TrustManager {
			place = &spec.Components.TrustManager
		}
		c := &v1alpha1.Component{}
		if *place != nil {
			c = (*place).DeepCopy()
		}
		install := installs[string(name)]
		set := []string{"state: Managed"}
		c.State = v1alpha1.ComponentManaged
		if adopt {
			c.Adopt = true
			set = append(set, "adopt: true")
		}
		if c.Version == "" {
			if install.Version == "" {
				return nil, fmt.Errorf("spec.components.%s has no version, and none was found in the cluster: set one", field)
			}
			c.Version = install.Version
			set = append(set, "version: "+c.Version)
		}
		// The API fills the namespace in, so whether somebody chose it is not known.
		if (adopt || *place == nil) && install.Namespace != "" && c.Namespace != install.Namespace {
			c.Namespace = install.Namespace
			set = append(set, "namespace: "+c.Namespace)
		}
		*place = c
		notes = append(notes, fmt.Sprintf("as if spec.components.%s had %s", field, strings.Join(set, ", ")))
	}
	return notes, nil
}
