package resolve

import (
	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/plan"
)

// Settle replaces the version that a component of the platform seems to run by
// the last one that was healthy, or else by the declared one: going back from an
// upgrade that failed is no downgrade. healthy has the versions of components
// that were healthy once. The installs that are given stay as they are.
func Settle(spec *v1alpha1.TLSPlatformSpec, installs map[string]observed.Install, healthy map[desired.PartName]string) map[string]observed.Install {
	settled := make(map[string]observed.Install, len(installs))
	for name, install := range installs {
		if install.Owner == observed.OwnerPlatform {
			part := desired.PartName(name)
			declared := plan.SpecOf(spec, part)
			switch {
			case healthy[part] != "":
				install.Version = healthy[part]
			case declared != nil:
				install.Version = declared.Version
			}
		}
		settled[name] = install
	}
	return settled
}
