//go:build certmanager1_20

package cainjector

import (
	"github.com/spf13/pflag"

	config "github.com/cert-manager/cert-manager/internal/apis/config/cainjector"
	"github.com/cert-manager/cert-manager/pkg/controller/cainjector"
)

// cert-manager 1.20 can't leave namespaces out.
func addIgnoreFlag(*pflag.FlagSet, *config.CAInjectorConfiguration) {}

func ignoreNamespaces(*cainjector.SetupOptions, *config.CAInjectorConfiguration) {}
