package component

import (
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// hold of a kind that only a person can lift.
func hold(reason, format string, args ...any) *desired.Hold {
	return &desired.Hold{Reason: reason, Message: fmt.Sprintf(format, args...), Terminal: true}
}

// preflight looks at what is in the cluster before anything is pulled.
func preflight(name desired.PartName, spec *v1alpha1.Component, facts *observed.Cluster) *desired.Hold {
	install := facts.Installs[string(name)]
	if h := checkOwner(name, spec, install); h != nil {
		return h
	}
	return checkDowngrade(name, spec, install)
}

// checkOwner refuses to write over what somebody else installed, and to move
// what runs to another namespace.
func checkOwner(name desired.PartName, spec *v1alpha1.Component, install observed.Install) *desired.Hold {
	switch install.Owner {
	case observed.OwnerNone:
		return nil
	case observed.OwnerPlatform:
		return checkMove(name, spec, install)
	case observed.OwnerOLM:
		return hold(v1alpha1.ReasonExistingInstall,
			"%s. The Operator Lifecycle Manager would undo what the platform changes, so it can't be adopted. "+
				"Set spec.components.%s.state: Observed, or remove its Subscription and ClusterServiceVersion first",
			found(name, install), definitions[name].field)
	case observed.OwnerHelm, observed.OwnerPlain:
	}
	if !spec.Adopt {
		return hold(v1alpha1.ReasonExistingInstall, "%s. Nothing was changed. Choose: %s",
			found(name, install), waysOut(name, spec, install))
	}
	if elsewhere(spec, install) {
		return hold(v1alpha1.ReasonExistingInstall,
			"%s; adopting keeps the namespace, and the spec asks for %s. Set spec.components.%s.namespace: %s",
			found(name, install), namespaceOf(spec), definitions[name].field, install.Namespace)
	}
	return nil
}

func elsewhere(spec *v1alpha1.Component, install observed.Install) bool {
	return install.Namespace != "" && install.Namespace != namespaceOf(spec)
}

func checkMove(name desired.PartName, spec *v1alpha1.Component, install observed.Install) *desired.Hold {
	if !elsewhere(spec, install) {
		return nil
	}
	field := definitions[name].field
	return hold(v1alpha1.ReasonInvalidSpec,
		"%s runs in namespace %s, the spec asks for %s: moving it would leave its Secrets behind while two copies run. "+
			"Set spec.components.%s.namespace: %s, or set state: Absent, wait until it is gone, and install it anew",
		name, install.Namespace, namespaceOf(spec), field, install.Namespace)
}

// found says in a sentence what is in the cluster.
func found(name desired.PartName, install observed.Install) string {
	var b strings.Builder
	fmt.Fprintf(&b, "found %s", name)
	if install.Version != "" {
		fmt.Fprintf(&b, " %s", install.Version)
	}
	switch install.Owner {
	case observed.OwnerHelm:
		fmt.Fprintf(&b, " of the Helm release %s", orUnknown(install.Release))
	case observed.OwnerOLM:
		fmt.Fprintf(&b, " of the ClusterServiceVersion %s", orUnknown(install.Release))
	case observed.OwnerPlain:
		b.WriteString(" of plain manifests")
	case observed.OwnerPlatform, observed.OwnerNone:
	}
	if install.Namespace != "" {
		fmt.Fprintf(&b, " in namespace %s", install.Namespace)
	} else {
		b.WriteString(" (only custom resource definitions)")
	}
	if len(install.Evidence) > 0 {
		fmt.Fprintf(&b, ": %s", strings.Join(install.Evidence, ", "))
	}
	return b.String()
}

func orUnknown(name string) string {
	if name == "" {
		return "of unknown name"
	}
	return name
}

// waysOut of an install that somebody else made.
func waysOut(name desired.PartName, spec *v1alpha1.Component, install observed.Install) string {
	field := "spec.components." + definitions[name].field
	adopt := fmt.Sprintf("(1) take it over: set %s.adopt: true", field)
	if elsewhere(spec, install) {
		adopt += fmt.Sprintf(" and namespace: %s", install.Namespace)
	}
	remove := "remove it yourself"
	if install.Owner == observed.OwnerHelm && install.Release != "" {
		remove = fmt.Sprintf("remove it yourself (helm -n %s uninstall %s)", install.Namespace, install.Release)
	}
	return fmt.Sprintf("%s; (2) leave it alone: set %s.state: Observed; (3) %s", adopt, field, remove)
}

// checkDowngrade refuses a version older than the one that runs.
func checkDowngrade(name desired.PartName, spec *v1alpha1.Component, install observed.Install) *desired.Hold {
	running, errRunning := semver.NewVersion(install.Version)
	wanted, errWanted := semver.NewVersion(spec.Version)
	if errRunning != nil || errWanted != nil || !wanted.LessThan(running) {
		return nil
	}
	return hold(v1alpha1.ReasonDowngradeRefused,
		"%s %s runs, the spec asks for the older %s: objects may be stored in a form that it can't read. "+
			"Set spec.components.%s.version to %s or newer; to go back on purpose, set state: Absent first",
		name, install.Version, spec.Version, definitions[name].field, install.Version)
}
